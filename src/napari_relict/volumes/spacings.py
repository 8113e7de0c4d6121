"""How large the voxels are of volumes whose files do not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from napari_relict.errors import DataError
from napari_relict.volumes.finding import VolumeFile, name_of

Spacing = tuple[float, float, float]
COLUMNS = ("volume", "z", "y", "x")
LARGEST_MM = 100.0


def read_spacings(file: Path) -> dict[str, Spacing]:
    """Spacing of each volume that a table names.

    Parameters
    ----------
    file : Path
        CSV with the columns `volume` (file name, with or without extension), `z`, `y` and `x` (mm).

    Returns
    -------
    dict of str to tuple of float
        mm along z, y, x by volume name.

    Raises
    ------
    DataError
        Unreadable, columns missing, or a spacing that is not between 0 and 100 mm.
    """
    try:
        table = pd.read_csv(file, skipinitialspace=True, dtype={"volume": str})
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        wrong = f"cannot be read as CSV ({str(error).splitlines()[0]})"
        raise DataError(file, wrong, f"write a table with the columns {','.join(COLUMNS)}") from error
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise DataError(file, f"has no column {' or '.join(missing)}", f"write the header line {','.join(COLUMNS)}")
    spacings: dict[str, Spacing] = {}
    for line, (volume, *values) in enumerate(table[list(COLUMNS)].itertuples(index=False), start=2):
        numbers = pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(float)
        if not (np.isfinite(numbers).all() and (numbers > 0).all() and (numbers < LARGEST_MM).all()):
            raise DataError(
                file, f"line {line} has no spacing above 0 and below {LARGEST_MM:g} mm", "give z, y, x in mm"
            )
        z, y, x = numbers.tolist()
        spacings[name_of(Path(str(volume).strip()))] = (z, y, x)
    return spacings


def with_spacing(
    files: Sequence[VolumeFile], spacing: Spacing | Mapping[str, Spacing] | None
) -> tuple[list[VolumeFile], list[str]]:
    """The files, those that do not know their spacing told it; and the names of those that nobody told.

    Parameters
    ----------
    files : sequence of VolumeFile
    spacing : tuple of float, mapping or None
        mm along z, y, x: of all, or by volume name (of a file with several samples, by the file's name too).

    Returns
    -------
    files : list of VolumeFile
    untold : list of str
    """
    told, untold = [], []
    for file in files:
        mm = None
        if not file.knows_spacing:
            mm = spacing.get(file.name, spacing.get(name_of(file.path))) if isinstance(spacing, Mapping) else spacing
            if mm is None:
                untold.append(file.name)
        told.append(file if mm is None else replace(file, spacing=mm))
    return told, untold
