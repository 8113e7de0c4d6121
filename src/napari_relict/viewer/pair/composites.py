"""Two volumes in one picture, worked out only where it is looked at. Pure numpy, no napari.

napari asks a layer's data for the slice on screen and for nothing else. So a composite answers `[...]` by composing
that part alone: a window or a split line that is dragged costs one slice, not two volumes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_relict.viewer.pair.difference import signed_difference, windowed

Image = npt.NDArray[np.float32]


class Composite(ABC):
    """An array (z, y, x) made of a left and a right one; see what subclasses make of them."""

    def __init__(self, left: Image, right: Image) -> None:
        if left.shape != right.shape:
            raise ValueError(f"the two volumes are on different grids: {left.shape} and {right.shape}")
        self.left, self.right = left, right
        self.shape, self.ndim, self.size, self.dtype = left.shape, left.ndim, left.size, np.dtype(np.float32)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, index: Any) -> Any:
        return self._composed(self.left[index], self.right[index], index)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self[:, :, :], dtype)

    @abstractmethod
    def _composed(self, left: Any, right: Any, index: Any) -> Any:
        """What is shown of two slices."""


class Difference(Composite):
    """Left minus right as displayed: 1 is the whole width of the window."""

    def __init__(self, left: Image, right: Image, window: tuple[float, float]) -> None:
        super().__init__(left, right)
        self.window = window

    def _composed(self, left: Any, right: Any, index: Any) -> Any:
        return signed_difference(windowed(np.asarray(left), self.window), windowed(np.asarray(right), self.window))


class Checkerboard(Composite):
    """Cubes of the left and of the right volume in turn.

    Parameters
    ----------
    side : voxels of a cube along z, y, x.
    """

    def __init__(self, left: Image, right: Image, side: tuple[int, int, int]) -> None:
        super().__init__(left, right)
        self._odd = [np.arange(n) // max(1, s) % 2 for n, s in zip(left.shape, side, strict=True)]

    def _composed(self, left: Any, right: Any, index: Any) -> Any:
        # What is the same cube along one axis may be another along the next: the sum of the three says which.
        z, y, x = np.ix_(*self._odd)
        places = np.broadcast_to(z, self.shape)[index] + np.broadcast_to(y, self.shape)[index]
        places = places + np.broadcast_to(x, self.shape)[index]
        return np.where(places % 2 == 0, left, right)


class Swipe(Composite):
    """Left volume on one side of a plane, right volume on the other.

    Parameters
    ----------
    axis, at : the left volume is shown where the voxel index along `axis` is below `at`.
    """

    def __init__(self, left: Image, right: Image, axis: int, at: float) -> None:
        super().__init__(left, right)
        self.axis, self.at = axis, at

    def _composed(self, left: Any, right: Any, index: Any) -> Any:
        along = np.arange(self.shape[self.axis])
        shape = [1, 1, 1]
        shape[self.axis] = -1
        before = np.broadcast_to((along < self.at).reshape(shape), self.shape)[index]
        return np.where(before, left, right)
