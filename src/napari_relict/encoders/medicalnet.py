"""MedicalNet 3D ResNets (Chen et al., arXiv 1904.00625) through MONAI, with weights from a local file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_relict.encoders.contract import Encoder, EncoderKind, Needs
from napari_relict.encoders.inputs import OPTIONS, Input, whole
from napari_relict.encoders.volumes3d import VolumeNetwork, maps_of
from napari_relict.encoders.weights import load_into, load_state_dict, sha256
from napari_relict.errors import UsageError

# depth -> MedicalNet's shortcut type (its published 10, 18 and 34 layer weights are type A but for ResNet-10)
SHORTCUTS = {10: "B", 18: "A", 34: "A", 50: "B", 101: "B", 152: "B", 200: "B"}
LAYERS = ("layer1", "layer2", "layer3", "layer4")
GIVEN = Input("standardised")
NEEDS = Needs(
    dimensions=3,
    channels=1,
    intensity="mean 0 and SD 1 within what is not background",
    layers=LAYERS,
    pooling="mean over all places",
    source="your file: a .pth of MedicalNet (github.com/Tencent/MedicalNet)",
    licence="permissive",
)


def open_medicalnet(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    """Open a MedicalNet ResNet of the depth that is asked for.

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
        There is no ResNet of that depth.
    DataError
        Weights that cannot be had or are the wrong ones.

    Notes
    -----
    Chen et al., arXiv 1904.00625.
    """
    from monai.networks import nets

    assert weights is not None
    depth = whole(name, options, "depth", 10)
    if depth not in SHORTCUTS:
        raise UsageError(f"MedicalNet has no {depth}-layer ResNet; choose one of {sorted(SHORTCUTS)}")
    expected = f"MedicalNet ResNet-{depth}"
    digest = sha256(weights)
    net = getattr(nets, f"resnet{depth}")(
        spatial_dims=3,
        n_input_channels=1,
        feed_forward=False,
        shortcut_type=SHORTCUTS[depth],
        bias_downsample=SHORTCUTS[depth] == "A",
    )
    state = load_state_dict(weights, expected)
    state = {key: value for key, value in state.items() if not key.startswith(("conv_seg", "fc."))}
    load_into(net, state, weights, expected)
    given = GIVEN.asked(name, options)
    return VolumeNetwork(name, expected, f"{digest}:{depth}", NEEDS, net, maps_of(LAYERS), given, device)


KIND = EncoderKind("medicalnet", "MedicalNet", NEEDS, ("depth", *OPTIONS), open_medicalnet)
