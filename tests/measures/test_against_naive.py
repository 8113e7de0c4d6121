"""Every fast measure equals its slow twin, on random, constant, tiny and anisotropic inputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import naive
from napari_relict.measures.feature import centre_of, cosine
from napari_relict.measures.segmentation import dice_per_label, mean_dice, pack_labels, volume_difference
from napari_relict.measures.voxel import ncc_and_mse, ssim, standardise

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
unit = st.floats(0, 1, width=32)


@st.composite
def volumes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(shapes)
    counts = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    return tuple(draw(hnp.arrays(np.float32, (count, *shape), elements=unit)) for count in counts)  # type: ignore[return-value]


@settings(deadline=None, max_examples=80)
@given(volumes())
def test_ncc_and_mse(pair: tuple[np.ndarray, np.ndarray]) -> None:
    one, other = pair
    ncc, mse = ncc_and_mse(standardise(one), standardise(other))
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            assert mse[i, j] == pytest.approx(naive.mse(a, b), abs=2e-6)
            if min(a.std(), b.std()) > 1e-3:
                assert ncc[i, j] == pytest.approx(naive.ncc(a, b), abs=2e-5)


def test_ncc_of_a_constant_volume_is_zero() -> None:
    flat = np.full((1, 4, 4, 4), 0.3, np.float32)
    other = np.random.default_rng(0).random((2, 4, 4, 4), np.float32)
    assert np.allclose(ncc_and_mse(standardise(flat), standardise(other))[0], 0, atol=1e-6)


def test_an_identical_volume_scores_perfectly() -> None:
    a = np.random.default_rng(0).random((1, 12, 10, 11), np.float32)
    ncc, mse = ncc_and_mse(standardise(a), standardise(a))
    assert ncc[0, 0] == pytest.approx(1, abs=1e-6)
    assert mse[0, 0] == pytest.approx(0, abs=1e-7)
    assert ssim(a[0], a[0]) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(9, 10, 8), (7, 7, 7), (8, 15, 7)])
def test_ssim(shape: tuple[int, int, int]) -> None:
    random = np.random.default_rng(1)
    a = random.random(shape, np.float32)
    b = np.clip(a + 0.2 * random.standard_normal(shape), 0, 1).astype(np.float32)
    assert ssim(a, b) == pytest.approx(naive.ssim(a, b), abs=1e-5)


def test_ssim_window_shrinks_to_fit_and_gives_up_below_three() -> None:
    a = np.random.default_rng(0).random((5, 9, 9), np.float32)
    assert ssim(a, a * 0.5) == pytest.approx(naive.ssim(a, a * 0.5, window=5), abs=1e-5)
    assert np.isnan(ssim(a[:2], a[:2]))


@settings(deadline=None, max_examples=60)
@given(
    shapes.flatmap(
        lambda shape: st.tuples(
            hnp.arrays(np.uint16, (2, *shape), elements=st.integers(0, 3)),
            hnp.arrays(np.uint16, (3, *shape), elements=st.integers(0, 3)),
        )
    )
)
def test_segmentation_measures(pair: tuple[np.ndarray, np.ndarray]) -> None:
    one, other = pair
    labels = [1, 2, 3]
    a, b = pack_labels(one, labels), pack_labels(other, labels)
    per_label, apart = dice_per_label(a, b), volume_difference(a, b)
    for i in range(len(one)):
        for j in range(len(other)):
            expected = [naive.dice(one[i], other[j], label) for label in labels]
            np.testing.assert_allclose(per_label[i, j], expected)
            np.testing.assert_allclose(mean_dice(per_label)[i, j], naive.mean_dice(one[i], other[j]))
            np.testing.assert_allclose(apart[i, j], naive.volume_difference(one[i], other[j]))


def test_dice_by_hand() -> None:
    one, other = np.zeros((1, 2, 2, 2), np.uint16), np.zeros((1, 2, 2, 2), np.uint16)
    one[0, 0], other[0, 0, 0] = 1, 1  # 4 voxels against 2, 2 shared
    other[0, 1] = 9  # only there
    per_label = dice_per_label(pack_labels(one, [1, 5, 9]), pack_labels(other, [1, 5, 9]))[0, 0]
    assert per_label[0] == pytest.approx(2 * 2 / 6)
    assert np.isnan(per_label[1])
    assert per_label[2] == 0


def test_cosine_of_centred_embeddings() -> None:
    random = np.random.default_rng(0)
    training, queries = (random.random((n, 30)).astype(np.float32) for n in (9, 4))
    centre = centre_of(training)
    found = cosine(queries, training, centre)
    for i, a in enumerate(queries):
        for j, b in enumerate(training):
            assert found[i, j] == pytest.approx(naive.cosine(a, b, training.mean(0)), abs=1e-5)
    assert not centre_of(training[:3]).any()
