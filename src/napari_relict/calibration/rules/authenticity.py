"""Authenticity: whether a synthetic volume is nearer to a training volume than its real neighbour is.

Alaa, van Breugel, Saveliev & van der Schaar 2022, "How faithful is your synthetic data? Sample-level metrics for
evaluating and auditing generative models", ICML, arXiv 2102.08921. Code in circulation under that name starts from real
volumes and their nearest synthetic one instead, and gives other numbers.
"""

from __future__ import annotations

import numpy as np

from napari_relict.calibration.rules.arrays import scores
from napari_relict.calibration.rules.outcome import Outcome, share
from napari_relict.errors import DataError

SOURCE = "Alaa et al. 2022, arXiv 2102.08921"


def authenticity(nearest: np.ndarray, place: np.ndarray, training_nearest: np.ndarray) -> Outcome:
    """Compute AuthPct: the share of authentic synthetic volumes; the others are called copies.

    g with the nearest training volume t is authentic if d(t, nearest other training volume) < d(g, t). A perfect
    generator has volumes that are nearer than the nearest real one, too: about as often as its volumes win a race with
    one training volume. So a share of copies of tens of percent says nothing by itself.

    Parameters
    ----------
    nearest : numpy.ndarray of shape (synthetic,)
        Distance to the nearest training volume.
    place : numpy.ndarray
        Int (synthetic,), which one that is.
    training_nearest : numpy.ndarray of shape (training,)
        Distance of each training volume to the nearest other one.

    Returns
    -------
    Outcome
        Calls and AuthPct.

    Raises
    ------
    DataError
        Arrays that do not fit each other.

    Notes
    -----
    Alaa, van Breugel, Saveliev & van der Schaar (2022), ICML, arXiv 2102.08921.
    """
    nearest, training_nearest = scores(nearest, "distances"), scores(training_nearest, "training distances", rows=2)
    place = np.asarray(place)
    if place.shape != nearest.shape or not np.issubdtype(place.dtype, np.integer):
        raise DataError("nearest training volumes", f"shape {place.shape}", "give the place of one for each volume")
    if place.size and not (place.min() >= 0 and place.max() < len(training_nearest)):
        raise DataError(
            "nearest training volumes", "one that is not there", f"give places below {len(training_nearest)}"
        )
    of_real = training_nearest[place]
    authentic = of_real < nearest
    return Outcome(
        rule="authenticity",
        title="Authenticity",
        source=SOURCE,
        estimated_on=f"distances among {len(training_nearest)} training volumes",
        calls=~authentic,
        values=np.divide(nearest, of_real, out=np.full_like(nearest, np.inf), where=of_real > 0),
        numbers={"AuthPct": share(int(authentic.sum()), len(authentic))},
    )
