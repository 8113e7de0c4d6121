"""How a volume may come back without its being another one, and the pose it then has: what 3D encoders see through.

Turn, shift, size and bend go into one interpolation, which is quicker than MONAI's transforms one after the other and
says the pose, which the network learns to take back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from napari_relict.encoders.trained import InputGrid
from napari_relict.training.changes import displacement, places_of, sampled


@dataclass(frozen=True)
class View:
    """A volume as it may come back.

    Attributes
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        0 to 1.
    pose : numpy.ndarray of float32, shape (3, 4)
        Place in the volume -> place in the view, in mm z, y, x about the middle of the grid.
    """

    image: np.ndarray
    pose: np.ndarray


@dataclass(frozen=True)
class Views:
    """Draws views of volumes on `grid`.

    Attributes
    ----------
    grid : InputGrid
        Of the volumes.
    degrees : float, default: 20.0
        It is turned by up to so many, about an axis drawn at random.
    shift : float, default: 8.0
        mm an axis, at most, off its centre of mass.
    zoom : float, default: 0.12
        Larger or smaller by up to this share.
    cut : float, default: 0.35
        Up to this share of the slices is missing below or above.
    """

    grid: InputGrid
    degrees: float = 20.0
    shift: float = 8.0
    zoom: float = 0.12
    cut: float = 0.35

    def __call__(self, image: np.ndarray, rng: np.random.Generator, reach: float = 0.0) -> View:
        """Draw a view of a volume.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            0 to 1.
        rng : numpy.random.Generator
            Where draws come from.
        reach : float, default: 0.0
            It is bent by about so many mm.

        Returns
        -------
        View
            The view with its pose.
        """
        if rng.random() < 0.5:
            image = self._cut(image, rng)
        linear = np.eye(3)
        if rng.random() < 0.9:
            axis = rng.normal(size=3)
            turn = np.deg2rad(rng.uniform(0, self.degrees)) / np.linalg.norm(axis)
            linear = Rotation.from_rotvec(turn * axis).as_matrix()
        if rng.random() < 0.7:
            linear = linear * (1 + rng.uniform(-self.zoom, self.zoom))
        start = self._centre_of_mass(image) + rng.uniform(-self.shift, self.shift, 3)
        places = np.tensordot(linear.astype(np.float32), places_of(self.grid.shape, self.grid.spacing), 1)
        places += start.astype(np.float32)[:, None, None, None]
        if reach:
            places += displacement(self.grid.shape, self.grid.spacing, reach, rng)
        back = np.linalg.inv(linear)
        pose = np.column_stack([back, -back @ start]).astype(np.float32)
        return View(self._scanned(sampled(image, places, self.grid.spacing), rng), pose)

    def _cut(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        depth, image = round(rng.uniform(0.1, self.cut) * len(image)), image.copy()
        image[slice(0, depth) if rng.random() < 0.7 else slice(len(image) - depth, None)] = 0
        return image

    def _centre_of_mass(self, image: np.ndarray) -> np.ndarray:
        """Find it in mm z, y, x about the middle: volumes are centred by their mass, however little of them is left."""
        if not image.any():
            return np.zeros(3)
        centre = np.array(ndimage.center_of_mass(image))
        return np.asarray((centre - (np.array(image.shape) - 1) / 2) * self.grid.spacing)

    def _scanned(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """By another scanner: shading, contrast, sharpness, noise, brightness."""
        if rng.random() < 0.5:
            strength = rng.uniform(0, 0.12)
            image = image * (
                1 + displacement(self.grid.shape, self.grid.spacing, strength, rng, control=80.0, axes=1)[0]
            )
        image = np.clip(image, 0, None) ** np.float32(np.exp(rng.uniform(-0.5, 0.5)))
        if rng.random() < 0.35:
            weight = np.float32(rng.uniform(0, 1))
            image = (1 - weight) * image + weight * ndimage.gaussian_filter(image, 0.8, truncate=2)
        image = image + np.float32(rng.uniform(0, 0.03)) * rng.standard_normal(image.shape, np.float32)
        return np.asarray(np.clip(image * np.exp(rng.uniform(-0.2, 0.2)), 0, 1), np.float32)
