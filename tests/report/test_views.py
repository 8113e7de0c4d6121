"""Which slices are shown, and of which volumes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import phantom
from napari_relict.errors import DataError
from napari_relict.measures.registry import all_measures
from napari_relict.report.views import pair_view, view_of
from napari_relict.study import Study
from napari_relict.volumes import PreparedVolume

REGION, HALF, WHOLE = (
    next(one for one in all_measures() if one.name == name) for name in ("region_ncc", "half_ncc", "nmi")
)


@pytest.fixture
def volume() -> PreparedVolume:
    values, labels = phantom.head(3)
    image = (values / 1000).clip(0, 1).astype(np.float32)
    return PreparedVolume("v", "training", image, labels.astype(np.uint16), phantom.SPACING, (0, 1), "", "c", {})


def with_lesion(volume: PreparedVolume, at: tuple[int, int, int]) -> PreparedVolume:
    away = np.linalg.norm(np.indices(volume.image.shape).transpose(1, 2, 3, 0) - np.array(at), axis=-1)
    image = np.where(away < 2.5, 1.0, volume.image).astype(np.float32)
    return replace(volume, image=image, cohort="synthetic")


def test_the_own_place_is_where_a_pair_differs_most(volume: PreparedVolume) -> None:
    view = pair_view(with_lesion(volume, (20, 28, 16)), volume)
    assert view.own is not None
    assert np.abs(np.array(view.own) - (20, 28, 16)).max() <= 2
    assert view.about.startswith("largest difference, +")
    assert pair_view(volume, volume).own is None


def test_inverted_contrast_is_taken_away_before_the_difference(volume: PreparedVolume) -> None:
    body = volume.image > 0.15
    turned = replace(volume, image=np.where(body, 1.1 - volume.image, 0).clip(0, 1).astype(np.float32))
    as_it_is = np.abs(pair_view(turned, volume).difference[body]).mean()
    matched = np.abs(pair_view(turned, volume, inverted=True).difference[body]).mean()
    assert matched < 0.2 * as_it_is


def test_a_copied_part_is_shown_where_it_is(volume: PreparedVolume) -> None:
    part = pd.Series({"region_z": 12.0, "region_y": 20.0, "region_x": 30.0, "region_mm": 25.0, "part": "upper"})
    other = with_lesion(volume, (20, 28, 16))
    assert pair_view(other, volume, part=part, of_half=REGION).own == (12, 20, 30)
    half = pair_view(other, volume, part=part, of_half=HALF)
    assert half.own is not None and half.own[0] > half.middle[0]
    assert half.own[1:] == half.middle[1:]
    assert "upper" in half.about


def test_the_training_volume_is_shown_as_it_was_compared(matched: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    view = view_of(matched, "copy-mirror", "train-01", WHOLE)
    assert view.mirrored and view.lies.startswith("mirrored left-right, registered")
    body = view.synthetic.image > 0.15
    monkeypatch.setattr(Study, "alignment", lambda *_: None)
    unregistered = view_of(matched, "copy-mirror", "train-01", WHOLE)
    assert "in the common pose" in unregistered.lies
    shifted = np.eye(4)
    shifted[0, 3] = 12.0
    monkeypatch.setattr(Study, "alignment", lambda *_: shifted)
    assert np.abs(view_of(matched, "copy-mirror", "train-01").difference[body]).mean() > (
        2 * np.abs(view.difference[body]).mean()
    )
    with pytest.raises(DataError, match="not among the current matches"):
        view_of(matched, "copy-mirror", "nobody")
