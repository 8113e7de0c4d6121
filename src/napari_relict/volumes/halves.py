"""Halves of a volume, each posed by itself, so that a copied half is found beside a stranger's.

When one half of a synthetic volume is a patient's and the other is not, its pose is a compromise between both and
agrees with nobody's. A half that is posed alone lies where the patient's own half lies when posed alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from napari_relict.registration import Pyramid, register
from napari_relict.volumes.affines import grid_points, matrix_of, transform_of
from napari_relict.volumes.grid import Grid, place
from napari_relict.volumes.pose import KINDS, POINTS, Limits, PoseKind, coarse_grid, foreground, pyramid_of

HALVES = ("lower", "upper", "front", "back", "right", "left")
MIRRORED = {"right": "left", "left": "right"}
# As seen from the whole's pose, which already is a compromise: halves of simulated heads that lay right, copied ones
# too, kept within half of this; one that had slid onto other anatomy lay far beyond.
HALF_LIMITS = Limits(degrees=30, scale=1.25, shift=0.2)
COVERED = 0.9  # share of a half that has to lie in the field of view for it to be compared


@dataclass(frozen=True)
class HalfLayout:
    """Which voxels of the coarse grid belong to which half.

    Attributes
    ----------
    masks : bool (6, z, y, x), in the order of `HALVES`; left and right are each other's mirror image.
    voxels : the largest number of voxels a half has: the length of a stored half.
    """

    masks: np.ndarray

    @property
    def voxels(self) -> int:
        return int(self.masks.reshape(len(HALVES), -1).sum(1).max())

    def packed(self, half: int, image: np.ndarray) -> np.ndarray:
        """The half's voxels of a coarse image, filled up with -1 to the common length."""
        row = np.full(self.voxels, -1, np.float16)
        values = image[self.masks[half]]
        row[: len(values)] = values
        return row

    def mirror_orders(self) -> list[tuple[int, np.ndarray]]:
        """For each half: the half it becomes part of in a mirror, and the order its voxels then have.

        `stored[other][order]` are the voxels of the half in the mirrored volume.
        """
        found = []
        for name in HALVES:
            other = HALVES.index(MIRRORED.get(name, name))
            places = np.zeros(self.masks.shape[1:], np.int64)
            places[self.masks[other]] = np.arange(self.masks[other].sum())
            found.append((other, places[..., ::-1][self.masks[HALVES.index(name)]]))
        return found


def half_layout(reference: np.ndarray) -> HalfLayout:
    """Halves of the body in the reference (result of `make_reference`), cut through its middle."""
    body = ndimage.binary_dilation(foreground(reference), iterations=2)
    z, y, _ = (round(float(middle)) for middle in np.argwhere(body).mean(0)) if body.any() else (0, 0, 0)
    x = reference.shape[2] // 2
    cuts = (np.s_[:z], np.s_[z:], np.s_[:, :y], np.s_[:, y:], np.s_[:, :, :x], np.s_[:, :, reference.shape[2] - x :])
    masks = np.zeros((len(HALVES), *reference.shape), bool)
    for mask, cut in zip(masks, cuts, strict=True):
        mask[cut] = body[cut]
    return HalfLayout(masks)


def half_pose(
    coarse: sitk.Image,
    whole: sitk.Transform,
    reference: np.ndarray,
    mask: np.ndarray,
    grid: Grid,
    kind: PoseKind = "similarity",
) -> sitk.Transform:
    """Grid mm -> world mm that brings one half onto the reference's; starts from the whole volume's pose.

    Returns the start where there is nothing to hold on to, or the search runs away from it.
    """
    if mask.sum() < 500:
        return whole
    onto = Pyramid(reference, coarse_grid(grid).spacing, mask, points=POINTS)
    found = register(onto, pyramid_of(coarse), starts=[matrix_of(whole)], kind=KINDS[kind], factors=(2, 1))
    moved = np.linalg.inv(matrix_of(whole)) @ found.matrix
    return transform_of(found.matrix) if HALF_LIMITS.allow(moved, grid, _middle(mask, grid)) else whole


def _middle(mask: np.ndarray, grid: Grid) -> np.ndarray:
    """Centre in mm (x, y, z) of the masked voxels of the coarse grid."""
    axes = np.broadcast_arrays(*grid_points(coarse_grid(grid)))
    return np.array([axis[mask].mean() for axis in axes])


def half_values(coarse: sitk.Image, pose: sitk.Transform, layout: HalfLayout, half: int, grid: Grid) -> np.ndarray:
    """The posed half, float16 (layout.voxels,); -1 beyond the field of view."""
    return layout.packed(half, place(coarse, coarse_grid(grid), pose, fill=-1.0))
