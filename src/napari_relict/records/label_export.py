"""Reference labels for others: a folder as BIDS lays tables out, with a dictionary of its columns.

`replica_labels.tsv` holds a row a pair, `replica_labels.json` says what its columns mean, `<name>_replica.json` holds
what is said of one synthetic volume. Nothing in them says whose volume a training volume is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from napari_relict.calibration.verdicts import GRADES
from napari_relict.errors import disk_faults
from napari_relict.version import __version__

TABLE = "replica_labels"
LEVELS = {str(grade): name for grade, name in GRADES.items()}
COLUMNS: dict[str, dict[str, Any]] = {
    "synthetic": {"Description": "name of the synthetic volume: its file name without extension"},
    "training": {"Description": "name of the training volume that it was compared with"},
    "grade": {
        "LongName": "Grade of likeness",
        "Description": "what the readers said of the pair: the consensus, or the median of the readers' grades",
        "Levels": LEVELS,
    },
    "replica": {
        "Description": "whether the synthetic volume is a replica of the training volume",
        "Levels": {"true": "grade 2.5 or more", "false": "grade below 2.5"},
    },
    "source": {"Description": "what the grade rests on: consensus, median of n readers, or one reader"},
    "readers": {"Description": "how many readers graded the pair"},
    "lowest": {"Description": "lowest grade that one of the readers gave", "Levels": LEVELS},
    "highest": {"Description": "highest grade that one of the readers gave", "Levels": LEVELS},
    "blinded": {"Description": "share of the ratings behind the grade that were given blinded", "Units": "1"},
    "synthetic_hash": {"Description": "SHA-256 of the stored voxels and geometry of the synthetic volume"},
    "training_hash": {"Description": "SHA-256 of the stored voxels and geometry of the training volume"},
}


def is_folder(to: Path) -> bool:
    """True where labels go into a folder: one that exists, or a name without an ending."""
    return to.is_dir() or not to.suffix


def write_label_folder(labels: pd.DataFrame, folder: Path) -> None:
    """Write the table, its dictionary and one sidecar a synthetic volume; files of these names are replaced.

    Parameters
    ----------
    labels : as `Study.reference_labels` gives them.

    Raises
    ------
    DataError : not writable, or the disk is full.
    """
    labels = labels[list(COLUMNS)]
    shown = labels.assign(replica=labels["replica"].map({True: "true", False: "false"}))
    made_by = {"Name": "napari-relict", "Version": __version__}
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / f"{TABLE}.tsv", shown.to_csv(sep="\t", index=False, na_rep="n/a"))
        _write(folder / f"{TABLE}.json", _json({**COLUMNS, "GeneratedBy": [made_by]}))
        for synthetic, mine in labels.groupby("synthetic"):
            highest = mine.sort_values("grade", kind="stable").iloc[-1]
            said = {
                "Synthetic": synthetic,
                "SyntheticHash": highest["synthetic_hash"],
                "Replica": bool(mine["replica"].any()),
                "Grade": float(highest["grade"]),
                "GradeLevels": LEVELS,
                "Pairs": json.loads(mine.drop(columns=["synthetic", "synthetic_hash"]).to_json(orient="records")),
                "GeneratedBy": [made_by],
            }
            _write(folder / f"{synthetic}_replica.json", _json(said))


def _json(values: Any) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _write(file: Path, text: str) -> None:
    unfinished = file.with_name(file.name + ".part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
