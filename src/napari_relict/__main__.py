"""`python -m napari_relict`."""

from napari_relict.cli import main

main()
