"""Halves: each voxel where it belongs, mirrored without posing again, and a copied half posed as its source's."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

import phantom
from napari_relict.volumes import Grid, halves
from napari_relict.volumes.affines import grid_points, matrix_of
from napari_relict.volumes.halves import HALVES, HalfLayout, half_layout, half_pose, half_values
from napari_relict.volumes.pose import Limits, coarse_grid, coarse_image, foreground, make_reference, registered

GRID = Grid((40, 48, 48), (4.0, 4.0, 4.0))
RIGHT, LEFT = HALVES.index("right"), HALVES.index("left")


def _symmetric(width: int) -> np.ndarray:
    values = phantom.head(3, (20, 24, width))[0] / 1000
    return ((values + values[..., ::-1]) / 2).astype(np.float32)


@pytest.mark.parametrize("width", [22, 23])
def test_halves_are_complementary_and_left_mirrors_right(width: int) -> None:
    reference = _symmetric(width)
    masks = half_layout(reference).masks
    body = ndimage.binary_dilation(foreground(reference), iterations=2)
    for one, other in ((0, 1), (2, 3)):
        assert not (masks[one] & masks[other]).any()
        assert np.array_equal(masks[one] | masks[other], body)
        assert 0.4 < masks[one].sum() / body.sum() < 0.6
    assert np.array_equal(masks[LEFT], masks[RIGHT][..., ::-1])
    sides = masks[LEFT] | masks[RIGHT]
    assert not (masks[LEFT] & masks[RIGHT]).any()
    beside_the_middle = np.ones(width, bool)
    beside_the_middle[width // 2] = width % 2 == 0  # the middle plane of an odd width is on neither side
    assert np.array_equal(sides, body & beside_the_middle)


def test_halves_lie_where_their_names_say() -> None:
    masks = half_layout(_symmetric(22)).masks
    lower, upper, front, back, right, left = (np.argwhere(mask).mean(0) for mask in masks)
    assert lower[0] < upper[0]
    assert front[1] < back[1]  # y grows to the back
    assert right[2] < left[2]  # x grows to the patient's left


@pytest.mark.parametrize("width", [22, 23])
def test_mirror_orders_do_what_flipping_the_image_does(width: int) -> None:
    layout = half_layout(_symmetric(width))
    image = np.random.default_rng(0).random((20, 24, width)).astype(np.float16)
    stored = [layout.packed(half, image) for half in range(len(HALVES))]
    for half, (other, order) in enumerate(layout.mirror_orders()):
        flipped = layout.packed(half, image[..., ::-1])
        assert np.array_equal(stored[other][order], flipped[: len(order)])
        assert len(order) == layout.masks[half].sum()
        assert (flipped[len(order) :] == -1).all()
        assert {half, other} in ({LEFT, RIGHT}, {half})


def test_a_reference_without_a_body_has_empty_halves() -> None:
    layout = half_layout(np.zeros((16, 16, 16), np.float32))
    assert layout.masks.shape == (6, 16, 16, 16)
    assert layout.packed(0, np.zeros((16, 16, 16))).shape == (layout.voxels,)


def _coarse(values: np.ndarray) -> sitk.Image:
    return coarse_image(phantom.to_image(values.astype(np.float32)), GRID, "mr", (0, 1))


@pytest.fixture(scope="module")
def reference() -> np.ndarray:
    return make_reference([_coarse(phantom.head(seed)[0]) for seed in range(5)], GRID, "similarity")


def _apart(one: sitk.Transform, other: sitk.Transform, mask: np.ndarray) -> float:
    """Mean distance in mm between where two poses put the masked voxels."""
    x, y, z = (axis[mask] for axis in np.broadcast_arrays(*grid_points(coarse_grid(GRID))))
    points = np.stack([x, y, z, np.ones_like(x)])
    return float(np.linalg.norm(((matrix_of(one) - matrix_of(other)) @ points)[:3], axis=0).mean())


@pytest.mark.parametrize(("half", "heads"), [("left", (0, 1)), ("upper", (2, 3)), ("lower", (0, 1)), ("front", (4, 1))])
def test_a_copied_half_is_posed_like_its_source_s_half(
    reference: np.ndarray, half: str, heads: tuple[int, int]
) -> None:
    own, strange = (phantom.head(seed)[0] for seed in heads)
    strange = ndimage.shift(ndimage.rotate(strange, 8, axes=(1, 2), reshape=False, order=1), (2, 0, 0), order=1)
    composite = strange.copy()
    z, y, x = (side // 2 for side in own.shape)
    here = {"left": np.s_[..., x:], "upper": np.s_[z:], "lower": np.s_[:z], "front": np.s_[:, :y]}[half]
    composite[here] = own[here]
    layout, place = half_layout(reference), HALVES.index(half)
    mask = layout.masks[place]
    coarse = [_coarse(own), _coarse(composite)]
    whole = [registered(image, reference, GRID, "similarity") for image in coarse]
    posed = [half_pose(image, pose, reference, mask, GRID) for image, pose in zip(coarse, whole, strict=True)]
    assert _apart(*posed, mask) < 6
    assert _apart(*posed, mask) < _apart(*whole, mask)
    values = [
        half_values(image, pose, layout, place, GRID)[: mask.sum()].astype(float)
        for image, pose in zip(coarse, posed, strict=True)
    ]
    assert np.corrcoef(*values)[0, 1] > 0.97


def test_a_half_too_small_to_hold_on_to_keeps_the_whole_s_pose(reference: np.ndarray) -> None:
    coarse = _coarse(phantom.head(0)[0])
    whole = registered(coarse, reference, GRID, "similarity")
    few = np.zeros(reference.shape, bool)
    few[8:12, 8:12, 8:12] = True
    assert matrix_of(half_pose(coarse, whole, reference, few, GRID)).tolist() == matrix_of(whole).tolist()


def test_a_half_that_runs_away_keeps_the_whole_s_pose(reference: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a volume that shows another head elsewhere, the search of a half ends where no half can lie."""
    values = ndimage.shift(
        ndimage.rotate(phantom.head(3)[0], 14, axes=(1, 2), reshape=False, order=1), (0, 3, 0), order=1
    )
    layout, coarse = half_layout(reference), _coarse(values)
    whole = registered(_coarse(phantom.head(3)[0]), reference, GRID, "similarity")  # not its own: some way off
    for mask in layout.masks[:2]:
        far = half_pose(coarse, whole, reference, mask, GRID)
        assert _apart(far, whole, mask) > 5
        with monkeypatch.context() as strict:
            strict.setattr(halves, "HALF_LIMITS", Limits(degrees=2, scale=1.02, shift=0.01))
            kept = half_pose(coarse, whole, reference, mask, GRID)
        assert matrix_of(kept).tolist() == matrix_of(whole).tolist()


