"""Which volumes belong to the same patient."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from napari_relict.errors import DataError
from napari_relict.volumes.finding import name_of


def read_patients(file: Path) -> dict[tuple[str, str], str]:
    """(cohort, volume) -> patient, from a CSV with the columns `volume`, `patient` and, if need be, `cohort`.

    Without the column `cohort` the key's cohort is "". Volumes may be written with or without extension.

    Raises
    ------
    DataError : unreadable, columns missing, a cell empty, or one volume given to two patients.
    """
    try:
        table = pd.read_csv(file, dtype=str, skipinitialspace=True, keep_default_na=False)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        wrong = f"cannot be read as CSV ({str(error).splitlines()[0]})"
        raise DataError(file, wrong, "write a table with the columns volume,patient") from error
    if missing := {"volume", "patient"} - set(table.columns):
        raise DataError(file, f"has no column {' or '.join(sorted(missing))}", "write the header line volume,patient")
    patients: dict[tuple[str, str], str] = {}
    cohorts = table["cohort"] if "cohort" in table else [""] * len(table)
    for line, (cohort, volume, patient) in enumerate(
        zip(cohorts, table["volume"], table["patient"], strict=True), start=2
    ):
        key, owner = (cohort.strip(), name_of(Path(volume.strip()))), patient.strip()
        if not key[1] or not owner:
            raise DataError(file, f"line {line} has an empty cell", "give a volume and a patient on each line")
        if patients.setdefault(key, owner) != owner:
            raise DataError(
                file, f"gives volume '{key[1]}' to two patients ({patients[key]}, {owner})", "keep one of them"
            )
    return patients
