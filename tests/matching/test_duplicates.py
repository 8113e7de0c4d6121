"""Each duplicate once, in either mirror state or by equal voxels, whoever looks and however the work is cut up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import naive
from napari_relict.errors import Cancelled
from napari_relict.jobs.executors import Workforce
from napari_relict.matching import Duplicate, duplicates, find_duplicates, pairwise_ncc, tables
from napari_relict.matching.pairwise_ncc import Kind
from napari_relict.volumes import Grid, PreparedCohort
from napari_relict.volumes.cohort import CohortWriter, Row

COUNT, SMALLEST = 9, 0.8


def _on_disk(folder: Path, cohort: str, volumes: np.ndarray) -> PreparedCohort:
    grid = Grid(volumes.shape[1:], (1.0, 1.0, 1.0))
    writer = CohortWriter(folder / cohort, grid, "key")
    for i, volume in enumerate(volumes):
        name = f"{cohort}-{i}"
        writer.add(Row(-1, name, "", name, name, False, [], (0.0, 1.0), [], False, [], [], [], ""), volume, None)
    return PreparedCohort(writer.folder, cohort, writer.rows, grid, "")


@pytest.fixture
def cohorts(tmp_path: Path) -> tuple[PreparedCohort, PreparedCohort]:
    """Training with a mirrored and a noisy copy and equal voxels that look different; holdout with one copy of it."""
    random = np.random.default_rng(0)
    volumes = random.random((COUNT, 6, 7, 8)).astype(np.float32)
    volumes[7] = volumes[1][..., ::-1]
    volumes[5] = volumes[4] + 0.1 * random.random(volumes[4].shape)
    training = _on_disk(tmp_path, "training", volumes)
    training.rows["training-8"] = replace(training.rows["training-8"], voxels="training-0")
    return training, _on_disk(tmp_path, "holdout", np.stack([random.random(volumes[0].shape), volumes[2] * 0.5]))


PATIENTS = {("training", f"training-{i}"): str(i // 2) for i in range(COUNT)} | {
    ("holdout", f"holdout-{i}"): "x" for i in range(2)
}


def _naive(training: PreparedCohort, holdout: PreparedCohort) -> set[tuple[str, str, bool, bool, bool]]:
    found = set()
    for cohort in (training, holdout):
        for i, one in enumerate(cohort.names):
            for other in training.names[i + 1 if cohort is training else 0 :]:
                a, b = cohort.images([one])[0], training.images([other])[0]
                straight, flipped = naive.ncc(a, b), naive.ncc(a[..., ::-1], b)
                equal = cohort.rows[one].voxels == training.rows[other].voxels
                own = PATIENTS[(cohort.cohort, one)] == PATIENTS[("training", other)]
                if equal or max(straight, flipped) >= SMALLEST:
                    found.add((one, other, flipped > straight, equal, own))
    return found


def _look(
    cohorts: tuple[PreparedCohort, PreparedCohort],
    count: int,
    remote: bool,
    device: str = "cpu",
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> list[Duplicate]:
    with ThreadPoolExecutor(count) as pool:
        crew = Workforce(pool, count, remote)
        training, *others = cohorts
        return find_duplicates(training, others, PATIENTS, SMALLEST, device=device, force=crew, progress=progress)


@pytest.mark.parametrize(("count", "remote"), [(2, False), (1, True), (3, True)])
@pytest.mark.parametrize("block", [1, 2, 4, 100])
def test_the_same_as_a_loop_over_all_pairs(
    cohorts: tuple[PreparedCohort, PreparedCohort],
    count: int,
    remote: bool,
    block: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = _look(cohorts, 1, False)
    monkeypatch.setattr(duplicates, "queries_at_once", lambda *_: block)
    reports: list[tuple[str, int, int]] = []
    found = _look(cohorts, count, remote, progress=lambda *report: reports.append(report))
    assert found == whole
    said = [(one.volume, one.training, one.mirrored, one.same_voxels, one.same_patient) for one in found]
    assert len(said) == 4
    assert set(said) == _naive(*cohorts)
    assert found[0].same_voxels
    assert found[0].ncc < SMALLEST
    for stage, total in (("duplicates, training", COUNT), ("duplicates, holdout", 2)):
        done = [report[1] for report in reports if report[0] == stage]
        assert done == sorted(done)
        assert done[-1] == total


def test_the_product_is_made_where_it_is_asked_for(
    cohorts: tuple[PreparedCohort, PreparedCohort], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def kind(queries: int, training: int, voxels: int, device: str) -> Kind:
        asked.append(device)
        return "cuda"

    real = pairwise_ncc.backend
    monkeypatch.setattr(tables, "choose_kind", kind)
    monkeypatch.setattr(pairwise_ncc, "backend", lambda kind, device: real(kind, "cpu"))
    assert _look(cohorts, 1, False, "cuda") == _look(cohorts, 2, True, "cuda")
    assert set(asked) == {"cuda"}


def test_it_can_be_stopped_between_blocks_of_training_volumes(
    cohorts: tuple[PreparedCohort, PreparedCohort], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "BLOCK_ROWS", 2)
    reports: list[tuple[str, int, int]] = []

    def stop(*report: object) -> None:
        reports.append(report)  # type: ignore[arg-type]
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        _look(cohorts, 1, False, progress=stop)
    assert reports == [("duplicates, training", 2, COUNT)]
