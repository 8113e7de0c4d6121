"""Which volumes belong to the same patient."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from napari_relict.errors import DataError
from napari_relict.volumes.finding import name_of


def read_patients(file: Path) -> dict[str, str]:
    """Volume name -> patient, from a CSV with the columns `volume` and `patient`.

    Volumes may be written with or without extension. Volumes that the file does not name are taken as one
    patient each by whoever asks.

    Raises
    ------
    DataError : unreadable, columns missing, a cell empty, or one volume given to two patients.
    """
    try:
        table = pd.read_csv(file, dtype=str, skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise DataError(
            file, f"cannot be read as CSV ({error})", "write a table with the columns volume,patient"
        ) from error
    missing = {"volume", "patient"} - set(table.columns)
    if missing:
        raise DataError(file, f"has no column {' or '.join(sorted(missing))}", "write the header line volume,patient")
    if table[["volume", "patient"]].isna().any().any():
        line = int(table[["volume", "patient"]].isna().any(axis=1).to_numpy().argmax()) + 2
        raise DataError(file, f"line {line} has an empty cell", "give a volume and a patient on each line")
    names = [name_of(Path(volume.strip())) for volume in table["volume"]]
    patients: dict[str, str] = {}
    for name, patient in zip(names, table["patient"].str.strip(), strict=True):
        if patients.setdefault(name, patient) != patient:
            raise DataError(
                file,
                f"gives volume '{name}' to two patients ({patients[name]}, {patient})",
                "keep one of them",
            )
    return patients
