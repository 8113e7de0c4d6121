"""A training that was stopped: with what settings it goes on, and how far it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_relict.encoders.weights import load_checkpoint
from napari_relict.errors import DataError
from napari_relict.records.reader import Stored
from napari_relict.study.pipeline.training import FOLDER, On
from napari_relict.training import Epoch


@dataclass(frozen=True)
class StoppedTraining:
    """Asked for with these settings, `Study.train` goes on where it was.

    Attributes
    ----------
    name : of the encoder.
    on : the cohort it learns from.
    history : its epochs so far.
    """

    name: str
    kind: str
    on: On
    epochs: int
    seed: int
    published: bool
    backbone: str
    history: tuple[Epoch, ...]


def stopped_trainings(study: Stored) -> list[StoppedTraining]:
    """Those that lie in the study's folder, the latest first; what cannot be read is no training to go on with."""
    files = sorted((study.folder / FOLDER).glob("*.training"), key=lambda file: -file.stat().st_mtime)
    if not files:
        return []
    frame = study.contents()
    cohorts: dict[str, str] = dict(zip(frame["content"], frame["cohort"], strict=True))
    found = (read_stopped(file, cohorts) for file in files)
    return [one for one in found if one is not None]


def read_stopped(file: Path, cohorts: Mapping[str, str]) -> StoppedTraining | None:
    """What a checkpoint says; None where it is none.

    Parameters
    ----------
    cohorts : content of a volume -> its cohort.
    """
    try:
        kept: Any = load_checkpoint(file, "a training that was stopped")
        asked = json.loads(kept["fingerprint"])
        whose = {cohorts.get(content) for content in asked["volumes"]}
        return StoppedTraining(
            file.stem,
            str(asked["kind"]),
            "holdout" if whose == {"holdout"} else "training",
            int(asked["epochs"]),
            int(asked["seed"]),
            bool(asked["published"]),
            str(asked["backbone"]),
            tuple(Epoch(int(row["number"]), row["loss"], row["checking_loss"]) for row in kept["history"]),
        )
    except (DataError, KeyError, TypeError, ValueError):
        return None
