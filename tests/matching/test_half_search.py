"""Scores of halves equal a loop over every pair, half and mirror state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import naive
from napari_relict.matching.half_search import BLOCK, HalfNorms, half_norms, half_scores, joined, nothing
from napari_relict.volumes.halves import COVERED, HALVES, HalfLayout

SHAPE = (7, 8, 9)
RIGHT, LEFT = HALVES.index("right"), HALVES.index("left")


def _layout() -> HalfLayout:
    masks = np.zeros((6, *SHAPE), bool)
    body = np.zeros(SHAPE, bool)
    body[1:6, 1:7, 1:8] = True
    cuts = (np.s_[:3], np.s_[3:], np.s_[:, :4], np.s_[:, 4:], np.s_[:, :, :4], np.s_[:, :, 5:])
    for mask, cut in zip(masks, cuts, strict=True):
        mask[cut] = body[cut]
    return HalfLayout(masks)


LAYOUT = _layout()


class Halves:
    """As much of a prepared cohort as the search of halves needs."""

    def __init__(self, images: dict[str, np.ndarray]) -> None:
        self.names = list(images)
        self._stored = {
            name: np.stack([LAYOUT.packed(half, image) for half in range(6)]) for name, image in images.items()
        }

    def __len__(self) -> int:
        return len(self.names)

    def halves(self, names: Sequence[str]) -> np.ndarray:
        return np.stack([self._stored[name] for name in names]).astype(np.float32)


def _images(count: int, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {f"{seed}-{i}": random.random(SHAPE).astype(np.float16) for i in range(count)}


def _half_ncc(one: np.ndarray, other: np.ndarray, half: int) -> float:
    """NCC of a half of two images; NaN where too much of either was not seen."""
    standardised = []
    for values in (one[LAYOUT.masks[half]], other[LAYOUT.masks[half]]):
        seen = values > -0.5
        if seen.mean() < COVERED:
            return float("nan")
        standardised.append(np.where(seen, values, 0))
    return naive.ncc(*standardised)


def _naive(queries: Sequence[np.ndarray], training: Sequence[np.ndarray], norms: HalfNorms) -> list[np.ndarray]:
    score, best, mirrored = (np.zeros((len(queries), len(training)), kind) for kind in (float, int, bool))
    for i, query in enumerate(queries):
        for j, other in enumerate(training):
            score[i, j] = np.nan
            for flip in (False, True):
                for half in range(6):
                    ncc = _half_ncc(query[..., ::-1] if flip else query, other, half)
                    z = (np.arctanh(np.clip(ncc, -1 + 1e-6, 1 - 1e-6)) - norms.mean[half]) / norms.sd[half]
                    if np.isfinite(z) and not score[i, j] >= z:
                        score[i, j], best[i, j], mirrored[i, j] = z, half, flip
    return [score, best, mirrored]


NORMS = HalfNorms(np.linspace(-0.1, 0.2, 6), np.linspace(0.1, 0.3, 6))


def _same_as_the_loop(queries: dict[str, np.ndarray], training: dict[str, np.ndarray]) -> None:
    found = half_scores(Halves(queries), list(queries), Halves(training), list(training), LAYOUT, NORMS)  # type: ignore[arg-type]
    score, best, mirrored = _naive(list(queries.values()), list(training.values()), NORMS)
    np.testing.assert_allclose(found.score, score, atol=1e-3)
    known = np.isfinite(score)
    assert np.array_equal(found.half[known], best[known])
    assert np.array_equal(found.mirrored[known], mirrored[known])


def test_scores_are_those_of_the_slow_loop() -> None:
    _same_as_the_loop(_images(4, 0), _images(6, 1))


def test_more_than_one_block_of_training_volumes() -> None:
    _same_as_the_loop(_images(2, 0), _images(BLOCK + 3, 1))


@pytest.mark.parametrize("cut", [np.s_[:3], np.s_[:, :, 6:], np.s_[:, 6:]])
def test_what_the_field_of_view_cuts_is_left_out(cut: tuple[slice, ...]) -> None:
    queries, training = _images(3, 0), _images(4, 1)
    queries["0-1"][cut] = -1
    training["1-2"][cut] = -1
    training["1-3"][2, 2, 2] = -1  # a voxel only: the half counts
    _same_as_the_loop(queries, training)


def test_a_volume_never_seen_and_a_constant_one() -> None:
    queries, training = _images(2, 0), _images(3, 1)
    queries["0-0"][:] = -1
    training["1-1"][:] = 0.5
    found = half_scores(Halves(queries), list(queries), Halves(training), list(training), LAYOUT, NORMS)  # type: ignore[arg-type]
    assert np.isnan(found.score[0]).all()
    assert np.isfinite(found.score[1]).all()
    _same_as_the_loop(queries, training)


@pytest.mark.parametrize("half", range(6), ids=HALVES)
@pytest.mark.parametrize("flip", [False, True], ids=["as it is", "mirrored"])
def test_a_copied_half_is_the_best(half: int, flip: bool) -> None:
    training = _images(5, 1)
    query = _images(1, 0)["0-0"]
    query[LAYOUT.masks[half]] = training["1-3"][LAYOUT.masks[half]]
    if flip:
        query = query[..., ::-1]
    same = HalfNorms(np.zeros(6), np.ones(6))
    found = half_scores(Halves({"q": query}), ["q"], Halves(training), list(training), LAYOUT, same)  # type: ignore[arg-type]
    assert found.score[0].argmax() == 3
    assert (found.half[0, 3], found.mirrored[0, 3]) == (half, flip)


def test_norms_leave_volumes_of_one_patient_out() -> None:
    images = _images(6, 1)
    images["1-1"] = images["1-0"]  # a second scan: alike as no two patients are
    norms = half_norms(Halves(images), ["a", "a", "b", "c", "d", "e"], LAYOUT)  # type: ignore[arg-type]
    owners = [0, 0, 1, 2, 3, 4]
    for half in range(6):
        values = [
            np.arctanh(_half_ncc(one, other, half))
            for i, one in enumerate(images.values())
            for j, other in enumerate(images.values())
            if owners[i] != owners[j]
        ]
        assert norms.mean[half] == pytest.approx(np.mean(values), abs=1e-4)
        assert norms.sd[half] == pytest.approx(np.std(values), abs=1e-4)


def test_too_few_pairs_give_no_norms() -> None:
    norms = half_norms(Halves(_images(3, 1)), ["a", "b", "c"], LAYOUT)  # type: ignore[arg-type]
    assert (norms.mean == 0).all()
    assert (norms.sd == 1).all()


def test_parts_are_joined_side_by_side() -> None:
    queries, training = _images(3, 0), _images(5, 1)
    names = list(training)

    def score(others: list[str]):
        return half_scores(Halves(queries), list(queries), Halves(training), others, LAYOUT, NORMS)  # type: ignore[arg-type]

    whole, parts = score(names), joined([score(names[:2]), score(names[2:])])
    np.testing.assert_allclose(parts.score, whole.score, atol=1e-12)
    assert np.array_equal(parts.half, whole.half)
    assert np.array_equal(parts.mirrored, whole.mirrored)
    assert np.isnan(nothing(2, 3).score).all()
