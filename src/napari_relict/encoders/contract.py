"""What an encoder is to the rest of the package, and what there is to say of it before it is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from napari_relict.files.package_files import PackageFile

Licence = Literal["permissive", "research only", "unstated", "your own"]
Spacing = tuple[float, float, float]  # mm along z, y, x


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What an encoder takes and where its weights come from; known without opening it.

    Attributes
    ----------
    dimensions : {2, 3}
        2 for networks that see one slice at a time.
    channels : int
        Of the network's input; a volume is repeated over them.
    intensity : str
        What is done to the 0..1 intensities of a prepared volume, in words.
    orientation : str, default: 'LPS'
        Axes of the array, "LPS" for z to superior, y to posterior, x to the patient's left.
    spacing : Spacing, optional
        mm (z, y, x) that it resamples to; None takes the grid's.
    divisor : int, default: 1
        Sides are padded to a multiple of it.
    layers : tuple of str
        Named layers, first to last, for features of several layers.
    pooling : str
        How a layer becomes one vector, in words.
    source : str
        Where weights come from, in words.
    sha256 : str, optional
        Of the pinned file; None where it is the user's.
    licence : Licence
        Of the weights.
    """

    dimensions: Literal[2, 3]
    channels: int
    intensity: str
    orientation: str = "LPS"
    spacing: Spacing | None = None
    divisor: int = 1
    layers: tuple[str, ...]
    pooling: str
    source: str
    sha256: str | None = None
    licence: Licence


class Encoder(Protocol):
    """Turns a prepared volume into a vector whose cosine says how alike two volumes are.

    Attributes
    ----------
    name : str
        Column name of its measure.
    title : str
        What people read.
    weights : str
        SHA-256 of the weights and of what is done to a volume before them; part of the cache key.
    needs : Needs
        What it takes and where its weights come from.
    centred : bool
        The training mean is taken away before the cosine.
    trained_on : frozenset of str
        Contents of the volumes of this study it was trained on; empty for encoders from elsewhere.
    """

    name: str
    title: str
    weights: str
    needs: Needs
    centred: bool
    trained_on: frozenset[str]

    def encode(self, image: np.ndarray, spacing: Spacing) -> np.ndarray:
        """Turn a prepared volume into a vector.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            A prepared volume, 0 to 1.
        spacing : Spacing
            mm along z, y, x.

        Returns
        -------
        numpy.ndarray of float32, shape (features,)

        """

    def encode_layers(self, image: np.ndarray, spacing: Spacing) -> dict[str, np.ndarray]:
        """Turn a prepared volume into one vector for each of `needs.layers`.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            A prepared volume, 0 to 1.
        spacing : Spacing
            mm along z, y, x.

        Returns
        -------
        dict of str to numpy.ndarray
            By layer, each float32 (features,).
        """


@dataclass(frozen=True)
class EncoderKind:
    """A way to make encoders. A study names the encoders it makes of it.

    Attributes
    ----------
    name : str
        As `kind` in study.toml.
    title : str
        Of an encoder that bears the kind's name.
    needs : Needs
        What its encoders need, unless options say otherwise.
    options : tuple of str
        What `[encoders.NAME]` may hold beside `kind`, `title` and `weights`. An option named `ct_window` is the study's
        (HU that 0 and 1 stand for), not the table's.
    open : callable
        (name, weights, options, device) -> encoder.
    fetched : tuple of PackageFile, default: ()
        The file that is used where no weights are given; None where the user has to bring them.
    packages : tuple of tuple of 2 str, default: ()
        Modules that have to be installed, with the extra that brings them.
    """

    name: str
    title: str
    needs: Needs
    options: tuple[str, ...]
    open: Callable[[str, Path | None, Mapping[str, Any], str], Encoder]
    fetched: tuple[PackageFile, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()
