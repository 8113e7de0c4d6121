"""Where the camera looks and how near: the anatomy fills a cell and leaves room for what is written there."""

from __future__ import annotations

import numpy as np

from napari_relict.viewer.pair.planes import PlaneView

#: Pixels of a cell left free around the anatomy: for edge letters, for the title, for slice text and legend.
BESIDE, ABOVE, BELOW = 35, 75, 115
#: Cells narrower or lower than this have less to leave, and smaller letters.
_FULL_WIDTH, _FULL_HEIGHT, _SMALLEST = 380, 540, 0.7

Bounds = tuple[tuple[int, int, int], tuple[int, int, int]]
Vector = tuple[float, float, float]


def share_of(cell: tuple[float, float]) -> float:
    """Size of letters and margins in a cell of this height and width, as a share of their full size."""
    return float(np.clip(min(cell[0] / _FULL_HEIGHT, cell[1] / _FULL_WIDTH), _SMALLEST, 1.0))


def frame(bounds: Bounds, spacing: Vector, cell: tuple[float, float], view: PlaneView | None) -> tuple[Vector, float]:
    """Camera centre and zoom.

    Parameters
    ----------
    bounds : first and last voxel index (z, y, x) of the anatomy.
    spacing : mm a voxel, z, y, x.
    cell : height and width of a cell in pixels.
    view : the plane; None for volumes seen from the front.
    """
    first, last, step = (np.asarray(values, float) for values in (*bounds, spacing))
    low, high = (first - 0.5) * step, (last + 0.5) * step
    size, centre = high - low, (low + high) / 2
    share = share_of(cell)
    above, below = ABOVE * share, BELOW * share
    height, width = max(cell[0] - above - below, 50), max(cell[1] - 2 * BESIDE, 50)
    if view is None:
        # The front shows height and width; depth comes into play when the volume is turned.
        zoom = min(height / size[0], width / size[2], min(height, width) / (0.9 * size[1]))
        return (float(centre[0]), float(centre[1]), float(centre[2])), float(zoom)
    rows, columns = view.order[1:]
    zoom = float(min(height / size[rows], width / size[columns]))
    # What is centred between unequal margins is off the middle of the cell.
    lower = (above - below) / 2 / zoom
    row = centre[rows] + (lower if view.vertical == "up" else -lower)
    return (0.0, float(row), float(centre[columns])), zoom
