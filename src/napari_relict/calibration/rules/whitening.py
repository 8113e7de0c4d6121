"""Whitening of features, fitted on the training cohort."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_relict.errors import DataError

REGULAR = 1e-6  # added to every variance (arXiv 2602.13066)


@dataclass(frozen=True, eq=False)
class Whitening:
    """A linear map after which the training features have unit variance.

    Attributes
    ----------
    mean : numpy.ndarray of shape (features,)
        Of the training cohort.
    axes : numpy.ndarray of shape (directions, features)
        Orthonormal, largest variance first.
    stretch : numpy.ndarray of shape (directions,)
        What each is multiplied by.
    rest : float
        What everything beside `axes` is multiplied by; 0 drops it.
    """

    mean: np.ndarray
    axes: np.ndarray
    stretch: np.ndarray
    rest: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Whiten features.

        Lengths and angles are what counts; turning the kept directions back would leave them as they are.

        Parameters
        ----------
        features : numpy.ndarray of shape (n, features)
            As of the training cohort.

        Returns
        -------
        numpy.ndarray of shape (n, features)
            Or (n, directions) where the rest is dropped.
        """
        centred = features - self.mean
        along = centred @ self.axes.T
        if not self.rest:
            return np.asarray(along * self.stretch)
        return np.asarray((along * (self.stretch - self.rest)) @ self.axes + self.rest * centred)


def zca(training: np.ndarray) -> Whitening:
    """Whiten all directions: W = (C + 1e-6 I)^(-1/2).

    From the singular values of the volumes, so that fewer volumes than features need no large matrix.

    Parameters
    ----------
    training : numpy.ndarray of shape (volumes, features)
        Of the training cohort.

    Returns
    -------
    Whitening
        The linear map.

    Notes
    -----
    Deo et al. (2026), arXiv 2602.13066.
    """
    mean, variance, axes = _directions(training)
    return Whitening(mean, axes, (variance + REGULAR) ** -0.5, REGULAR**-0.5)


def rank_limited(training: np.ndarray, components: int) -> Whitening:
    """Whiten the first principal components alone.

    Directions in which the training volumes hardly differ would count as much as all others, and are mostly noise.

    Parameters
    ----------
    training : numpy.ndarray of shape (volumes, features)
        Of the training cohort.
    components : int
        At most this many, and as many as carry variance.

    Returns
    -------
    Whitening
        The linear map.

    Raises
    ------
    DataError
        All training volumes have the same features.
    """
    mean, variance, axes = _directions(training)
    kept = min(components, int((variance > 1e-12 * variance[:1]).sum()))
    if not kept:
        raise DataError("training features", "the same for all volumes", "use another encoder")
    return Whitening(mean, axes[:kept], variance[:kept] ** -0.5, 0.0)


def _directions(training: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean = training.mean(0)
    _, singular, axes = np.linalg.svd(training - mean, full_matrices=False)
    return mean, singular**2 / max(len(training) - 1, 1), axes
