"""Every encoder by name. A new one: write its file, add its line here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_relict.encoders.contract import Encoder
from napari_relict.encoders.medicalnet import MedicalNet
from napari_relict.encoders.mobilenet_v2 import MobileNetV2Slices
from napari_relict.errors import UsageError

TITLES = {MobileNetV2Slices.name: MobileNetV2Slices.title, MedicalNet.name: MedicalNet.title}


def encoder_names() -> list[str]:
    """Names under which encoders can be asked for."""
    return list(TITLES)


def open_encoder(name: str, options: Mapping[str, Any], device: str = "cpu") -> Encoder:
    """Load an encoder with its weights.

    Parameters
    ----------
    options : the `[encoders.<name>]` table of study.toml, e.g. `weights` (a path) and `depth`.

    Raises
    ------
    UsageError : no such encoder, or a needed option missing.
    DataError : weights that cannot be had or are the wrong ones.
    """
    weights = Path(options["weights"]).expanduser() if options.get("weights") else None
    if name == MobileNetV2Slices.name:
        return MobileNetV2Slices(device, weights)
    if name == MedicalNet.name:
        if weights is None:
            raise UsageError(f"{name} needs its weights: set weights = 'FILE.pth' under [encoders.{name}]")
        return MedicalNet(weights, int(options.get("depth", 10)), device)
    raise UsageError(f"no encoder '{name}'; there are {', '.join(TITLES)}")
