"""What a segmenter is to the rest of the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk

from napari_relict.volumes.intensity import Modality

Segmenting = Callable[[sitk.Image, Modality], sitk.Image]
"""(volume as it was read, modality) -> uint8 or uint16 label map on its grid; raises `DataError` where it cannot."""


@dataclass(frozen=True)
class SegmenterKind:
    """A way to make label maps.

    Attributes
    ----------
    name : str
        As the command line calls it.
    title : str
        What it makes, in words.
    modalities : tuple of Modality
        What it is made for.
    labels : mapping of int to str
        What its values mean; empty where that depends on what the user brings.
    open : callable
        (Folder of the user's bundle, device) -> what segments; raises `DataError` where something is missing.
    needs_bundle : bool, default: False
        It runs what the user brings.
    """

    name: str
    title: str
    modalities: tuple[Modality, ...]
    labels: Mapping[int, str]
    open: Callable[[Path | None, str], Segmenting]
    needs_bundle: bool = False
