"""Volumes a generator learns from, drawn and augmented by number: a stopped training sees the same ones again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


class SeededFeed:
    """Batches of volumes in an order that is drawn anew for each pass through them, less their mean, of variance 1.

    Without the mean small networks learn what tells patients apart within minutes; with it they learn heads first.

    Parameters
    ----------
    volumes : numpy.ndarray
        Float32 (n, z, y, x), 0 to 1.
    size : int
        Volumes a batch.
    augment : bool
        See `augmentation`.
    seed : int
        Of everything that is drawn.
    """

    def __init__(self, volumes: np.ndarray, size: int, *, augment: bool, seed: int) -> None:
        self._volumes, self._size, self._seed = volumes, size, seed
        self._augment = augmentation() if augment else None
        self._mean = volumes.mean(0, dtype=np.float64).astype(np.float32)
        self._scale = float((volumes - self._mean).std())

    def batch(self, step: int) -> Any:
        """Draw the volumes of one step.

        Parameters
        ----------
        step : int
            Its number, from 0.

        Returns
        -------
        torch.Tensor of float32, shape (n, 1, z, y, x)
            Standardised.
        """
        count = len(self._volumes)
        places = np.arange(step * self._size, (step + 1) * self._size)
        chosen = [self._order(place // count)[place % count] for place in places.tolist()]
        return self._tensor(chosen, [2, step])

    def standardised(self, volumes: np.ndarray) -> np.ndarray:
        """Turn volumes into what a generator knows.

        Parameters
        ----------
        volumes : numpy.ndarray of shape (n, z, y, x)
            0 to 1.

        Returns
        -------
        numpy.ndarray of shape (n, z, y, x)
            Less the mean, of variance 1.
        """
        return np.asarray((volumes - self._mean) / self._scale)

    def restored(self, volumes: np.ndarray) -> np.ndarray:
        """Turn what a generator makes into volumes.

        Parameters
        ----------
        volumes : numpy.ndarray of shape (n, z, y, x)
            Standardised.

        Returns
        -------
        numpy.ndarray of shape (n, z, y, x)
            0 to 1.
        """
        return np.asarray(np.clip(volumes * self._scale + self._mean, 0, 1))

    def rounds(self, count: int) -> Iterator[Any]:
        """Give all volumes, several times over, in batches; augmented anew each time.

        Parameters
        ----------
        count : int
            How many times.

        Yields
        ------
        torch.Tensor of float32, shape (n, 1, z, y, x)
            Standardised.
        """
        for number in range(count):
            for start in range(0, len(self._volumes), self._size):
                chosen = range(start, min(start + self._size, len(self._volumes)))
                yield self._tensor(list(chosen), [3, number, start])

    def _order(self, number: int) -> np.ndarray:
        return np.random.default_rng([self._seed, 1, number]).permutation(len(self._volumes))

    def _tensor(self, places: list[int], draw: list[int]) -> Any:
        import torch

        volumes = self._volumes[places][:, None]
        if self._augment is not None:
            self._augment.set_random_state(int(np.random.SeedSequence([self._seed, *draw]).generate_state(1)[0]))
            volumes = np.stack([np.asarray(self._augment(torch.from_numpy(volume))) for volume in volumes])
        return torch.from_numpy(self.standardised(volumes))


def augmentation() -> Any:
    """Augment volumes by MONAI's random transforms.

    Mirrored left to right, turned by up to 10 degrees, larger, smaller or sheared by up to a tenth, moved by a voxel,
    another contrast.

    Returns
    -------
    monai.transforms.Compose
        For volumes (1, z, y, x), 0 to 1.
    """
    from monai.transforms import Compose, RandAdjustContrast, RandAffine, RandFlip

    degrees = float(np.deg2rad(10))
    return Compose(
        [
            RandFlip(prob=0.5, spatial_axis=2),
            RandAffine(
                prob=0.9,
                rotate_range=(degrees,) * 3,
                scale_range=(0.1,) * 3,
                shear_range=(0.1,) * 6,
                translate_range=(1.0,) * 3,
                padding_mode="zeros",
            ),
            RandAdjustContrast(prob=0.5, gamma=(0.8, 1.25)),
        ]
    )
