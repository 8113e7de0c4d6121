"""SSIM and MS-SSIM equal their slow twins and the packages people know them from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.metrics import structural_similarity

import naive
from napari_relict.measures.ssim import SCALE_WEIGHTS, local_statistics, ms_ssim, scales_of, ssim
from napari_relict.measures.windows import SIDES, Window

WINDOWS: tuple[Window, ...] = ("uniform", "gaussian")
sides = st.integers(3, 9)
both_windows = pytest.mark.parametrize("window", WINDOWS)


def a_pair(shape: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    one = random.random(shape, np.float32)
    return one, np.clip(one + 0.2 * random.standard_normal(shape), 0, 1).astype(np.float32)


def of_skimage(one: np.ndarray, other: np.ndarray, window: Window) -> tuple[float, np.ndarray]:
    """Mean and map, from float64: what is left of a difference is ours."""
    options: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    one, other = one.astype(np.float64), other.astype(np.float64)
    return structural_similarity(one, other, data_range=1.0, full=True, **(options if window == "gaussian" else {}))


def naive_ssim(one: np.ndarray, other: np.ndarray, window: Window) -> float:
    side = min(SIDES[window], *[length - 1 + length % 2 for length in one.shape])
    return naive.ssim(one, other, side) if window == "uniform" else naive.gaussian_ssim(one, other, side)[0]


# SSIM


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(sides, sides, sides).flatmap(
        lambda shape: hnp.arrays(np.float32, (2, *shape), elements=st.floats(0, 1, width=32))
    ),
    st.sampled_from(WINDOWS),
)
def test_any_pair_of_small_volumes(pair: np.ndarray, window: Window) -> None:
    one, other = pair
    found = ssim(one, other, window)
    assert found == pytest.approx(naive_ssim(one, other, window), abs=1e-6)
    assert found == pytest.approx(ssim(other, one, window), abs=1e-9)
    assert ssim(one, one, window) == pytest.approx(1, abs=1e-6)


@both_windows
@pytest.mark.parametrize("shape", [(20, 17, 30), (11, 11, 11), (12, 40, 13), (33, 11, 70)])
def test_same_as_scikit_image(window: Window, shape: tuple[int, int, int]) -> None:
    one, other = a_pair(shape)
    expected, expected_map = of_skimage(one, other, window)
    found, found_map = ssim(one, other, window, full=True)
    assert ssim(one, other, window) == found == pytest.approx(expected, abs=1e-7)
    np.testing.assert_allclose(found_map, expected_map, atol=1e-6)


@both_windows
def test_constant_volumes_and_constant_parts(window: Window) -> None:
    random, steps = a_pair((14, 13, 16))[0], np.full((14, 13, 16), 0.1, np.float32)
    steps[:, 7:] = 0.9
    opposite_steps = np.where(steps > 0.5, np.float32(0.3), np.float32(1))
    volumes = [random, steps, opposite_steps, *(np.full_like(random, value) for value in (0, 1 / 3, 0.7, 1))]
    for one in volumes:
        for other in volumes:
            assert ssim(one, other, window) == pytest.approx(of_skimage(one, other, window)[0], abs=1e-6)


@both_windows
def test_window_shrinks_to_fit_and_gives_up_below_three(window: Window) -> None:
    one, other = a_pair((12, 6, 14))
    assert ssim(one, other, window) == pytest.approx(naive_ssim(one, other, window), abs=1e-7)
    flat = one[:2]
    assert np.isnan(ssim(flat, flat, window))
    assert np.isnan(ssim(flat, flat, window, statistics=(local_statistics(flat, window), None)))
    assert ssim(flat, flat, window, full=True)[1].shape == flat.shape
    assert np.isnan(ms_ssim(flat, flat))


@both_windows
def test_statistics_are_used_and_must_be_of_the_window(window: Window) -> None:
    one, other = a_pair((15, 14, 13))
    kept = local_statistics(one, window), local_statistics(other, window)
    assert ssim(one, other, window, statistics=kept) == ssim(one, other, window)
    assert ssim(one, other, window, statistics=(None, kept[1])) == ssim(one, other, window)
    assert ssim(one, other, window, statistics=(kept[1], kept[1])) != ssim(one, other, window)
    wrong = local_statistics(one, "uniform" if window == "gaussian" else "gaussian")
    with pytest.raises(ValueError, match="another window"):
        ssim(one, other, window, statistics=(wrong, None))
    with pytest.raises(ValueError, match="another grid"):
        ssim(one, other, window, statistics=(local_statistics(one[1:], window), None))


@both_windows
def test_mask(window: Window) -> None:
    one, other = a_pair((16, 19, 18))
    mask = np.random.default_rng(1).random(one.shape) < 0.3
    radius = SIDES[window] // 2
    inner = (slice(radius, -radius),) * 3
    expected = of_skimage(one, other, window)[1][inner][mask[inner]].mean()
    assert ssim(one, other, window, mask=mask) == pytest.approx(expected, abs=1e-7)
    assert ssim(one, other, window, mask=mask, full=True)[0] == pytest.approx(expected, abs=1e-7)
    mask[inner] = False  # what is left has its windows partly outside the volume
    assert np.isnan(ssim(one, other, window, mask=mask))


def test_volumes_and_masks_of_different_grids_are_refused() -> None:
    one, other = a_pair((12, 12, 12))
    for call in (lambda: ssim(one, other[1:]), lambda: ssim(one, other, mask=one[1:] > 0)):
        with pytest.raises(ValueError, match="different grids"):
            call()
    with pytest.raises(ValueError, match="different grids"):
        ms_ssim(one, other[1:])


def test_any_layout_and_type() -> None:
    one, other = a_pair((12, 13, 14))
    expected = ssim(one, other)
    locked = one.copy()
    locked.flags.writeable = False
    for same in (locked, np.asfortranarray(one), one.astype(np.float64), np.repeat(one, 2, axis=2)[:, :, ::2]):
        assert ssim(same, other) == expected


def test_pairs_on_threads() -> None:
    pairs = [a_pair((20, 21, 22), seed) for seed in range(8)]
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda pair: ssim(*pair), pairs)) == [ssim(*pair) for pair in pairs]


# MS-SSIM


@pytest.mark.parametrize("shape", [(24, 21, 22), (43, 41, 42), (40, 20, 30), (12, 11, 13)])
def test_ms_ssim(shape: tuple[int, int, int]) -> None:
    one, other = a_pair(shape)
    assert ms_ssim(one, other) == pytest.approx(naive.ms_ssim(one, other), abs=1e-6)
    assert ms_ssim(one, other) == pytest.approx(ms_ssim(other, one), abs=1e-9)
    assert ms_ssim(one, one) == pytest.approx(1, abs=1e-6)
    assert ms_ssim(one, other, scales=(scales_of(one), scales_of(other))) == ms_ssim(one, other)


@settings(deadline=None, max_examples=30)
@given(st.tuples(st.integers(3, 24), st.integers(3, 24), st.integers(3, 24)), st.floats(0, 1, width=32))
def test_ms_ssim_of_any_shape_is_a_share(shape: tuple[int, int, int], level: float) -> None:
    one, constant = np.random.default_rng(0).random(shape, np.float32), np.full(shape, level, np.float32)
    assert 0 <= ms_ssim(one, constant) <= 1
    assert 0 <= ms_ssim(one, 1 - one) <= 1
    assert ms_ssim(constant, constant) == pytest.approx(1, abs=1e-6)


def test_a_scale_that_is_opposite_counts_as_zero() -> None:
    one, _ = a_pair((24, 24, 24))
    assert ms_ssim(one, 1 - one) == naive.ms_ssim(one, 1 - one) == 0


@pytest.mark.parametrize(("shape", "scales"), [((161, 161, 161), 5), ((21, 163, 162), 2)])
def test_same_as_pytorch_msssim(shape: tuple[int, int, int], scales: int) -> None:
    """That one takes sides from 161 voxels only, and skips the window along an axis that is too short for it."""
    peer = pytest.importorskip("pytorch_msssim")
    import torch

    one, other = a_pair(shape)
    weights = list(SCALE_WEIGHTS[:scales] if scales == 5 else np.divide(SCALE_WEIGHTS[:2], sum(SCALE_WEIGHTS[:2])))
    with torch.inference_mode():
        a, b = (torch.from_numpy(image)[None, None] for image in (one, other))
        expected = float(peer.ms_ssim(a, b, data_range=1.0, weights=weights))
    assert ms_ssim(one, other) == pytest.approx(expected, abs=1e-5)
