"""Every pair registered: the copy leads whatever its pose and its file say, and what is kept follows the volumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import coarse_phantom as coarse
from napari_relict.jobs.executors import workforce
from napari_relict.matching.registered_search import registered_scores
from napari_relict.volumes import Grid, Preparation, PreparedCohort, find_volumes, prepare_cohort

GRID = Grid((36, 42, 37), (5.0, 5.0, 5.0))  # no side is a whole number of blocks
CENTRED = Preparation(GRID, "mr", pose="centre", partial=False)


def _cohort(folder: Path, name: str, heads: list[np.ndarray]) -> PreparedCohort:
    for number, values in enumerate(heads):
        coarse.write(folder / name, f"{name}-{number}", values)
    files, _ = find_volumes(folder / name)
    return prepare_cohort(name, files, {}, CENTRED, None, folder / "volumes")[0]


def _scores(cohort: PreparedCohort, training: PreparedCohort) -> np.ndarray:
    with workforce() as crew:
        return registered_scores(cohort, cohort.names, training, crew, lambda stage, share: None)


def _heads(*seeds: int) -> list[np.ndarray]:
    return [coarse.head(seed)[0] for seed in seeds]


def test_a_copy_leads_in_whatever_mirror_state_and_contrast(tmp_path: Path) -> None:
    training = _cohort(tmp_path, "training", _heads(0, 1, 2, 3))
    own = coarse.head(2)[0]
    ways = [own, own[..., ::-1], own.max() - own, np.roll(own, (3, -2, 2), (0, 1, 2))]
    scores = _scores(_cohort(tmp_path, "synthetic", ways), training)
    assert scores.argmax(1).tolist() == [2, 2, 2, 2]
    assert (scores[:, 2] > np.delete(scores, 2, axis=1).max(1) + 0.02).all()
    # Mirrored about the grid's middle, a volume agrees as it does unmirrored.
    assert scores[1, 2] == pytest.approx(scores[0, 2], abs=0.03)  # its blocks are other ones, a column further


def test_outlines_that_are_kept_follow_the_volumes(tmp_path: Path) -> None:
    """The same names, other patients: in one process, one after the other."""
    query = _cohort(tmp_path, "synthetic", _heads(5))
    before = _scores(query, _cohort(tmp_path, "training", _heads(5, 1)))
    after = _scores(query, _cohort(tmp_path, "training", _heads(1, 5)))
    assert before[0].argmax() == 0 and after[0].argmax() == 1
