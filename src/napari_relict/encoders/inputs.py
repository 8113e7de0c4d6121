"""What is done to a prepared volume before a network sees it, and the options of study.toml that say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Needs, Spacing
from napari_relict.errors import UsageError

BACKGROUND = 0.02  # of the 0..1 intensities; below is air
OPTIONS = ("intensity", "window", "spacing", "ct_window")  # that `Input.asked` reads
INTENSITIES = ("unit", "standardised", "hu")


@dataclass(frozen=True)
class Input:
    """How a volume is prepared for a 3D network.

    Attributes
    ----------
    intensity : str, default: 'unit'
        `unit`, 0 to 1 as prepared; `standardised`, see there; `hu`, Hounsfield units, where `window` becomes 0 to 1 and
        the rest is clipped.
    window : tuple of 2 float, optional
        HU.
    ct_window : tuple of 2 float, optional
        HU that 0 and 1 of the prepared volume stand for; what lay beyond was clipped when it was prepared.
    spacing : Spacing, optional
        mm (z, y, x); None keeps the grid's.
    divisor : int, default: 1
        Sides are padded to a multiple of it, evenly on both sides.
    """

    intensity: str = "unit"
    window: tuple[float, float] | None = None
    ct_window: tuple[float, float] | None = None
    spacing: Spacing | None = None
    divisor: int = 1

    def asked(self, name: str, options: Mapping[str, Any]) -> Input:
        """Change it as the options of `[encoders.name]` want it.

        Parameters
        ----------
        name : str
            Of the encoder in this study; the column of its measure.
        options : mapping of str to object
            Of `[encoders.NAME]` in study.toml.

        Returns
        -------
        Input
            The changed one.

        Raises
        ------
        UsageError
            An option of the wrong type; or HU are needed and the study is no CT.
        """
        chosen = replace(self, ct_window=options.get("ct_window"))
        if "intensity" in options:
            if options["intensity"] not in INTENSITIES:
                raise UsageError(f"[encoders.{name}]: intensity must be one of {', '.join(INTENSITIES)}")
            chosen = replace(chosen, intensity=options["intensity"])
        if "window" in options:
            low, high = numbers(name, options, "window", 2)
            if not low < high:
                raise UsageError(f"[encoders.{name}]: window must be two HU, the lower one first")
            chosen = replace(chosen, intensity="hu", window=(low, high))
        if options.get("spacing") == "grid":
            chosen = replace(chosen, spacing=None)
        elif "spacing" in options:
            z, y, x = numbers(name, options, "spacing", 3)
            if min(z, y, x) <= 0:
                raise UsageError(f"[encoders.{name}]: spacing must be above 0 mm")
            chosen = replace(chosen, spacing=(z, y, x))
        if chosen.intensity == "hu" and chosen.ct_window is None:
            raise UsageError(f"{name} needs Hounsfield units; the volumes of this study are no CT")
        if chosen.intensity == "hu" and chosen.window is None:
            raise UsageError(f"[encoders.{name}]: intensity = 'hu' needs a window, e.g. window = [-1000, 1000]")
        return chosen

    def told(self, needs: Needs) -> Needs:
        """Say in `needs` what is really done.

        Parameters
        ----------
        needs : Needs
            What the kind of encoder says.

        Returns
        -------
        Needs
            The same with intensity, spacing and divisor of this input.
        """
        words = {
            "unit": "0..1 as prepared",
            "standardised": "mean 0 and SD 1 within what is not background",
            "hu": f"HU, {self.window[0]:g} to {self.window[1]:g} become 0 to 1" if self.window else "HU",
        }
        return replace(needs, intensity=words[self.intensity], spacing=self.spacing, divisor=self.divisor)

    def key(self) -> str:
        """Say what is done, for the key of a cache.

        Returns
        -------
        str
            All that changes the input.
        """
        return f"{self.intensity}:{self.window}:{self.ct_window}:{self.spacing}:{self.divisor}"

    def __call__(self, image: np.ndarray, spacing: Spacing) -> np.ndarray:
        """Prepare a volume for the network.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            A prepared volume, 0 to 1.
        spacing : Spacing
            mm along z, y, x.

        Returns
        -------
        numpy.ndarray of float32, shape (z, y, x)
            On the network's own grid.
        """
        image = np.ascontiguousarray(image, np.float32)
        if self.intensity == "hu" and self.window and self.ct_window:
            low, high = self.ct_window
            first, last = self.window
            image = np.clip((image * (high - low) + low - first) / (last - first), 0, 1)
        if self.spacing is not None:
            image = resampled(image, spacing, self.spacing)
        if self.intensity == "standardised":
            image = standardised(image)
        return padded(image, self.divisor)


def standardised(image: np.ndarray) -> np.ndarray:
    """Bring tissue to mean 0 and SD 1: scale and offset of the intensities are gone.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        A prepared volume, 0 to 1.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)

    """
    tissue = image[image > BACKGROUND]
    mean, std = (float(tissue.mean()), float(tissue.std())) if tissue.size > 1 else (0.0, 1.0)
    return np.asarray((np.ascontiguousarray(image) - mean) / max(std, 1e-3), np.float32)


def resampled(image: np.ndarray, spacing: Spacing, wanted: Spacing) -> np.ndarray:
    """Resample to another spacing; smoothed first where voxels become coarser.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        A prepared volume, 0 to 1.
    spacing : Spacing
        mm along z, y, x.
    wanted : Spacing
        mm along z, y, x.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)
        Of the same extent.
    """
    shape = tuple(max(1, round(n * mm / to)) for n, mm, to in zip(image.shape, spacing, wanted, strict=True))
    return resized(image, shape)


def resized(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Resample to other numbers of voxels of the same extent.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        A prepared volume, 0 to 1.
    shape : tuple of int
        Voxels along z, y, x.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)

    """
    import torch
    from scipy import ndimage

    if shape == image.shape:
        return image
    coarser = [max(old / new - 1, 0) / 2 for old, new in zip(image.shape, shape, strict=True)]
    smooth = ndimage.gaussian_filter(image, coarser) if any(coarser) else image
    volume = torch.from_numpy(np.ascontiguousarray(smooth, np.float32))[None, None]
    resampled_volume = torch.nn.functional.interpolate(volume, shape, mode="trilinear", align_corners=False)
    return np.asarray(resampled_volume[0, 0].numpy(), np.float32)


