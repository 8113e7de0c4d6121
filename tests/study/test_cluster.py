"""A Dask cluster finds what this machine's threads find, to the last digit, even when a worker dies on the way."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import coarse_phantom as phantom
from napari_relict.study import Study

distributed = pytest.importorskip("distributed")

MEASURES = ("ncc", "half", "region", "nmi", "half_ncc", "region_ncc", "ssim", "dice")


@pytest.fixture(scope="module")
def unmatched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 17 volumes, some of them duplicates, nothing prepared yet."""
    folder = tmp_path_factory.mktemp("cluster")
    places = phantom.write_study_folders(folder / "data", training=5, holdout=4, novel=1)
    phantom.write(places["training"], "again", phantom.head(3)[0], ".nrrd")
    phantom.write(places["training"], "flipped", phantom.head(1)[0][..., ::-1].copy())
    phantom.write(places["holdout"], "leak", phantom.head(4)[0])
    phantom.write(places["holdout"], "leak-flipped", phantom.head(3)[0][..., ::-1].copy())
    return phantom.with_null_of(Study.create(folder / "study", **places).folder, 6, verify=1)


@pytest.fixture(scope="module")
def alone(unmatched: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study matched by this machine's threads."""
    study = Study.open(shutil.copytree(unmatched, tmp_path_factory.mktemp("alone") / "study"))
    assert study.match(measures=MEASURES) == []
    return study


@pytest.fixture(scope="module")
def _running() -> Iterator[distributed.LocalCluster]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, memory_limit=0, dashboard_address=None
    ) as running:
        yield running


@pytest.fixture
def cluster(_running: distributed.LocalCluster) -> distributed.LocalCluster:
    """With both workers: one that died in another test is there again."""
    with distributed.Client(_running) as client:
        client.wait_for_workers(2, timeout=60)
    return _running


def _same_tables(one: Study, other: Study) -> None:
    for table in ("matches", "nearest", "verdicts", "duplicates"):
        pd.testing.assert_frame_equal(getattr(one, table)(), getattr(other, table)(), rtol=0, atol=1e-12, obj=table)


def test_the_planted_duplicates_are_found(alone: Study) -> None:
    found = alone.duplicates()
    pairs = {frozenset(pair) for pair in found[["volume", "training"]].to_numpy()}
    planted = {("train-03", "again"), ("train-01", "flipped"), ("train-04", "leak")}
    planted |= {("leak-flipped", "again"), ("leak-flipped", "train-03")}
    assert pairs == {frozenset(pair) for pair in planted}
    assert len(found) == len(planted)  # each once


@pytest.mark.timeout(400)
def test_a_cluster_gives_the_same_tables(
    unmatched: Path, alone: Study, cluster: distributed.LocalCluster, tmp_path: Path
) -> None:
    study = Study.open(shutil.copytree(unmatched, tmp_path / "study"))
    stages: list[str] = []
    address = cluster.scheduler_address
    assert study.match(measures=MEASURES, scheduler=address, progress=lambda stage, *_: stages.append(stage)) == []
    assert {"prepare training", "duplicates, training", "duplicates, holdout", "align and verify"} <= set(stages)
    _same_tables(study, alone)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("dies_in", ["prepare training", "align and verify"])
def test_a_worker_that_dies_takes_nothing_with_it(
    dies_in: str, unmatched: Path, alone: Study, cluster: distributed.LocalCluster, tmp_path: Path
) -> None:
    study = Study.open(shutil.copytree(unmatched, tmp_path / "study"))
    killed: list[int] = []

    def kill_one(stage: str, done: int, total: int) -> None:
        if stage == dies_in and not killed:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    assert study.match(measures=MEASURES, scheduler=cluster.scheduler_address, progress=kill_one) == []
    assert len(killed) == 1
    _same_tables(study, alone)
