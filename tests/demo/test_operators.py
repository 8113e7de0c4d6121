"""Planted copies: what each operator may change and what it must leave alone."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from napari_relict.demo import operators
from napari_relict.demo.operators import PLANTINGS
from napari_relict.demo.sample import Grid, Sample, moved, values_of

KINDS = sorted(PLANTINGS)
KEEPS_ANATOMY_IN_PLACE = ("resaved", "noise", "intensity", "blur", "lesion", "cropped scan")


def made(kind: str, sample: Sample, seed: int = 3) -> Sample:
    return PLANTINGS[kind].make(sample, np.random.default_rng(seed))


def similarity(one: Sample, other: Sample) -> float:
    return float(np.corrcoef(values_of(one).ravel(), values_of(other).ravel())[0, 1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_makes_the_same_copy(kind: str, anatomy: Sample) -> None:
    np.testing.assert_array_equal(values_of(made(kind, anatomy)), values_of(made(kind, anatomy)))


@pytest.mark.parametrize("kind", KINDS)
def test_volume_and_labels_stay_together(kind: str, anatomy: Sample) -> None:
    copy = made(kind, anatomy)
    assert copy.image.GetPixelID() == sitk.sitkInt16
    assert copy.image.GetSize() == copy.labels.GetSize()
    assert copy.image.GetOrigin() == copy.labels.GetOrigin()
    assert copy.image.GetDirection() == copy.labels.GetDirection()
    assert set(np.unique(sitk.GetArrayFromImage(copy.labels))) <= {0, 3, 5}


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"cropped"}))
def test_geometry_stays(kind: str, anatomy: Sample) -> None:
    copy = made(kind, anatomy)
    assert copy.image.GetSize() == anatomy.image.GetSize()
    assert copy.image.GetSpacing() == anatomy.image.GetSpacing()
    assert copy.image.GetOrigin() == anatomy.image.GetOrigin()


@pytest.mark.parametrize("kind", KEEPS_ANATOMY_IN_PLACE)
def test_labels_stay_where_nothing_moves(kind: str, anatomy: Sample) -> None:
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(made(kind, anatomy).labels), sitk.GetArrayFromImage(anatomy.labels)
    )


def test_saving_again_changes_nothing(anatomy: Sample) -> None:
    np.testing.assert_array_equal(values_of(made("resaved", anatomy)), values_of(anatomy))


@pytest.mark.parametrize(("kind", "least"), [("noise", 0.99), ("intensity", 0.9), ("blur", 0.95), ("lesion", 0.9)])
def test_a_copy_changes_but_stays_alike(kind: str, least: float, anatomy: Sample) -> None:
    assert least < similarity(made(kind, anatomy), anatomy) < 0.999999


def test_mirroring_exchanges_left_and_right(anatomy: Sample) -> None:
    copy = made("mirrored", anatomy)
    np.testing.assert_array_equal(values_of(copy), values_of(anatomy)[:, :, ::-1])
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(copy.labels), sitk.GetArrayFromImage(anatomy.labels)[:, :, ::-1]
    )


def test_mirroring_goes_by_the_world_not_by_the_array(anatomy: Sample) -> None:
    turned = Sample(sitk.DICOMOrient(anatomy.image, "PIR"), sitk.DICOMOrient(anatomy.labels, "PIR"))
    copy = sitk.DICOMOrient(made("mirrored", turned).image, "LPS")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(copy), values_of(anatomy)[:, :, ::-1])


def test_mirroring_twice_is_no_mirroring(anatomy: Sample) -> None:
    np.testing.assert_array_equal(values_of(made("mirrored", made("mirrored", anatomy))), values_of(anatomy))


def test_a_turn_keeps_its_promise_of_degrees(anatomy: Sample) -> None:
    slim = Sample(sitk.Image(8, 8, 8, sitk.sitkInt16), sitk.Image(8, 8, 8, sitk.sitkUInt8))
    seen: list[float] = []
    original = operators.pose
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            operators,
            "pose",
            lambda centre, degrees, shift: seen.append(np.linalg.norm(degrees)) or original(centre, degrees, shift),
        )
        for seed in range(20):
            made("rotated", slim, seed)
    assert min(seen) >= 8
    assert max(seen) <= 15


def test_a_turned_copy_lost_its_place(anatomy: Sample) -> None:
    assert similarity(made("rotated", anatomy), anatomy) < similarity(made("bent", anatomy), anatomy) < 1


def test_a_cropped_copy_keeps_its_place_in_the_world(anatomy: Sample) -> None:
    copy = made("cropped", anatomy)
    assert copy.image.GetSize()[2] < anatomy.image.GetSize()[2]
    back = moved(copy, sitk.Transform(), anatomy.image)
    lowest = anatomy.image.GetSize()[2] - copy.image.GetSize()[2]
    np.testing.assert_allclose(values_of(back)[lowest:], values_of(anatomy)[lowest:], atol=0.01)


def test_air_of_ct_stays_air() -> None:
    image = Grid((20, 20, 20), 3.0).empty()
    body = Sample(sitk.Cast(image, sitk.sitkInt16) - 1024, image, -1024.0)
    assert values_of(made("rotated", body)).max() == -1024


def test_every_kind_says_what_it_is() -> None:
    for kind, planting in PLANTINGS.items():
        assert planting.relation in ("exact replica", "near replica"), kind
        assert planting.words
