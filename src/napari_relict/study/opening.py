"""Open whatever there is to be read."""

from __future__ import annotations

from pathlib import Path

from napari_relict.errors import DataError
from napari_relict.reading.kit import Kit, is_kit
from napari_relict.records.settings import FILE as STUDY_FILE
from napari_relict.study.study import Study


def open_reading(folder: str | Path) -> Study | Kit:
    """Open a study or a reading kit, whichever the folder is.

    Raises
    ------
    DataError : it is neither, or it is damaged.
    """
    folder = Path(folder).resolve()
    if is_kit(folder):
        return Kit.open(folder)
    if not (folder / STUDY_FILE).is_file():
        raise DataError(folder, "is not a study and not a reading kit", "give the folder of one")
    return Study.open(folder)
