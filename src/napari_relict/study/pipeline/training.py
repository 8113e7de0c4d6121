"""Train an encoder on a study's own volumes and define it in study.toml, so that the next match has its measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import tomlkit

from napari_relict.encoders.registry import check_definition
from napari_relict.errors import UsageError
from napari_relict.jobs.progress import Progress, silent
from napari_relict.measures.registry import check_encoder_name
from napari_relict.records.settings import Settings, edit_settings
from napari_relict.study.pipeline.match import prepare_study
from napari_relict.training import Asked, Epoch, Trained, train

FOLDER = "encoders"
On = Literal["training", "holdout"]
SHARE_OF_HOLDOUT = 0.5  # of its patients; the others remain the null


@dataclass(frozen=True)
class TrainedEncoder:
    """What came of a training.

    Attributes
    ----------
    name : of its measure.
    file : weights and what they need.
    volumes : how many it was trained on, those that only checked it included.
    """

    name: str
    file: Path
    volumes: int
    trained: Trained


def train_encoder(
    folder: Path,
    settings: Settings,
    asked: Asked,
    *,
    name: str | None = None,
    on: On = "training",
    device: str = "cpu",
    progress: Progress = silent,
    report: Callable[[Epoch], None] = lambda epoch: None,
) -> TrainedEncoder:
    """Train, write `encoders/NAME.pt`, and add the encoder to study.toml and to the measures of a match.

    On the training cohort, holdout and new volumes stay equally unseen, so p-values from the holdout keep their error
    rate. On the holdout, half of its patients are used and are no null from then on.

    Raises
    ------
    UsageError : a name that cannot be a measure's, or no such cohort, or too few patients.
    DataError : a cohort cannot be read, or the disk is at fault.
    """
    name = name or asked.kind
    check_definition(name, {"kind": asked.kind})
    check_encoder_name(name)
    defined = settings.encoders.get(name)
    if defined is not None and defined.get("kind", name) != asked.kind:
        raise UsageError(f"[encoders.{name}] is an encoder of another kind; choose another name with --name")
    if on not in settings.cohorts:
        raise UsageError(f"the study has no {on} cohort; train on the training cohort")
    prepared, patients, _, key, _ = prepare_study(folder, settings, progress)
    cohort = prepared[on]
    whose = {volume: patients[(on, volume)] for volume in cohort.names}
    names = cohort.names if on == "training" else _share(cohort.names, whose, asked.seed)
    file = folder / FOLDER / f"{name}.pt"
    trained = train(asked, cohort, names, whose, file, key, device=device, progress=progress, report=report)
    edit_settings(folder, partial(_define, name=name, kind=asked.kind))
    return TrainedEncoder(name, file, len(names), trained)


def _share(names: list[str], patients: dict[str, str], seed: int) -> list[str]:
    """The volumes of a share of the patients, drawn at random."""
    people = sorted(set(patients.values()))
    order = np.random.default_rng((seed, 1)).permutation(len(people))
    chosen = {people[place] for place in order[: round(SHARE_OF_HOLDOUT * len(people))]}
    return [name for name in names if patients[name] in chosen]


def _define(document: tomlkit.TOMLDocument, name: str, kind: str) -> None:
    """[encoders.NAME], and NAME among the measures of a match."""
    encoders = document.setdefault("encoders", tomlkit.table())
    encoders[name] = {"kind": kind, "weights": f"{FOLDER}/{name}.pt"}
    measures = document["match"]["measures"]
    if name not in measures:
        measures.append(name)