def padded(image: np.ndarray, divisor: int) -> np.ndarray:
    """Pad with the lowest value, evenly on both sides.

    Parameters
    ----------
    image : numpy.ndarray of float32, shape (z, y, x)
        A prepared volume, 0 to 1.
    divisor : int
        Sides become multiples of it.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)

    """
    more = [-side % divisor for side in image.shape]
    if not any(more):
        return image
    return np.pad(image, [(voxels // 2, voxels - voxels // 2) for voxels in more], constant_values=float(image.min()))


def numbers(name: str, options: Mapping[str, Any], key: str, count: int) -> list[float]:
    """Read an option that is a list of so many numbers.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    options : mapping of str to object
        Of `[encoders.NAME]` in study.toml.
    key : str
        The option.
    count : int
        How many numbers.

    Returns
    -------
    list of float
        The numbers.

    Raises
    ------
    UsageError
        It is something else.
    """
    values = options[key]
    if not isinstance(values, list | tuple) or len(values) != count or not all(map(_is_number, values)):
        raise UsageError(f"[encoders.{name}]: {key} must be a list of {count} numbers")
    return [float(value) for value in values]


def whole(name: str, options: Mapping[str, Any], key: str, default: int) -> int:
    """Read an option that is a whole number from 1.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    options : mapping of str to object
        Of `[encoders.NAME]` in study.toml.
    key : str
        The option.
    default : int
        Where it is not given.

    Returns
    -------
    int
        The number.

    Raises
    ------
    UsageError
        It is something else.
    """
    value = options.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"[encoders.{name}]: {key} must be a whole number above 0")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
