"""The registration engine: its derivatives are right, it finds what is known, and is no worse than SimpleITK's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

import phantom
from napari_relict.measures.registration import align
from napari_relict.registration import Kind, Pyramid, information, register
from napari_relict.registration.equations import cells_of, correlation_of, normal_equations
from napari_relict.registration.information import binned
from napari_relict.registration.transforms import NUMBERS, stepped
from napari_relict.volumes import Grid
from napari_relict.volumes.affines import grid_points, matrix_of, resampled

GRID = Grid((44, 52, 48), (2.5, 2.0, 3.0))
EVERYWHERE = np.ones(GRID.shape, bool)


def _head(seed: int = 0) -> np.ndarray:
    return np.asarray(phantom.head(seed, GRID.shape)[0] / 1000, np.float32)


def _moved_by(degrees: float, mm: float, scale: float = 1.0) -> np.ndarray:
    transform = sitk.Similarity3DTransform()
    transform.SetRotation((0.3, -0.5, 0.8), float(np.deg2rad(degrees)))
    transform.SetScale(scale)
    transform.SetTranslation((mm, -0.6 * mm, 0.8 * mm))
    return matrix_of(transform)


def _off(one: np.ndarray, other: np.ndarray, body: np.ndarray) -> float:
    """Mean distance in mm between where two matrices put the body."""
    x, y, z = (axis[body] for axis in np.broadcast_arrays(*grid_points(GRID)))
    points = np.stack([x, y, z, np.ones_like(x)])
    return float(np.linalg.norm(((one - other) @ points)[:3], axis=0).mean())


@pytest.mark.parametrize("kind", list(Kind))
def test_derivatives_are_those_of_the_correlation(kind: Kind) -> None:
    """Against differences of the correlation itself, for every number of a step."""
    fixed = Pyramid(_head(0), GRID.spacing).level(2)
    moving = Pyramid(ndimage.gaussian_filter(_head(1), 1), GRID.spacing).level(2)
    matrix, centre = _moved_by(5, 4, 1.03), np.array([3.0, -2.0, 5.0])

    def sums(step: np.ndarray) -> np.ndarray:
        way = stepped(matrix, step, centre, int(kind))
        return normal_equations(
            fixed.points, fixed.at_points, moving.values, moving.cells, moving.spacing, moving.origin, way, centre,
            int(kind),
        )[0]  # fmt: skip

    numbers = NUMBERS[kind]
    here = sums(np.zeros(numbers))
    n = here[numbers + 1, numbers + 1]
    centred = here - np.outer(here[:, numbers + 1], here[numbers + 1]) / n
    mm, ff, fm = centred[numbers, numbers], centred[-1, -1], centred[numbers, -1]
    analytic = (centred[:numbers, -1] - centred[:numbers, numbers] * fm / mm) / np.sqrt(mm * ff)
    for number in range(numbers):
        small = np.zeros(numbers)
        small[number] = 1e-6
        numeric = (correlation_of(sums(small)) - correlation_of(sums(-small))) / 2e-6
        assert analytic[number] == pytest.approx(numeric, rel=2e-2, abs=2e-5)


def test_correlation_is_that_of_the_overlap() -> None:
    fixed, moving = Pyramid(_head(0), GRID.spacing).level(1), Pyramid(_head(1), GRID.spacing).level(1)
    sums, count = normal_equations(
        fixed.points, fixed.at_points, moving.values, moving.cells, moving.spacing, moving.origin, np.eye(4),
        np.zeros(3), int(Kind.RIGID),
    )  # fmt: skip
    steps = np.round((fixed.points - moving.origin) / moving.spacing).astype(int)
    inside = (steps >= 0).all(1) & (steps < np.array(moving.values.shape[::-1]) - 1).all(1)
    x, y, z = steps[inside].T
    assert count == inside.sum()
    expected = np.corrcoef(fixed.at_points[inside], moving.values[z, y, x])[0, 1]
    assert correlation_of(sums) == pytest.approx(expected, abs=1e-6)


CHANGES = {
    "as it is": lambda values, random: values,
    "noise": lambda values, random: values + random.normal(0, 0.05, values.shape),
    "smooth": lambda values, random: ndimage.gaussian_filter(values, 1.0),
    "contrast": lambda values, random: 0.3 + 0.5 * np.clip(values, 0, None) ** 0.7,
    "coil": lambda values, random: values * np.exp(-np.arange(values.shape[2]) / 40),
}


@pytest.mark.parametrize("change", list(CHANGES))
@pytest.mark.parametrize("degrees", [4.0, 12.0])
def test_known_transforms_are_found_no_worse_than_by_simpleitk(change: str, degrees: float) -> None:
    fixed, truth = _head(), _moved_by(degrees, 5, 1.04)
    changed = np.asarray(CHANGES[change](fixed, np.random.default_rng(0)), np.float32)
    moving, body = resampled(changed, GRID, np.linalg.inv(truth)), fixed > 0.1
    seen = resampled(EVERYWHERE.astype(np.float32), GRID, np.linalg.inv(truth)) > 0.5
    masks = {"fixed_mask": EVERYWHERE, "moving_mask": seen}
    ours = _off(align(fixed, moving, GRID, **masks), truth, body)
    theirs = _off(align(fixed, moving, GRID, engine="simpleitk", **masks), truth, body)
    assert ours < 0.6  # a quarter of a voxel
    assert ours < theirs + 0.3  # a tenth of a voxel


def test_the_best_of_several_starts_is_kept() -> None:
    fixed, truth = _head(), _moved_by(70, 20)
    moving = resampled(fixed, GRID, np.linalg.inv(truth))
    pyramids = Pyramid(fixed, GRID.spacing), Pyramid(moving, GRID.spacing)
    near = truth @ _moved_by(8, 4)
    found = register(*pyramids, starts=[np.eye(4), near, _moved_by(180, 0)], kind=Kind.RIGID)
    assert found.start == 1
    assert _off(found.matrix, truth, fixed > 0.1) < 0.6
    assert found.correlation > 0.93


def test_light_and_dark_exchanged_are_registered_where_either_sign_will_do() -> None:
    fixed, truth = _head(), _moved_by(5, 4)
    moving = 1 - resampled(fixed, GRID, np.linalg.inv(truth))
    pyramids = Pyramid(fixed, GRID.spacing), Pyramid(moving, GRID.spacing)
    found = register(*pyramids, kind=Kind.RIGID, contrast="either sign")
    assert found.correlation < -0.95
    assert _off(found.matrix, truth, fixed > 0.1) < 0.6


CONTRASTS = {
    "inverted inside": lambda values: np.where(values > 0.05, 1.1 - values, values),
    "up and down": lambda values: np.where(values > 0.05, np.sin(np.pi * np.clip(values, 0, 1) ** 0.6), values),
    "as it is": lambda values: values,
}


@pytest.mark.parametrize("change", list(CONTRASTS))
def test_contrasts_that_differ_are_registered_no_worse_than_by_simpleitk(change: str) -> None:
    fixed, truth = _head(), _moved_by(6, 5, 1.03)
    moving = np.asarray(CONTRASTS[change](resampled(fixed, GRID, np.linalg.inv(truth))), np.float32)
    masks = {"fixed_mask": EVERYWHERE, "moving_mask": EVERYWHERE}
    ours = _off(align(fixed, moving, GRID, contrasts_differ=True, **masks), truth, fixed > 0.1)
    theirs = _off(align(fixed, moving, GRID, contrasts_differ=True, engine="simpleitk", **masks), truth, fixed > 0.1)
    assert ours < 0.6  # a quarter of a voxel
    assert ours < theirs + 0.3


@pytest.mark.parametrize("kind", list(Kind))
def test_derivatives_are_those_of_the_information(kind: Kind) -> None:
    fixed = Pyramid(_head(0), GRID.spacing).level(2)
    moving = Pyramid(1 - ndimage.gaussian_filter(_head(0), 0.7), GRID.spacing).level(2)
    matrix, centre, bins = _moved_by(5, 4, 1.03), np.array([3.0, -2.0, 5.0]), binned(fixed.at_points, fixed.span)
    held = np.empty((len(fixed.points), 8))

    def gathered(step: np.ndarray) -> tuple[np.ndarray, int]:
        way = stepped(matrix, step, centre, int(kind))
        return information._gathered(
            fixed.points, bins, moving.values, moving.cells, moving.spacing, moving.origin, way, np.array(moving.span),
            held,
        )  # fmt: skip

    numbers = NUMBERS[kind]
    for number in range(numbers):
        small = np.zeros(numbers)
        small[number] = 1e-6
        up, down = (information._information_of(gathered(way)[0])[0] for way in (small, -small))
        joint, count = gathered(np.zeros(numbers))
        _, ratio = information._information_of(joint)
        curvature, along = information._scored(held, count, joint, ratio, centre, int(kind))
        assert along[number] / joint.sum() == pytest.approx((up - down) / 2e-6, rel=2e-2, abs=2e-5)
        assert (np.linalg.eigvalsh(curvature) > 0).all()


def test_the_splines_weights_are_a_share_and_their_slopes_are_theirs() -> None:
    for t in (0.0, 0.3, 0.9):
        assert sum(information._spline(t)) == pytest.approx(1)
        numeric = np.subtract(information._spline(t + 1e-6), information._spline(t - 1e-6)) / 2e-6
        np.testing.assert_allclose(information._spline_slope(t), numeric, atol=1e-6)


def test_what_was_done_is_said() -> None:
    fixed = _head()
    moving = resampled(fixed, GRID, _moved_by(4, 3))
    found = register(Pyramid(fixed, GRID.spacing), Pyramid(moving, GRID.spacing), kind=Kind.RIGID)
    assert found.converged and 3 < found.iterations < 90
    nothing = register(Pyramid(fixed * 0, GRID.spacing), Pyramid(moving, GRID.spacing))
    assert nothing.correlation == 0 and np.isfinite(nothing.matrix).all()


@pytest.mark.parametrize("beyond", [np.s_[:18], np.s_[26:]])
def test_a_crop_is_compared_where_both_were_seen(beyond: slice) -> None:
    fixed, truth = _head(), _moved_by(5, 4)
    moving = resampled(fixed, GRID, np.linalg.inv(truth))
    seen = EVERYWHERE.copy()
    seen[beyond] = False
    moving[beyond] = 0.7  # what lies there must not count
    found = register(Pyramid(fixed, GRID.spacing), Pyramid(moving, GRID.spacing, seen), kind=Kind.RIGID)
    # A tenth of a voxel; it is 1.5 mm where what lies beyond the rim is blended in.
    assert _off(found.matrix, truth, fixed > 0.1) < 0.25
    assert found.correlation > 0.93 and 0.4 < found.overlap < 0.8


def test_a_cell_counts_where_all_its_corners_were_seen() -> None:
    seen = np.random.default_rng(0).random((2, 5, 6, 7)) < 0.9
    cells = cells_of(seen)
    for index in np.ndindex(2, 5, 6, 7):
        n, z, y, x = index
        expected = z < 4 and y < 5 and x < 6 and seen[n, z : z + 2, y : y + 2, x : x + 2].all()
        assert cells[index] == expected


def test_too_small_an_overlap_is_not_climbed_to() -> None:
    fixed = _head()
    far = _moved_by(0, 200)
    found = register(Pyramid(fixed, GRID.spacing), Pyramid(fixed, GRID.spacing), starts=[far])
    assert found.correlation == 0 and np.array_equal(found.matrix, far)


def test_the_same_from_however_many_threads() -> None:
    pyramids = [Pyramid(_head(seed), GRID.spacing) for seed in range(4)]
    alone = [register(pyramids[0], other).matrix for other in pyramids]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda other: register(pyramids[0], other).matrix, pyramids * 3))
    for matrix, expected in zip(together, alone * 3, strict=True):
        assert np.array_equal(matrix, expected)


def test_another_mask_shares_what_is_coarser_and_counts_alone() -> None:
    whole = Pyramid(_head(), GRID.spacing)
    half = EVERYWHERE.copy()
    half[:, 26:] = False
    part = whole.with_mask(half)
    assert part.level(2).values is whole.level(2).values
    fresh = Pyramid(_head(), GRID.spacing, half)
    np.testing.assert_array_equal(part.level(2).points, fresh.level(2).points)
    assert part.level(2).points[:, 1].max() < whole.level(2).points[:, 1].max()
