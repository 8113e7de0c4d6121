"""Resamples of rated synthetic volumes, and of their readers."""

from __future__ import annotations

import numpy as np

from napari_relict.calibration.verdicts import REPLICA_GRADE

LEAST_GRADE = REPLICA_GRADE - 0.5  # a median between two grades counts as a replica: withholding errs the safer way


def resample(
    truth: np.ndarray, grades: np.ndarray | None, resamples: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw volumes, and what is said of them.

    Volumes are drawn within replicas and others. Where several readers graded a volume, as many of their grades are
    drawn again, so that what readers do not agree on is uncertain in the result too.

    Parameters
    ----------
    truth : numpy.ndarray of bool, shape (n,)
        Replicas.
    grades : numpy.ndarray of shape (n, readers) or None
        NaN where a reader did not grade; None where one label a volume is all there is.
    resamples : int
        How many resamples.
    random : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    tuple of 2 numpy.ndarray
        Places, int (rows, n), and bool (rows, n). Fewer rows than `resamples` where redrawn grades left one kind out.
    """
    yes, no = np.flatnonzero(truth), np.flatnonzero(~truth)
    drawn = np.hstack([random.choice(yes, (resamples, len(yes))), random.choice(no, (resamples, len(no)))])
    if grades is None or not (np.isfinite(grades).sum(1) > 1).any():
        return drawn, np.broadcast_to(truth[drawn], drawn.shape)
    packed = np.sort(grades, axis=1)  # NaN last
    counts = np.isfinite(packed).sum(1)
    several = counts[drawn][..., None]
    picks = np.floor(random.random((*drawn.shape, packed.shape[1])) * several).astype(int)
    again = np.where(np.arange(packed.shape[1]) < several, packed[drawn[..., None], picks], np.nan)
    again = np.sort(again, axis=2)
    middles = [np.take_along_axis(again, place, 2)[..., 0] for place in ((several - 1) // 2, several // 2)]
    said = (middles[0] + middles[1]) / 2 >= LEAST_GRADE
    both = said.any(1) & ~said.all(1)
    return drawn[both], said[both]
