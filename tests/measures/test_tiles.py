"""Tiles equal their slow twin, and say how much of a volume was copied."""

from __future__ import annotations

import numpy as np
import pytest

import naive
import phantom
from napari_relict.measures.tiles import AGREES, TILES, tile_scores


def _pair(shape: tuple[int, int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    one = random.random(shape, np.float32)
    other = np.clip(one + 0.2 * random.standard_normal(shape), 0, 1).astype(np.float32)
    return one, other, random.random(shape) < 0.3


@pytest.mark.parametrize("shape", [(16, 16, 16), (13, 10, 9), (4, 5, 7), (3, 9, 8)])
def test_same_as_the_slow_twin(shape: tuple[int, int, int]) -> None:
    for seed in range(3):
        one, other, body = _pair(shape, seed)
        found = tile_scores(one, other, body)
        ncc, rmse = naive.tile_scores(one, other, body, TILES)
        np.testing.assert_allclose(found.ncc, ncc, atol=1e-9)
        np.testing.assert_allclose(found.rmse, rmse, atol=1e-9)


def test_a_head_and_a_constant_tile() -> None:
    one, other = (phantom.head(seed, (20, 24, 22))[0] / 1000 for seed in (0, 1))
    one[:6] = 0.5
    body = one > 0.1
    found = tile_scores(one, other, body)
    ncc, rmse = naive.tile_scores(one, other, body, TILES)
    np.testing.assert_allclose(found.ncc, ncc, atol=1e-6)
    np.testing.assert_allclose(found.rmse, rmse, atol=1e-9)
    assert found.worst_rmse == pytest.approx(np.nanmax(rmse))
    assert found.copied_share == pytest.approx((ncc[np.isfinite(ncc)] >= AGREES).mean())


def test_a_copied_half_is_half_the_tiles() -> None:
    random = np.random.default_rng(0)
    one, other = random.random((2, 24, 24, 24), np.float32)
    body = np.ones(one.shape, bool)
    assert tile_scores(one, one, body).copied_share == 1
    assert tile_scores(one, one, body).worst_rmse == 0
    assert tile_scores(one, other, body).copied_share == 0
    other[..., :12] = one[..., :12]
    half = tile_scores(one, other, body)
    assert half.copied_share == pytest.approx(0.5)
    assert (half.ncc[..., :2] > AGREES).all()
    assert (half.ncc[..., 2:] < AGREES).all()
    assert half.worst_rmse > 0.3


def test_contrast_does_not_matter_to_ncc() -> None:
    one, _, body = _pair((16, 16, 16))
    assert tile_scores(one, 0.3 * one + 0.2, body).copied_share == 1


def test_without_a_body_nothing_is_known() -> None:
    one, other, body = _pair((16, 16, 16))
    found = tile_scores(one, other, np.zeros_like(body))
    assert np.isnan(found.copied_share)
    assert np.isnan(found.worst_rmse)
    assert found.ncc.shape == (TILES,) * 3
