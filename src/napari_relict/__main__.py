"""`python -m napari_relict`."""

from napari_relict.cli import main

if __name__ == "__main__":
    main()
