"""Alterations do what they say, as strongly as they say, the same for a seed; labels go with the image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import phantom
from napari_relict.quality.alterations import ALTERATIONS, Subject
from napari_relict.quality.alterations import image as images
from napari_relict.quality.alterations.lesions import LESION, add_lesion, grow, move, remove
from napari_relict.quality.alterations.registry import PLANTED
from napari_relict.quality.alterations.structures import deepest_label, enlarge, mirror_structure, outward
from napari_relict.quality.alterations.vessels import VESSEL, add_vessel, cut, narrow

SPACING = (4.0, 3.0, 3.0)


@pytest.fixture(scope="module")
def subject() -> Subject:
    values, labels = phantom.head(0)
    return Subject(values / 1000, labels.astype(np.uint16), SPACING)


@pytest.fixture(scope="module")
def flat() -> Subject:
    """Tissue that grows brighter from below, with a little noise: what lies behind a structure is known."""
    inside = np.zeros((40, 48, 44), bool)
    inside[4:36, 4:44, 4:40] = True
    image = np.linspace(0.2, 0.8, 40)[:, None, None] * inside + np.random.default_rng(0).normal(0, 0.02, inside.shape)
    return Subject(np.clip(image, 0, 1).astype(np.float32), inside.astype(np.uint16), SPACING)


def generator() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("name", [name for name, one in ALTERATIONS.items() if one.make])
def test_same_seed_same_volume_stronger_is_more(subject: Subject, name: str) -> None:
    alteration = ALTERATIONS[name]
    before = PLANTED[alteration.base](subject, generator()) if alteration.base else subject
    made = [alteration.make(before, strength, 2, generator()) for strength in alteration.strengths]
    again = alteration.make(before, alteration.strengths[0], 2, generator())
    assert (again.image == made[0].image).all() and (again.labels == made[0].labels).all()
    for one in made:
        assert one.image.dtype == np.float32 and one.labels.dtype == np.uint16
        assert one.image.min() >= 0 and one.image.max() <= 1 and one.spacing == SPACING
    moved = [float(np.abs(one.image - before.image).sum()) for one in made]
    assert moved[0] > 0
    if not alteration.by_share and name != "lesion_moved":
        assert moved == sorted(moved) and moved[0] < moved[-1]
    if alteration.kind == "image":
        assert all((one.labels == before.labels).all() for one in made)


def test_image_alterations_have_their_strength() -> None:
    random = np.random.default_rng(0)
    plain = Subject(np.full((30, 40, 40), 0.5, np.float32), None, SPACING)
    assert images.noise(plain, 0.04, random).image.std() == pytest.approx(0.04, rel=0.05)
    point = np.zeros((31, 41, 41), np.float32)
    point[15, 20, 20] = 1
    spread = images.blur(Subject(point, None, SPACING), 6.0).image
    middle = ((np.arange(41) - 20) * 3.0) ** 2
    assert np.sqrt((spread.sum((0, 1)) * middle).sum() / spread.sum()) == pytest.approx(6.0, rel=0.1)
    assert images.contrast(plain, 0.5).image[3, 3, 3] == pytest.approx(0.5**1.5, abs=0.51)
    assert images.bias_field(plain, 0.0, random).image == pytest.approx(plain.image)
    still = images.motion(plain, 0.0, random).image
    assert still == pytest.approx(plain.image, abs=1e-5)


def test_a_lesion_has_its_size_and_is_gone_when_removed(flat: Subject) -> None:
    with_one = add_lesion(flat, 9.0, generator())
    inside = with_one.labels == LESION
    volume = inside.sum() * np.prod(SPACING)
    assert volume == pytest.approx(4 / 3 * np.pi * 9**3, rel=0.1)
    assert abs(with_one.image[inside].mean() - flat.image[inside].mean()) > 0.2
    without = remove(with_one)
    assert (without.labels == flat.labels).all()
    assert np.abs(without.image[inside] - flat.image[inside]).mean() < 0.05
    rim = ndimage.binary_dilation(inside) & ~inside  # half of the lesion shows in the voxels about it, too
    left, had = (np.abs(one.image - flat.image)[rim].mean() for one in (without, with_one))
    assert left < 0.7 * had
    far = np.abs(with_one.image - flat.image) < 1e-3
    assert (without.image == with_one.image)[far & ~inside].mean() > 0.98


def test_a_moved_lesion_is_as_large_elsewhere(flat: Subject) -> None:
    with_one = add_lesion(flat, 9.0, generator())
    moved = move(with_one, 24.0, generator())
    places = [np.argwhere(one.labels == LESION).mean(0) * SPACING for one in (with_one, moved)]
    assert np.linalg.norm(places[1] - places[0]) == pytest.approx(24, abs=3)
    assert (moved.labels == LESION).sum() == (with_one.labels == LESION).sum()
    added = [float((one.image - flat.image).sum()) for one in (with_one, moved)]
    assert added[1] == pytest.approx(added[0], rel=0.15)
    old = with_one.labels == LESION
    left = old & (moved.labels == 1)
    assert moved.image[left] == pytest.approx(flat.image[left], abs=0.15)


def test_a_lesion_grows_by_millimetres(flat: Subject) -> None:
    with_one = add_lesion(flat, 9.0, generator())
    grown = grow(with_one, 4.0)
    volume = (grown.labels == LESION).sum() * np.prod(SPACING)
    assert volume == pytest.approx(4 / 3 * np.pi * 13**3, rel=0.15)
    rim = (grown.labels == LESION) & (with_one.labels != LESION)
    assert np.abs(grown.image[rim] - flat.image[rim]).mean() > 0.1


def test_a_vessel_is_cut_in_two_and_narrowed(flat: Subject) -> None:
    with_one = add_vessel(flat, generator(), radius=5.0)
    inside = with_one.labels == VESSEL
    assert inside.sum() * np.prod(SPACING) > 0.5 * np.pi * 25 * 50
    assert ndimage.label(inside, np.ones((3, 3, 3)))[1] == 1
    gap = cut(with_one, 20.0, generator())
    lost = inside & (gap.labels != VESSEL)
    assert 0 < lost.sum() < inside.sum()
    assert gap.image[lost].mean() < with_one.image[lost].mean() - 0.1
    sizes = [(narrow(with_one, share).labels == VESSEL).sum() for share in (0.25, 0.5)]
    assert inside.sum() > sizes[0] > sizes[1] > 0
    # Half of the radius is a quarter of the section.
    assert sizes[1] / inside.sum() == pytest.approx(0.25, abs=0.15)


def test_a_structure_is_enlarged_without_folding(subject: Subject) -> None:
    sizes = [(enlarge(subject, mm, 2).labels == 2).sum() for mm in (1e-9, 2.0, 4.0)]
    assert sizes[0] == pytest.approx((subject.labels == 2).sum(), rel=0.02)
    assert sizes[0] < sizes[1] < sizes[2]
    field = outward(subject.labels == 2, SPACING, 5.0)
    slopes = np.array([np.gradient(part, *SPACING) for part in field])
    factors = np.linalg.det(np.eye(3) - slopes.transpose(2, 3, 4, 0, 1))
    assert factors.min() > 0
    assert set(np.unique(enlarge(subject, 4.0, 2).labels)) <= {0, 1, 2}


def test_a_structure_mirrored_twice_is_the_same(subject: Subject) -> None:
    once = mirror_structure(subject, 2)
    assert (once.labels == 2).sum() == pytest.approx((subject.labels == 2).sum(), rel=0.02)
    assert not (once.image == subject.image).all()
    twice = mirror_structure(once, 2)
    inside = subject.labels == 2
    assert twice.image[inside] == pytest.approx(subject.image[inside], abs=1e-6)
    far = np.zeros_like(inside)
    far[:3] = True
    assert (once.image[far] == subject.image[far]).all()


def test_the_deepest_label_is_the_ventricles(subject: Subject) -> None:
    assert deepest_label([subject.labels, subject.labels], SPACING) == 2
    assert deepest_label([np.zeros((3, 3, 3), np.uint16)], SPACING) is None
