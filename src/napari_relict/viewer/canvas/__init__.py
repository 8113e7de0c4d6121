"""What is drawn on napari's canvas: the scene of two volumes and its tools."""
