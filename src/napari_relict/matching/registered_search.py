"""Every pair registered coarsely: candidates that neither one pose for all nor what files say can lose.

Volumes are compared by their outlines at about 8 mm, as they are and mirrored; a volume whose contrast was taken for
inverted is tried turned over, too. Starts are the common pose, the files as they lie, and the centres of mass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np

from napari_relict.jobs.executors import Workforce
from napari_relict.matching.dense_search import Report
from napari_relict.registration.coarse import outline, register_all
from napari_relict.volumes.affines import from_rows
from napari_relict.volumes.cohort import PreparedCohort

MOST = 5000  # training volumes: with more, every pair would take longer than everything else
_BUILDING = Lock()
_BUILT: dict[tuple[Path, str, tuple[tuple[str, str], ...]], Outlines] = {}  # the last one


@dataclass(frozen=True)
class Outlines:
    """Outlines of a training cohort, on one low-resolution grid.

    Attributes
    ----------
    values : ndarray of float32, (n, z, y, x)
    seen : ndarray of uint8, (n, z, y, x)
    origin : ndarray of float64, (3,)
        mm (x, y, z) of the first voxel.
    from_world : ndarray of float64, (n, 4, 4)
        mm in each file's own world -> grid mm.
    """

    values: np.ndarray
    seen: np.ndarray
    origin: np.ndarray
    from_world: np.ndarray


@dataclass(frozen=True)
class _Query:
    """One query against the training cohort; travels to the worker."""

    cohort: PreparedCohort
    name: str
    training: PreparedCohort
    device: str


def registered_scores(
    cohort: PreparedCohort,
    names: Sequence[str],
    training: PreparedCohort,
    crew: Workforce,
    report: Report,
    device: str = "cpu",
) -> np.ndarray:
    """How alike each query and each training volume are once they are registered.

    Parameters
    ----------
    cohort : PreparedCohort
        Of the queries.
    names : sequence of str
    training : PreparedCohort
    crew : Workforce
    report : callable
    device : str
        `cuda` climbs all pairs of a query at once.

    Returns
    -------
    ndarray of float64, (names, training)
        Correlation of outlines over the overlap, in the better mirror state; less where the overlap is small.
    """
    tasks = (_Query(cohort, name, training, device) for name in names)
    scores = np.zeros((len(names), len(training)))
    for number, row in enumerate(crew.in_order(_row, tasks)):
        scores[number] = row
        report("register coarsely", (number + 1) / len(names))
    return scores


def _row(query: _Query) -> np.ndarray:
    others = _outlines_of(query.training)
    row = query.cohort.rows[query.name]
    seen = query.cohort.field_of_view(query.name)
    images = [query.cohort.images([query.name])[0]]
    if row.apart:
        images.append(query.cohort.images([query.name], searched=True)[0])
    lying = others.from_world @ from_rows(row.pose)
    posed = np.broadcast_to(np.eye(4), lying.shape)
    device = "" if query.device == "cpu" else query.device  # one pair after another is faster on a processor
    best = np.full(len(others.values), -1.0)
    for image in images:
        straight = outline(image, query.cohort.grid.spacing, seen)
        for one, starts in ((straight, [posed, lying]), (straight.mirrored(), [posed])):
            alike, _ = register_all(
                one, others.values, others.seen, np.stack(starts, 1), origin=others.origin, device=device
            )
            best = np.maximum(best, alike)
    return best


def _outlines_of(training: PreparedCohort) -> Outlines:
    """Made once in each process, for as long as the same volumes are asked for."""
    held = tuple((name, row.content) for name, row in training.rows.items())
    key = (training.folder, training.key, held)
    with _BUILDING:
        if key not in _BUILT:
            _BUILT.clear()
            _BUILT[key] = _made(training)
        return _BUILT[key]


def _made(training: PreparedCohort) -> Outlines:
    made = [
        outline(training.images([name])[0], training.grid.spacing, training.field_of_view(name))
        for name in training.names
    ]
    from_world = [np.linalg.inv(from_rows(row.pose)) for row in training.rows.values()]
    return Outlines(
        np.stack([one.values for one in made]),
        np.stack([one.seen for one in made]),
        made[0].origin,
        np.stack(from_world),
    )
