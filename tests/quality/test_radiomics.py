"""Radiomics-like features: hand-made matrices, and shapes of known size."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import graycomatrix

import naive
from napari_relict.quality import radiomics


def test_co_occurrence_against_a_loop_and_scikit_image() -> None:
    image = np.random.default_rng(0).random((4, 5, 6)).astype(np.float32)
    assert (radiomics._matrix_3d(image) == naive.co_occurrence(image, radiomics.LEVELS)).all()
    # In a volume of one slice, the directions that stay in it are those of scikit-image.
    one = image[:1]
    grey = (one[0] * 32).astype(np.uint8)
    theirs = graycomatrix(grey, [1], radiomics.ANGLES, levels=32, symmetric=True)[:, :, 0].sum(-1)
    assert (radiomics._matrix_3d(one) == theirs).all()


def test_shape_of_a_ball_in_mm() -> None:
    spacing = (2.0, 1.0, 1.0)
    z, y, x = np.ogrid[-10:11, -20:21, -20:21]
    ball = ((z * 2) ** 2 + y**2 + x**2 <= 15**2).astype(np.uint16)
    image = np.full(ball.shape, 0.2, np.float32) + 0.5 * ball
    whole = radiomics.volume_features(image.astype(np.float32), ball, [1, 7], spacing)
    shape = dict(zip(radiomics.SHAPE, whole[-2 * len(radiomics.SHAPE) :], strict=False))
    assert shape["volume"] ** 3 == pytest.approx(4 / 3 * np.pi * 15**3, rel=0.03)
    assert shape["roundness"] == pytest.approx(1, abs=0.1)
    assert shape["mean"] == pytest.approx(0.7)
    missing = whole[-len(radiomics.SHAPE) :]
    assert missing[0] == 0 and np.isfinite(whole).all()


def test_features_of_awkward_volumes_are_finite() -> None:
    for image in (np.zeros((5, 6, 7)), np.ones((5, 6, 7)), np.full((5, 6, 7), 0.01)):
        image = image.astype(np.float32)
        assert np.isfinite(radiomics.volume_features(image, None, [], (1, 1, 1))).all()
        assert np.isfinite(radiomics.slice_features(image)).all()
    assert radiomics.slice_features(image).shape[0] == radiomics.SLICES
