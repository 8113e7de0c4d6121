"""Hashes that say what a study rests on, so that a report can be held against the data."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from napari_relict.errors import disk_faults
from napari_relict.records.reader import Stored


@dataclass(frozen=True)
class Provenance:
    """Attributes
    ----------
    scores : SHA-256 of the table of scores, as every rating holds it.
    cohorts : by cohort, SHA-256 over its volumes (see `over`). volumes : the same over all volumes of the study.
    weights : by measure, SHA-256 of the encoder's weights; without those whose embeddings are no longer kept.
    """

    scores: str
    cohorts: dict[str, str]
    volumes: str
    weights: dict[str, str]


def provenance(study: Stored) -> Provenance:
    """What the study's last match rests on."""
    volumes = study.volumes()
    encoders = [measure.name for measure in study.measures() if measure.level == "feature"]
    return Provenance(
        study.meta().get("scores_hash", ""),
        {str(cohort): over(mine["content"]) for cohort, mine in volumes.groupby("cohort")},
        over(volumes["content"]),
        _weights(study, encoders),
    )


def over(contents: Iterable[str]) -> str:
    """SHA-256 of the sorted SHA-256 of volumes, one a line: the same whatever the files are called."""
    return hashlib.sha256("".join(f"{one}\n" for one in sorted(contents)).encode()).hexdigest()


def _weights(study: Stored, encoders: Iterable[str]) -> dict[str, str]:
    """From the keys of the embeddings, which hold encoder, weights and preparation; those added last count."""
    file, found = study.folder / "volumes" / "embeddings.sqlite", {}
    if not file.is_file():
        return {}
    with disk_faults(file), closing(sqlite3.connect(file, timeout=60)) as database:
        for encoder in encoders:
            row = database.execute(
                "SELECT encoder FROM embedding WHERE substr(encoder, 1, ?) = ? ORDER BY rowid DESC LIMIT 1",
                (len(encoder) + 1, f"{encoder}:"),
            ).fetchone()
            if row is not None:
                found[encoder] = str(row[0]).removeprefix(f"{encoder}:").rsplit(":", 1)[0]
    return found
