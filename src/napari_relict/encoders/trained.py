"""One file that holds an encoder trained here: weights, what they need to be used, and what they were trained on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from napari_relict.encoders.weights import load_checkpoint, wrong_file
from napari_relict.errors import DataError, disk_faults

FORMAT = "napari-relict encoder, version 2"
DIVISOR = 8  # sides of the input are multiples of it


@dataclass(frozen=True)
class InputGrid:
    """What a network sees of a volume: a grid of its own about the volume's centre.

    Attributes
    ----------
    shape : tuple of 3 int
        Voxels z, y, x.
    spacing : tuple of 3 float
        mm z, y, x.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]

    @staticmethod
    def for_study(shape: Sequence[int], spacing: Sequence[float], finest: Sequence[float]) -> InputGrid:
        """Cover the whole of a study's grid.

        Parameters
        ----------
        shape : sequence of int
            Voxels z, y, x of the study's grid.
        spacing : sequence of float
            mm z, y, x of the study's grid.
        finest : sequence of float
            mm a voxel (z, y, x), or the study's own spacing where that is wider.

        Returns
        -------
        InputGrid
            The grid; its sides are multiples of `DIVISOR`.
        """
        wide = [max(new, mm) for new, mm in zip(finest, spacing, strict=True)]
        sides = [
            DIVISOR * math.ceil(side * mm / new / DIVISOR) for side, mm, new in zip(shape, spacing, wide, strict=True)
        ]
        return InputGrid((sides[0], sides[1], sides[2]), (wide[0], wide[1], wide[2]))

    def seen(self, image: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
        """Bring a volume onto this grid: smoothed as far as the voxels get wider, padded with 0 or cut.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            A prepared volume, 0 to 1.
        spacing : sequence of float
            mm along z, y, x.

        Returns
        -------
        numpy.ndarray of float32, shape (z, y, x)
            On this grid.
        """
        image = np.asarray(image, np.float32)
        factor = np.divide(self.spacing, spacing)
        if factor.max() > 1.01:
            image = ndimage.gaussian_filter(image, 0.5 * np.sqrt(np.maximum(factor**2 - 1, 0)))
        # The centre of the input lies on the centre of the volume.
        offset = (np.array(image.shape) - 1) / 2 - factor * (np.array(self.shape) - 1) / 2
        if np.allclose(factor, 1) and np.allclose(offset, 0):
            return image
        placed = ndimage.affine_transform(image, factor, offset, self.shape, order=1, mode="constant", cval=0.0)
        return np.asarray(placed, np.float32)


@dataclass(frozen=True)
class Trained:
    """What a file of a trained encoder holds.

    Attributes
    ----------
    kind : str
        Of encoder, as the registry knows it.
    architecture : mapping of str to object
        Arguments of the network.
    grid : InputGrid
        What the network sees.
    state : mapping of str to object
        Parameter name -> tensor.
    trained_on : frozenset of str
        Contents (see `Row.content`) of the volumes it was trained on.
    settings : mapping of str to object, optional
        How it was trained, for the record.
    history : sequence of mapping of str to float, default: ()
        A row an epoch, for the record.
    """

    kind: str
    architecture: Mapping[str, Any]
    grid: InputGrid
    state: Mapping[str, Any]
    trained_on: frozenset[str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, float]] = ()


def write_trained(trained: Trained, file: Path) -> None:
    """Write it in one go: a job killed while it writes leaves the file that was there.

    Parameters
    ----------
    trained : Trained
        What there is to say of the encoder.
    file : pathlib.Path
        Where it goes.

    Raises
    ------
    DataError
        Not writable, or the disk is full.
    """
    import torch

    content = {
        "format": FORMAT,
        "kind": trained.kind,
        "architecture": dict(trained.architecture),
        "grid": {key: list(value) for key, value in asdict(trained.grid).items()},
        "state_dict": dict(trained.state),
        "trained_on": sorted(trained.trained_on),
        "settings": dict(trained.settings),
        "history": [dict(row) for row in trained.history],
    }
    unfinished = file.with_suffix(".part")
    with disk_faults(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.save(content, unfinished)
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)


def read_trained(file: Path, kind: str) -> Trained:
    """Read it without running any code in it.

    Parameters
    ----------
    file : pathlib.Path
        That `write_trained` wrote.
    kind : str
        Of encoder that it has to be.

    Returns
    -------
    Trained
        What it holds.

    Raises
    ------
    DataError
        No such file, or not one of this kind.
    """
    expected = f"a file that `napari-relict train {kind}` wrote"
    content = load_checkpoint(file, expected)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise wrong_file(file, expected)
    if content.get("kind") != kind:
        raise DataError(
            file, f"holds an encoder of kind {content.get('kind')}, not {kind}", "set its kind in study.toml"
        )
    try:
        shape, spacing = content["grid"]["shape"], content["grid"]["spacing"]
        return Trained(
            kind,
            content["architecture"],
            InputGrid((int(shape[0]), int(shape[1]), int(shape[2])), (spacing[0], spacing[1], spacing[2])),
            content["state_dict"],
            frozenset(content["trained_on"]),
            content["settings"],
            content["history"],
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise wrong_file(file, expected) from error
