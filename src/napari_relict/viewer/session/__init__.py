"""One reading session: the list, the draft, its keys. Knows no Qt and no napari."""
