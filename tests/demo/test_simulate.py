"""Simulated patients: repeatable, distinct, unfolded, in the right place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from napari_relict.demo.deformation import Scale, random_field
from napari_relict.demo.recipes import CT_VARIETY, HEAD_VARIETY
from napari_relict.demo.sample import Grid, Sample, centre_of, moved, values_of
from napari_relict.demo.simulate import Variety, scan_ct, scan_mr
from napari_relict.segmenters.tissue import tissue_labels

# A cubic B-spline deformation cannot fold as long as no control point moves further than this share of the
# distance between control points (Choi and Lee 2000).
NO_FOLD = 0.40


def smallest_jacobian(transform: sitk.Transform, like: sitk.Image) -> float:
    """Smallest local volume factor of `transform` on the grid of `like`; above zero: nothing folds."""
    shift = sitk.TransformToDisplacementField(
        transform,
        sitk.sitkVectorFloat64,
        like.GetSize(),
        like.GetOrigin(),
        like.GetSpacing(),
        like.GetDirection(),
    )
    factors = sitk.DisplacementFieldJacobianDeterminant(shift)
    return float(sitk.GetArrayViewFromImage(factors).min())


STILL = Variety(Grid((40, 44, 36), 4.0), (100.0, 110.0, 90.0), (), 0.0, 0.0, 0.0)
LIVELY = replace(STILL, shape=(Scale(60, 12), Scale(28, 5)), stretch=0.05, tilt=5.0, shift=4.0, gamma=0.1, noise=0.02)


def mr(sample: Sample, patient: int, scan: int, variety: Variety = LIVELY) -> Sample:
    return scan_mr(sample, variety, np.random.default_rng(patient), np.random.default_rng(scan))


def similarity(one: Sample, other: Sample) -> float:
    return float(np.corrcoef(values_of(one).ravel(), values_of(other).ravel())[0, 1])


def test_without_variety_a_scan_is_the_anatomy(anatomy: Sample) -> None:
    assert similarity(mr(anatomy, 1, 1, STILL), anatomy) > 0.9999


def test_a_seed_makes_the_same_scan(anatomy: Sample) -> None:
    np.testing.assert_array_equal(values_of(mr(anatomy, 1, 2)), values_of(mr(anatomy, 1, 2)))


def test_two_scans_of_a_patient_are_more_alike_than_two_patients(anatomy: Sample) -> None:
    upright = replace(LIVELY, tilt=0.5, shift=0.5)
    first, second, stranger = (mr(anatomy, p, s, upright) for p, s in ((1, 1), (1, 2), (2, 3)))
    assert similarity(first, stranger) < similarity(first, second) < 1


def test_an_oblique_grid_changes_the_file_and_not_the_world(anatomy: Sample) -> None:
    straight = mr(anatomy, 1, 1, replace(STILL, oblique=0.0))
    tilted = mr(anatomy, 1, 1, replace(STILL, oblique=1.0))
    assert straight.image.GetDirection() != tilted.image.GetDirection()
    np.testing.assert_allclose(centre_of(tilted.image), centre_of(straight.image), atol=1e-9)
    matrix = np.reshape(tilted.image.GetDirection(), (3, 3))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1)
    assert similarity(moved(tilted, sitk.Transform(), straight.image), straight) > 0.97


def test_ct_keeps_hounsfield_units_and_labels(anatomy: Sample) -> None:
    body = Sample(anatomy.image - 1024, anatomy.labels, -1024.0)
    scan = scan_ct(body, replace(LIVELY, noise=10), np.random.default_rng(1), np.random.default_rng(2))
    values = values_of(scan)
    assert scan.image.GetPixelID() == sitk.sitkInt16
    assert -1024 <= values.min() < -990
    assert set(np.unique(sitk.GetArrayFromImage(scan.labels))) == {0, 3, 5}
    inside = sitk.GetArrayFromImage(scan.labels) > 0
    assert abs(np.median(values[inside]) - np.median(values_of(body)[sitk.GetArrayFromImage(body.labels) > 0])) < 30


@pytest.mark.parametrize("variety", [HEAD_VARIETY, CT_VARIETY], ids=["head", "ct"])
@pytest.mark.parametrize("seed", range(3))
def test_no_patient_is_folded(variety: Variety, seed: int) -> None:
    assert all(scale.reach < NO_FOLD * scale.spacing for scale in variety.shape)
    grid = replace(variety.grid, size=(48, 48, 48), spacing=2 * variety.grid.spacing)
    field = random_field(np.random.default_rng(seed), variety.half, variety.shape, stretch=variety.stretch)
    assert smallest_jacobian(field, grid.empty()) > 0.2


def test_a_field_stays_within_its_reach() -> None:
    field = random_field(np.random.default_rng(0), (60.0, 60.0, 60.0), (Scale(30, 6),))
    for point in np.random.default_rng(1).uniform(-55, 55, (50, 3)).tolist():
        assert np.abs(np.subtract(field.TransformPoint(point), point)).max() <= 6


def test_tissue_comes_in_order_of_brightness_inside_the_brain(anatomy: Sample) -> None:
    labels = sitk.GetArrayFromImage(tissue_labels(anatomy.image, anatomy.labels))
    brain = sitk.GetArrayFromImage(anatomy.labels) > 0
    assert not labels[~brain].any()
    labels_of = {"fluid": (1, 4), "grey": (2,), "white": (3,)}
    means = [values_of(anatomy)[np.isin(labels, tissue)].mean() for tissue in labels_of.values()]
    assert means == sorted(means)
    np.testing.assert_array_equal(labels, sitk.GetArrayFromImage(tissue_labels(anatomy.image, anatomy.labels)))


def test_no_brain_gives_no_tissue(anatomy: Sample) -> None:
    empty = Sample(anatomy.image, anatomy.labels * 0)
    assert not sitk.GetArrayFromImage(tissue_labels(empty.image, empty.labels)).any()
