"""What pairs an encoder learns from: changes of every size, the targets, and that augmentation keeps anatomy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

import phantom
from napari_relict.encoders.inputs import standardised
from napari_relict.encoders.trained import InputGrid
from napari_relict.training.augmentation import published_contrastive, published_deepssim
from napari_relict.training.changes import another_patient, blended, changed, places_of, sampled, spotted, warped
from napari_relict.training.deepssim import ssim_of_pairs, weights_of
from napari_relict.training.deepssim_2d import ssim_of_slices
from napari_relict.training.views import Views
from napari_relict.training.volumes import turned_over

SHAPE = (32, 40, 36)
SPACING = (5.0, 5.0, 5.0)


@pytest.fixture
def image() -> np.ndarray:
    return np.clip(phantom.head(3, SHAPE)[0] / 1000, 0, 1).astype(np.float32)


@pytest.fixture
def stranger() -> np.ndarray:
    return np.clip(phantom.head(4, SHAPE)[0] / 1000, 0, 1).astype(np.float32)


def test_a_longer_reach_bends_further(image: np.ndarray) -> None:
    found = [
        ssim_of_pairs([image, warped(image, r, SPACING, np.random.default_rng(0))])[0, 1] for r in (0.01, 1, 4, 12)
    ]
    assert found[0] > 0.999
    assert np.all(np.diff(found) < 0)
    np.testing.assert_allclose(warped(image, 0.0, SPACING, np.random.default_rng(0)), image, atol=1e-5)


def test_a_warp_moves_by_millimetres() -> None:
    """Displacements of a ramp are seen in its values: 5 mm voxels, so a reach of 5 mm moves by about one."""
    ramp = np.broadcast_to(np.arange(SHAPE[2], dtype=np.float32), SHAPE).copy()
    moved = [warped(ramp, 5.0, SPACING, np.random.default_rng(seed)) - ramp for seed in range(8)]
    inner = np.stack(moved)[:, 6:-6, 6:-6, 6:-6]
    assert 0.3 < inner.std() < 1.2


def test_a_blend_holds_both(image: np.ndarray, stranger: np.ndarray) -> None:
    mixed = blended(image, stranger, np.random.default_rng(1))
    apart = np.abs(image - stranger) > 0.2
    assert (np.abs(mixed - image)[apart] < 0.01).any()
    assert (np.abs(mixed - stranger)[apart] < 0.05).any()


def test_a_spot_is_local(image: np.ndarray) -> None:
    differs = np.abs(spotted(image, SPACING, np.random.default_rng(2)) - image) > 0.05
    assert 0 < differs.sum() * 125 < 4 / 3 * np.pi * 18**3  # mm3
    assert (
        spotted(np.zeros(SHAPE, np.float32), SPACING, np.random.default_rng(0)).max() > 0
    )  # nothing inside: in the middle


def test_changes_fill_the_range_of_ssim(image: np.ndarray, stranger: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    values = [ssim_of_pairs([image, changed(image, stranger, SPACING, rng)])[0, 1] for _ in range(60)]
    assert min(values) < 0.6
    assert max(values) > 0.99


def test_every_stratum_weighs_the_same() -> None:
    targets = torch.tensor([0.1, 0.91, 0.92, 0.95, 0.96])
    weights = weights_of(targets)
    assert torch.isclose(weights.sum(), torch.tensor(1.0))
    assert torch.isclose(weights[0], weights[1:].sum())


def test_targets_of_slices_are_those_of_the_paper(image: np.ndarray, stranger: np.ndarray) -> None:
    one, other = image[12], 0.5 * stranger[12]
    found = ssim_of_slices([one, other])
    expected = structural_similarity(one, other, win_size=7, K1=0.01, K2=0.03, data_range=one.max() - one.min())
    assert np.isclose(found[0, 1], expected, atol=1e-6)
    assert not np.isclose(ssim_of_slices([other, one])[0, 1], expected, atol=1e-3)  # by the first one's range


def test_another_patient_is_far_from_the_first(image: np.ndarray, stranger: np.ndarray) -> None:
    made = [another_patient(image, SPACING, np.random.default_rng(seed)) for seed in range(4)]
    similar = ssim_of_pairs([image, *made, stranger])[0]
    assert similar[1:5].max() < 0.8
    assert similar[1:5].mean() - similar[5] < 0.35


def test_published_augmentation_repeats_with_its_seed(image: np.ndarray) -> None:
    views = []
    for _ in range(2):
        augment = published_contrastive().set_random_state(seed=3)
        views.append(np.stack([np.asarray(augment(torch.from_numpy(image[None].copy()))) for _ in range(3)]))
    np.testing.assert_array_equal(*views)
    assert not np.array_equal(views[0][0], views[0][1])
    assert views[0].shape[2:] == image.shape


def test_views_repeat_with_their_seed(image: np.ndarray) -> None:
    draw = Views(InputGrid(SHAPE, SPACING))
    one, again, other = (draw(image, np.random.default_rng(seed), 1.0) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.image, again.image)
    np.testing.assert_array_equal(one.pose, again.pose)
    assert not np.array_equal(one.image, other.image)
    assert one.image.shape == SHAPE
    assert one.image.dtype == np.float32
    assert 0 <= one.image.min() <= one.image.max() <= 1


def test_the_pose_of_a_view_takes_it_back(image: np.ndarray) -> None:
    """A view sampled at its pose is the volume again, but for its scanner and two interpolations."""
    draw = Views(InputGrid(SHAPE, SPACING), cut=0.1)
    for seed in range(6):
        view = draw(image, np.random.default_rng(seed))
        places = np.tensordot(view.pose[:, :3], places_of(SHAPE, SPACING), 1) + view.pose[:, 3, None, None, None]
        back = sampled(view.image, places, SPACING)
        inner = (slice(8, -8),) * 3
        lain = np.corrcoef(view.image[inner].ravel(), image[inner].ravel())[0, 1]
        taken_back = np.corrcoef(back[inner].ravel(), image[inner].ravel())[0, 1]
        assert taken_back > 0.8
        assert taken_back > lain


def test_published_augmentation_of_slices(image: np.ndarray) -> None:
    augment = published_deepssim().set_random_state(seed=0)
    views = [np.asarray(augment(torch.from_numpy(image[12][None].copy()))) for _ in range(40)]
    same = sum(np.array_equal(view[0], image[12]) for view in views)
    assert 1 <= same <= 25  # each of four steps one time in three: about (2/3)^4 of them, as flips may also pair up
    assert all(view.shape == (1, *image.shape[1:]) for view in views)


def test_inverting_keeps_air_black(image: np.ndarray) -> None:
    turned = turned_over(image)
    air, tissue = image < 0.02, image > 0.5
    edge = np.zeros(SHAPE, bool)
    edge[0] = True
    np.testing.assert_array_equal(turned[air & edge], image[air & edge])
    np.testing.assert_allclose(turned[tissue], 1.1 - image[tissue], atol=1e-6)


def test_the_input_grid_keeps_the_centre() -> None:
    grid = InputGrid.for_study((33, 40, 36), (2.0, 2.0, 2.0), (4.0, 4.0, 4.0))
    assert grid.shape == (24, 24, 24)
    assert grid.spacing == (4.0, 4.0, 4.0)
    image = np.zeros((33, 40, 36), np.float32)
    image[14:19, 17:23, 15:21] = 1
    seen = grid.seen(image, (2.0, 2.0, 2.0))
    centre = np.array([(seen * at).sum() / seen.sum() for at in np.indices(seen.shape)])
    np.testing.assert_allclose(centre, (np.array(grid.shape) - 1) / 2, atol=0.05)
    assert np.isclose(seen.sum() * 8, image.sum(), rtol=0.05)


def test_standardised_tissue() -> None:
    image = np.array([0.0, 0.0, 0.4, 0.6], np.float32)
    np.testing.assert_allclose(standardised(image)[2:], [-1, 1], atol=1e-4)
    assert np.isfinite(standardised(np.zeros(4, np.float32))).all()
