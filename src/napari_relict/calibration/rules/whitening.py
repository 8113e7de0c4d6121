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
    mean : (features,), of the training cohort.
    axes : (directions, features), orthonormal, largest variance first.
    stretch : (directions,), what each is multiplied by.
    rest : what everything beside `axes` is multiplied by; 0 drops it.
    """

    mean: np.ndarray
    axes: np.ndarray
    stretch: np.ndarray
    rest: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """(n, features) -> (n, features), or (n, directions) where the rest is dropped.

        Lengths and angles are what counts; turning the kept directions back would leave them as they are.
        """
        centred = features - self.mean
        along = centred @ self.axes.T
        if not self.rest:
            return np.asarray(along * self.stretch)
        return np.asarray((along * (self.stretch - self.rest)) @ self.axes + self.rest * centred)


def zca(training: np.ndarray) -> Whitening:
    """W = (C + 1e-6 I)^(-1/2) of all directions (arXiv 2602.13066).

    From the singular values of the volumes, so that fewer volumes than features need no large matrix.
    """
    mean, variance, axes = _directions(training)
    return Whitening(mean, axes, (variance + REGULAR) ** -0.5, REGULAR**-0.5)


def rank_limited(training: np.ndarray, components: int) -> Whitening:
    """Whitening of the first principal components alone: at most `components`, and as many as carry variance.

    Directions in which the training volumes hardly differ would count as much as all others, and are mostly noise.

    Raises
    ------
    DataError : all training volumes have the same features.
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
