"""Files of our own making: caches, and what comes out of packages."""