def _moved(degrees: float = 0, scale: float = 1, shift: float = 0) -> np.ndarray:
    """About the point (0, 40, 0), then along x."""
    transform = sitk.Similarity3DTransform()
    transform.SetCenter((0.0, 40.0, 0.0))
    transform.SetRotation((0.0, 0.0, 1.0), float(np.deg2rad(degrees)))
    transform.SetScale(scale)
    transform.SetTranslation((shift, 0.0, 0.0))
    return matrix_of(transform)


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        ({"degrees": 29}, {"degrees": -31}),
        ({"scale": 1.24}, {"scale": 1.26}),
        ({"scale": 1 / 1.24}, {"scale": 1 / 1.26}),
        ({"shift": 0.19 * 192}, {"shift": -0.21 * 192}),
        ({"degrees": -29, "scale": 1.24, "shift": 0.19 * 192}, {"degrees": 180}),
    ],
)
def test_limits_are_about_the_half_s_own_middle(within: dict[str, float], beyond: dict[str, float]) -> None:
    limits, middle = Limits(degrees=30, scale=1.25, shift=0.2), np.array([0.0, 40.0, 0.0])
    assert limits.allow(_moved(**within), GRID, middle)
    assert not limits.allow(_moved(**beyond), GRID, middle)


def test_beyond_the_field_of_view_a_half_is_minus_one(reference: np.ndarray) -> None:
    layout = half_layout(reference)
    coarse = _coarse(phantom.head(0)[0])
    away = sitk.Similarity3DTransform()
    away.SetTranslation((1000.0, 0.0, 0.0))
    values = half_values(coarse, away, layout, 0, GRID)
    assert isinstance(layout, HalfLayout)
    assert values.shape == (layout.voxels,)
    assert values.dtype == np.float16
    assert (values == -1).all()
