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

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))


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
