"""The right-hand volume brought onto the left one: mirrored where the pair is, registered where that is asked for.

Whichever volume stands on the right is the one that is mirrored and resampled. Were it always the training volume, a
blinded reader could tell the sides apart by who looks smoothed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_relict.volumes.affines import resampled
from napari_relict.volumes.cohort import PreparedVolume
from napari_relict.volumes.grid import Grid


def right_volume(
    synthetic: PreparedVolume,
    training: PreparedVolume,
    *,
    mirrored: bool,
    swapped: bool,
    alignment: np.ndarray | None,
) -> PreparedVolume:
    """What stands on the right. Resampling is slow (a second for large volumes): the viewer calls it in a worker.

    Parameters
    ----------
    synthetic, training : prepared volumes on one grid.
    swapped : the training volume is on the left, the synthetic one on the right.
    alignment : float64 (4, 4), grid mm (x, y, z) of the synthetic volume, mirrored where the pair is, to grid mm of
        the training volume; None: nothing is moved.

    Notes
    -----
    With S the synthetic volume as it is compared (mirrored where the pair is), T the training volume and A the
    alignment, S(p) and T(A p) show the same place.
    Training on the right: T(A p) lies on S; mirrored it lies on the synthetic volume as it is.
    Synthetic on the right: S(A^-1 q) lies on T.
    Labels of sided structures are renamed by `mirrored`, which looks at the left-hand labels for which names agree
    better: they are compared where both are registered.
    """
    if not swapped:
        right = training if alignment is None else moved(training, alignment)
        return right.mirrored(beside=synthetic) if mirrored else right
    if not mirrored:
        return synthetic if alignment is None else moved(synthetic, np.linalg.inv(alignment))
    if alignment is None:
        return synthetic.mirrored(beside=training)
    return moved(synthetic.mirrored(beside=moved(training, alignment)), np.linalg.inv(alignment))


def moved(volume: PreparedVolume, to_volume: np.ndarray) -> PreparedVolume:
    """A prepared volume seen through `to_volume` (grid mm -> grid mm of the volume); labels by nearest neighbour."""
    grid = Grid(volume.image.shape, volume.spacing)
    labels = None if volume.labels is None else resampled(volume.labels, grid, to_volume, nearest=True)
    return replace(volume, image=resampled(volume.image, grid, to_volume), labels=labels)
