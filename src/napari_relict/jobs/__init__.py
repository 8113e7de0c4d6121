"""Work on many cores or machines, work in processes of its own, and how it tells of itself."""
