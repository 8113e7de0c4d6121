"""Which axis of an array is which in the patient, and images laid accordingly."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import SimpleITK as sitk
from scipy.optimize import linear_sum_assignment

LETTERS = ("LR", "PA", "SI")  # where world x, y, z grow to, and the other way


@dataclass(frozen=True)
class Orientation:
    """Which axis of an array is which in the patient.

    Attributes
    ----------
    axes : tuple of int
        Array axis (z, y, x of the file) that runs along the patient's z, y and x.
    signs : tuple of int
        -1 where it runs the other way.
    """

    axes: tuple[int, int, int]
    signs: tuple[int, int, int]

    @property
    def code(self) -> str:
        """Where the file's x, y and z axes grow to, as ITK writes it: LPS is left, posterior, superior."""
        letters = ["", "", ""]
        for world, (axis, sign) in enumerate(zip(self.axes, self.signs, strict=True)):
            letters[2 - axis] = LETTERS[2 - world][0 if sign > 0 else 1]
        return "".join(letters)

    @property
    def direction(self) -> np.ndarray:
        """Direction cosines as an image has them, (3, 3): columns are the world directions of the file's x, y, z."""
        columns = np.zeros((3, 3))
        for world, (axis, sign) in enumerate(zip(self.axes, self.signs, strict=True)):
            columns[2 - world, 2 - axis] = sign
        return columns

    def turned(self, cube: np.ndarray) -> np.ndarray:
        """A cube of the array's axes with the patient's."""
        flips = tuple(slice(None, None, sign) for sign in self.signs)
        return cube.transpose(self.axes)[flips]

    @property
    def mirrored(self) -> Orientation:
        """Left and right exchanged."""
        return Orientation(self.axes, (self.signs[0], self.signs[1], -self.signs[2]))


@cache
def orientations() -> tuple[Orientation, ...]:
    """All 48."""
    return tuple(
        Orientation(axes, signs)  # type: ignore[arg-type]
        for axes in itertools.permutations(range(3))
        for signs in itertools.product((1, -1), repeat=3)
    )


def orientation_of(code: str) -> Orientation:
    """The orientation of a code such as `LPS`.

    Raises
    ------
    ValueError
        No such code.
    """
    for one in orientations():
        if one.code == code.upper():
            return one
    raise ValueError(f"'{code}' is no orientation: three letters of L or R, P or A, S or I, such as LPS")


def orientation_in(image: sitk.Image) -> Orientation:
    """What an image's direction cosines say, to the nearest right angle."""
    cosines = np.reshape(image.GetDirection(), (3, 3))
    world, axis = linear_sum_assignment(-np.abs(cosines))
    axes, signs = [0, 0, 0], [1, 1, 1]
    for row, column in zip(world, axis, strict=True):
        axes[2 - row], signs[2 - row] = int(2 - column), 1 if cosines[row, column] >= 0 else -1
    return Orientation(tuple(axes), tuple(signs))  # type: ignore[arg-type]


def laid(image: sitk.Image, way: Orientation, spacing: Sequence[float] | None = None) -> sitk.Image:
    """An image whose array lies as `way` says, its first voxel at the world's zero; voxels are not touched.

    Parameters
    ----------
    image : sitk.Image
    way : Orientation
    spacing : sequence of float or None
        mm along the file's z, y, x; the image's own when None.
    """
    image = sitk.Image(image)
    image.SetDirection(way.direction.ravel().tolist())
    image.SetOrigin((0.0, 0.0, 0.0))
    if spacing is not None:
        image.SetSpacing([float(mm) for mm in spacing[::-1]])
    return image
