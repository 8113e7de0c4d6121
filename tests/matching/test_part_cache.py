"""What is kept of a long search: whole, by what it depends on, and gone in the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_relict.matching.dense_search import _packed, _unpacked
from napari_relict.matching.half_search import nothing
from napari_relict.matching.keypoint_search import Votes
from napari_relict.matching.part_cache import PartCache
from napari_relict.matching.tables import Scores

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "none": np.empty((0, 2), np.int64)}


def test_a_part_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    cache = PartCache(tmp_path / "search", "how")
    key = cache.key("search", ["one", "two"], np.arange(3))
    assert cache.get(key) is None
    cache.put(key, ARRAYS)
    kept = PartCache(tmp_path / "search", "how").get(key)
    assert kept is not None and set(kept) == set(ARRAYS)
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(kept[name], values)
        assert kept[name].dtype == values.dtype
    cache.clear()
    cache.clear()
    assert not (tmp_path / "search").exists()


def test_a_key_depends_on_everything(tmp_path: Path) -> None:
    cache = PartCache(tmp_path, "how")
    keys = {
        cache.key("search", ["a"], np.arange(3)),
        cache.key("search", ["b"], np.arange(3)),
        cache.key("search", ["a"], np.arange(4)),
        cache.key("search", ["a"], np.arange(3).astype(np.int32)),
        cache.key("duplicates", ["a"], np.arange(3)),
        PartCache(tmp_path, "otherwise").key("search", ["a"], np.arange(3)),
    }
    assert len(keys) == 6


def test_a_damaged_part_is_done_again(tmp_path: Path) -> None:
    cache = PartCache(tmp_path, "how")
    key = cache.key(1)
    cache.put(key, ARRAYS)
    whole = (tmp_path / f"{key}.npz").read_bytes()
    for damaged in (b"", b"PK", whole[: len(whole) // 2]):
        (tmp_path / f"{key}.npz").write_bytes(damaged)
        assert cache.get(key) is None


def test_scores_halves_and_votes_are_packed_and_unpacked() -> None:
    random = np.random.default_rng(0)
    two = random.random((2, 5))
    scores = Scores({"ncc": two, "mse": 2 * two}, two > 0.5, two, two, two > 0.9)
    votes = [
        Votes(random.random((2, 3, 3)).astype(np.float32), random.random((2, 3, 3)).astype(np.float32),
              np.arange(6, dtype=np.int32).reshape(2, 3), np.arange(6).reshape(2, 3))
        for _ in range(2)
    ]  # fmt: skip
    back = _unpacked(_packed((scores, nothing(2, 5), votes)))
    assert back is not None
    again = _packed(back)
    for name, values in _packed((scores, nothing(2, 5), votes)).items():
        np.testing.assert_array_equal(again[name], values)
