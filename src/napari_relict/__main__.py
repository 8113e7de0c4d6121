"""`python -m napari_relict`."""

from napari_relict.cli.app import main

if __name__ == "__main__":
    main()
