"""Answers come back as they were kept, and whatever they depend on makes another key."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_relict.errors import DataError
from napari_relict.matching import VerifiedCache, verified_cache
from napari_relict.matching.pairwise_alignment import Candidate, Half, Task, Verified
from napari_relict.matching.region_verify import FoundRegion
from napari_relict.matching.regions import Region
from napari_relict.measures.change import Change
from napari_relict.volumes.cohort import Row, chunk_file


@dataclass(frozen=True)
class Cohort:
    """As much of a prepared cohort as the key needs: volumes with a segmentation each, by what they hold."""

    folder: Path
    cohort: str
    contents: dict[str, str]

    def __post_init__(self) -> None:
        for number in range(len(self.contents)):
            file = chunk_file(self.folder, "labels", number)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"labels")

    @property
    def rows(self) -> dict[str, Row]:
        return {
            name: Row(i, name, "", held, held, True, [1], (0.0, 1.0), [], False, [], [], [], "")
            for i, (name, held) in enumerate(self.contents.items())
        }


REGION = Region(12.5, True, np.array([1.0, 2.0, 3.0]), 40.0, np.eye(4))


@pytest.fixture
def task(tmp_path: Path) -> Task:
    training = Cohort(tmp_path / "t", "training", {"a": "held by a", "b": "held by b"})
    synthetic = Cohort(tmp_path / "s", "synthetic", {"q": "held by q"})
    candidates = [Candidate("a", False, None), Candidate("b", True, Half(2, True), REGION)]
    return Task(synthetic, "q", training, candidates, {"nmi", "hd95"}, [1, 2], {1: 2, 2: 1}, "similarity", 2.0, True)  # type: ignore[arg-type]


@pytest.fixture
def cache(tmp_path: Path) -> VerifiedCache:
    return VerifiedCache(tmp_path / "verified.sqlite", "key")


ANSWER = [
    Verified(
        {"nmi": 1 / 3, "hd95": float("inf")},
        [0.1] * 12,
        "left",
        FoundRegion(1.5, (4, 5, 6), 40.0),
        Change(0.1, 0.2, float("nan"), (1, 2, 3)),
    ),
    Verified({"nmi": 1e-17}, [], "", FoundRegion(float("nan"), (0, 0, 0), 1.0), None),
    Verified({"nmi": 1e-17}, [], "", None, None),
]


def test_an_answer_comes_back_to_the_last_digit(cache: VerifiedCache, task: Task, tmp_path: Path) -> None:
    key = cache.key(task)
    assert cache.get(key) is None
    cache.put(key, ANSWER)
    again = VerifiedCache(tmp_path / "verified.sqlite", "key")  # as the next run opens it
    assert repr(again.get(again.key(task))) == repr(ANSWER)


def test_nothing_that_the_answer_depends_on_is_left_out_of_the_key(
    cache: VerifiedCache, task: Task, tmp_path: Path
) -> None:
    training, synthetic = task.training.folder, task.cohort.folder
    other: dict[str, Any] = {
        "cohort": Cohort(synthetic, "synthetic", {"q": "something else"}),
        "training": Cohort(training, "training", {"a": "held by a", "b": "something else"}),
        "candidates": [task.candidates[0], replace(task.candidates[1], region=replace(REGION, matrix=2 * np.eye(4)))],
        "measures": {"nmi", "assd"},
        "labels": [1, 2, 3],
        "sides": {},
        "alignment": "rigid",
        "tolerance_mm": 2.5,
        "changes": False,
        "deformable": True,
        "engine": "simpleitk",
    }
    assert {one.name for one in fields(Task)} == {*other, "query"}
    keys = {cache.key(task), VerifiedCache(tmp_path / "verified.sqlite", "another").key(task)}
    keys |= {cache.key(replace(task, **{name: value})) for name, value in other.items()}
    keys.add(cache.key(replace(task, candidates=task.candidates[:1])))
    keys.add(cache.key(replace(task, candidates=task.candidates[::-1])))
    assert len(keys) == len(other) + 4


def test_another_recipe_makes_another_key(cache: VerifiedCache, task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache.key(task)
    monkeypatch.setattr(verified_cache, "RECIPE", verified_cache.RECIPE + 1)
    assert cache.key(task) != before


def test_names_do_not_count(cache: VerifiedCache, task: Task) -> None:
    renamed = Cohort(task.training.folder, "training", {"x": "held by a", "b": "held by b"})
    candidates = [replace(task.candidates[0], training="x"), task.candidates[1]]
    assert cache.key(replace(task, training=renamed, candidates=candidates)) == cache.key(task)


def test_segmentations_count_where_a_measure_needs_them(cache: VerifiedCache, task: Task) -> None:
    unlabelled = replace(task, measures={"nmi"})
    before = cache.key(task), cache.key(unlabelled)
    chunk_file(task.training.folder, "labels", 1).write_bytes(b"another segmentation")
    assert cache.key(task) != before[0]
    assert cache.key(unlabelled) == before[1]
    assert cache.key(replace(unlabelled, labels=[7], sides={})) == before[1]
    chunk_file(task.training.folder, "labels", 1).unlink()
    with pytest.raises(DataError, match="b: its prepared training segmentation is damaged"):
        cache.key(task)


@pytest.mark.parametrize("text", ["", "[{", '[{"unheard_of": 1, "change": null}]', '[{"scores": {}}]', "null"])
def test_what_cannot_be_read_is_as_good_as_nothing(cache: VerifiedCache, task: Task, tmp_path: Path, text: str) -> None:
    key = cache.key(task)
    cache.put(key, ANSWER)
    with sqlite3.connect(tmp_path / "verified.sqlite") as database:
        database.execute("UPDATE verified SET answer = ?", (text,))
    assert cache.get(key) is None
    cache.put(key, ANSWER)
    assert np.isclose(cache.get(key)[0].scores["nmi"], 1 / 3)  # type: ignore[index]
