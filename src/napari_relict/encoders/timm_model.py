"""Slice-wise 2D networks of timm, with weights from a local file: nothing is fetched from a hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_relict.encoders.contract import Encoder, EncoderKind
from napari_relict.encoders.inputs import whole
from napari_relict.encoders.slice_networks import SLICE_NEEDS, SliceNetwork
from napari_relict.encoders.slices import MEAN, SIDE, SLICES, SMOOTHING, STD
from napari_relict.encoders.weights import load_into, load_state_dict, sha256
from napari_relict.errors import DataError, UsageError

NEEDS = replace(
    SLICE_NEEDS,
    intensity=f"0..1, smoothed by {SMOOTHING:g} voxel; less the model's mean, by its SD",
    pooling=f"the model's own, of each of {SLICES} axial slices, kept in order",
    source="your file: a checkpoint of timm for the model that is named",
    licence="unstated",
)


def open_timm(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    """Open a model of timm by its name, without its classifier.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    weights : pathlib.Path or None
        The file of weights; None where they are fetched.
    options : mapping of str to object
        Of `[encoders.NAME]` in study.toml.
    device : str
        "cpu" or "cuda".

    Returns
    -------
    Encoder
        The encoder.

    Raises
    ------
    UsageError
        No model is named, or timm has none of that name.
    DataError
        Timm cannot be loaded, or weights are the wrong ones.
    """
    assert weights is not None
    model = options.get("model")
    if not isinstance(model, str):
        raise UsageError(f"[encoders.{name}] needs the name of a timm model: set model = 'resnet18', say")
    digest = sha256(weights)
    try:
        import timm
    except (ImportError, RuntimeError) as error:  # torchvision, which it needs, only loads beside its own torch
        wrong, remedy = f"timm cannot be loaded ({error})", "install the torchvision that belongs to this torch"
        raise DataError(f"[encoders.{name}]", wrong, remedy) from error
    if model not in timm.list_models():
        raise UsageError(f"[encoders.{name}]: timm has no model '{model}'; see timm.list_models()")
    expected = f"timm's {model}"
    state = load_state_dict(weights, expected)
    net = timm.create_model(model, pretrained=False, num_classes=0)
    classifier = net.pretrained_cfg.get("classifier") or ()
    heads = tuple(f"{head}." for head in ([classifier] if isinstance(classifier, str) else classifier))
    load_into(net, {key: tensor for key, tensor in state.items() if not key.startswith(heads)}, weights, expected)
    mean, std = (tuple(net.pretrained_cfg.get(key, default)) for key, default in (("mean", MEAN), ("std", STD)))
    return SliceNetwork(
        name, f"{model} slices", f"{digest}:{model}", NEEDS, net, lambda whole_net, batch: whole_net(batch), device,
        slices=whole(name, options, "slices", SLICES), side=whole(name, options, "side", SIDE), mean=mean, std=std,
    )  # fmt: skip


KIND = EncoderKind("timm", "timm model", NEEDS, ("model", "slices", "side"), open_timm, packages=(("timm", "timm"),))
