"""Mutual information equals its slow twin and scikit-image's; PSNR is never infinite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.metrics import normalized_mutual_information

import naive
from napari_relict.measures.information import mutual_information, normalised_mutual_information
from napari_relict.measures.voxel import psnr

side = st.integers(1, 9)


def a_pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    one = random.random((9, 10, 11), np.float32)
    return one, np.clip(one + 0.1 * random.standard_normal(one.shape), 0, 1).astype(np.float32)


@settings(deadline=None, max_examples=80)
@given(
    st.tuples(side, side, side).flatmap(
        lambda shape: hnp.arrays(np.float32, (2, *shape), elements=st.floats(0, 1, width=32))
    ),
    st.sampled_from([2, 10, 32, 100]),
)
def test_any_pair(pair: np.ndarray, bins: int) -> None:
    one, other = pair
    found = mutual_information(one, other, bins), normalised_mutual_information(one, other, bins)
    assert found[0] == pytest.approx(naive.mutual_information(one, other, bins), abs=1e-9)
    assert found[1] == pytest.approx(naive.normalised_mutual_information(one, other, bins), abs=1e-9)
    assert found[0] == pytest.approx(mutual_information(other, one, bins), abs=1e-9)
    assert found[1] == pytest.approx(normalised_mutual_information(other, one, bins), abs=1e-9)
    assert 1 - 1e-9 <= found[1] <= 2 + 1e-9


@pytest.mark.parametrize("bins", [10, 32, 100])
def test_same_as_scikit_image(bins: int) -> None:
    one, other = a_pair()
    expected = normalized_mutual_information(one, other, bins=[np.linspace(0, 1, bins + 1)] * 2)
    assert normalised_mutual_information(one, other, bins) == pytest.approx(expected, abs=1e-9)


def test_an_identical_and_an_inverted_volume() -> None:
    one, other = a_pair()
    assert normalised_mutual_information(one, one) == pytest.approx(2)
    assert normalised_mutual_information(one, 1 - one) == pytest.approx(2, abs=1e-9)
    assert mutual_information(one, other) == pytest.approx(mutual_information(1 - one, other), abs=1e-9)


def test_a_constant_volume_tells_nothing() -> None:
    one, _ = a_pair()
    flat = np.full_like(one, 0.3)
    for other in (one, flat, np.zeros_like(one)):
        assert mutual_information(flat, other) == pytest.approx(0, abs=1e-12)
        assert normalised_mutual_information(flat, other) == pytest.approx(1)


def test_mask() -> None:
    one, other = a_pair()
    mask = np.random.default_rng(1).random(one.shape) < 0.4
    assert mutual_information(one, other, mask=mask) == pytest.approx(
        naive.mutual_information(one[mask], other[mask]), abs=1e-9
    )
    assert np.isnan(mutual_information(one, other, mask=np.zeros_like(mask)))
    assert np.isnan(normalised_mutual_information(one, other, mask=np.zeros_like(mask)))


def test_values_outside_fall_into_the_nearest_bin_and_grids_must_agree() -> None:
    one, other = a_pair()
    wide = (one - 0.5) * 1.5 + 0.5
    assert mutual_information(wide, other) == mutual_information(np.clip(wide, 0, 1), other)
    with pytest.raises(ValueError, match="different grids"):
        mutual_information(one, other[1:])


def test_psnr() -> None:
    mse = np.array([[1.0, 0.01], [1e-10, 0.0]])
    np.testing.assert_allclose(psnr(mse), [[0, 20], [100, 100]])
    np.testing.assert_allclose(psnr(mse), np.vectorize(naive.psnr)(mse))
