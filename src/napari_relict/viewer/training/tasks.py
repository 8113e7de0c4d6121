"""What the training dock has worked out in threads: plain functions of a folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from napari_relict.errors import DataError, UsageError
from napari_relict.reading.kit import is_kit
from napari_relict.study import Study
from napari_relict.study.pipeline.stopped_training import StoppedTraining, stopped_trainings
from napari_relict.study.pipeline.training import TrainedEncoder
from napari_relict.viewer.jobs.long_job import Line
from napari_relict.viewer.widgets.training_form import Wanted


@dataclass(frozen=True)
class Ready:
    """What a study offers to be trained on.

    Attributes
    ----------
    stopped : trainings that can go on, the latest first.
    """

    folder: Path
    name: str
    holdout: bool
    cuda: bool
    stopped: tuple[StoppedTraining, ...]


def look(folder: Path) -> Ready:
    """Open a study and see what can be done.

    Raises
    ------
    UsageError : a reading kit. DataError : no study, or a damaged one.
    """
    import torch

    if is_kit(folder):
        raise UsageError(f"{folder}: is a reading kit; nothing can be trained on it")
    study = Study.open(folder)
    try:
        return Ready(
            study.folder, study.settings.name, "holdout" in study.settings.cohorts, torch.cuda.is_available(),
            tuple(stopped_trainings(study)),
        )  # fmt: skip
    finally:
        study.close()


def train(folder: Path, wanted: Wanted, line: Line) -> TrainedEncoder:
    """Train, or go on with it; the line is told each epoch."""
    study = Study.open(folder)
    try:
        return study.train(
            **asdict(wanted.asked), name=wanted.name, on=wanted.on, device=wanted.device,
            progress=line, report=line.tell,
        )  # fmt: skip
    finally:
        study.close()


def match(folder: Path, device: str, line: Line) -> list[DataError]:
    """Match again, with the measures of study.toml; the embeddings of the learned one are made on the way."""
    study = Study.open(folder)
    try:
        return study.match(device=device, progress=line)
    finally:
        study.close()
