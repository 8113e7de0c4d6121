"""Every kind of encoder by name. A new one: write its file, add its line here."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_relict.encoders import (
    efficientnet_lite,
    i3resnet,
    learned,
    medicalnet,
    mobilenet_v2,
    onnx_file,
    sam_vit,
    segres_encoder,
    swin_unetr,
    timm_model,
    torchscript,
)
from napari_relict.encoders.contract import Encoder, EncoderKind
from napari_relict.errors import DataError, UsageError
from napari_relict.files.package_files import is_fetched

KINDS: Mapping[str, EncoderKind] = {
    kind.name: kind
    for kind in (
        mobilenet_v2.KIND,
        efficientnet_lite.KIND,
        i3resnet.KIND,
        medicalnet.KIND,
        learned.DEEPSSIM,
        learned.DEEPSSIM_2D,
        learned.CONTRASTIVE,
        swin_unetr.KIND,
        segres_encoder.KIND,
        sam_vit.KIND,
        timm_model.KIND,
        torchscript.KIND,
        onnx_file.KIND,
    )
}

_GENERAL = ("kind", "title", "weights")
_FROM_THE_STUDY = "ct_window"
READY = "ready"


def standard_encoders() -> dict[str, str]:
    """List the encoders that every study has without naming them: their weights come by themselves.

    Returns
    -------
    dict of str to str
        Name to title.
    """
    return {kind.name: kind.title for kind in KINDS.values() if kind.fetched}


def check_definition(name: str, table: Mapping[str, Any]) -> tuple[EncoderKind, str]:
    """Check what `[encoders.name]` defines.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    table : mapping of str to object
        The table of study.toml.

    Returns
    -------
    tuple of (EncoderKind, str)
        The kind and the title of the encoder.

    Raises
    ------
    UsageError
        A name that is no column name, no such kind, or a key that the kind does not know.
    """
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise UsageError(f"[encoders.{name}]: use letters, digits and _ in the name")
    kind = KINDS.get(str(table.get("kind", name)))
    if kind is None:
        raise UsageError(
            f"[encoders.{name}] has no known kind '{table.get('kind', name)}'; there are {', '.join(KINDS)}"
        )
    allowed = [*_GENERAL, *(option for option in kind.options if option != _FROM_THE_STUDY)]
    if unknown := [key for key in table if key not in allowed]:
        raise UsageError(f"[encoders.{name}] has an unknown key '{unknown[0]}'; there are {', '.join(allowed)}")
    if wrong := [key for key in _GENERAL if not isinstance(table.get(key, ""), str)]:
        raise UsageError(f"[encoders.{name}]: {wrong[0]} must be text in quotes")
    return kind, table.get("title") or (kind.title if name == kind.name else name)


def open_encoder(
    name: str,
    options: Mapping[str, Any],
    device: str = "cpu",
    *,
    folder: Path | None = None,
    ct_window: tuple[float, float] | None = None,
) -> Encoder:
    """Load an encoder with its weights.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    options : mapping of str to object
        The `[encoders.<name>]` table of study.toml, e.g. `kind`, `weights` (a path) and `depth`.
    device : str, default: 'cpu'
        "cpu" or "cuda".
    folder : pathlib.Path, optional
        Where a relative path of weights starts; here when None.
    ct_window : tuple of 2 float, optional
        HU that 0 and 1 of the volumes stand for; None for volumes that are no CT.

    Returns
    -------
    Encoder
        The encoder.

    Raises
    ------
    UsageError
        No such encoder, a needed option missing or a wrong one.
    DataError
        Weights that cannot be had or are the wrong ones.

    Examples
    --------
    >>> from napari_relict.encoders import open_encoder
    >>> encoder = open_encoder("mobilenet_v2", {})  # doctest: +SKIP
    >>> encoder.encode(image, (2.0, 2.0, 2.0)).shape  # doctest: +SKIP
    (25600,)
    """
    if "kind" not in options and name not in KINDS:
        raise UsageError(f"no encoder '{name}'; there are {', '.join(KINDS)}")
    kind, title = check_definition(name, options)
    weights = (folder or Path()) / Path(options["weights"]).expanduser() if options.get("weights") else None
    if weights is None and not kind.fetched:
        raise UsageError(needs_weights(name))
    for module, extra in kind.packages:
        if importlib.util.find_spec(module) is None:
            remedy = f"run: pip install 'napari-relict[{extra}]'"
            raise DataError(f"[encoders.{name}]", f"needs the package {module}, which is not installed", remedy)
    given = {key: value for key, value in options.items() if key not in _GENERAL}
    if _FROM_THE_STUDY in kind.options:
        given[_FROM_THE_STUDY] = ct_window
    encoder = kind.open(name, weights, given, device)
    if title != kind.title:
        encoder.title = title
    return encoder


def needs_weights(name: str) -> str:
    """Say what to do about an encoder that was named but not defined.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.

    Returns
    -------
    str
        In words.
    """
    return f"{name} needs its weights: set weights = 'FILE' under [encoders.{name}] in study.toml"


def check_device(device: str) -> None:
    """Refuse a device that is not there.

    Parameters
    ----------
    device : str
        "cpu" or "cuda".

    Raises
    ------
    UsageError
        It is not.
    """
    if device == "cpu":
        return
    import torch

    if not torch.cuda.is_available():
        raise UsageError(f"device '{device}' is not there; use --device cpu")


def readiness(kind: EncoderKind, weights: Path | None) -> str:
    """Say whether an encoder could be opened here and now, without opening it.

    Parameters
    ----------
    kind : EncoderKind
        Of encoder.
    weights : pathlib.Path or None
        The file of weights; None where they are fetched.

    Returns
    -------
    str
        `READY`, or what is lacking and what to do about it.
    """
    for module, extra in kind.packages:
        if importlib.util.find_spec(module) is None:
            return f"needs the package {module}: pip install 'napari-relict[{extra}]'"
    if weights is not None:
        return READY if weights.is_file() else f"there is no file {weights}"
    if not kind.fetched:
        return "needs your weights"
    return READY if all(map(is_fetched, kind.fetched)) else "its weights are fetched when it is first used"
