"""MedicalNet 3D ResNets (Chen et al., arXiv 1904.00625) through MONAI, with weights from a local file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Encoder, EncoderKind, Needs, Spacing
from napari_relict.encoders.inputs import standardised
from napari_relict.encoders.network import NetworkEncoder, Vectors, outputs_of, vector_of
from napari_relict.encoders.weights import load_into, load_state_dict, sha256
from napari_relict.errors import UsageError

# depth -> MedicalNet's shortcut type (its published 10, 18 and 34 layer weights are type A but for ResNet-10)
SHORTCUTS = {10: "B", 18: "A", 34: "A", 50: "B", 101: "B", 152: "B", 200: "B"}
NEEDS = Needs(
    dimensions=3,
    channels=1,
    intensity="mean 0 and SD 1 within what is not background",
    orientation="LPS",
    spacing=None,
    divisor=1,
    layers=("layer1", "layer2", "layer3", "layer4"),
    pooling="mean over all places",
    source="your file: a .pth of MedicalNet (github.com/Tencent/MedicalNet)",
    sha256=None,
    licence="permissive",
)


class MedicalNet(NetworkEncoder):
    """Encoder: a MedicalNet ResNet, globally pooled, on the volume standardised within its tissue."""

    def __init__(self, name: str, weights: Path, depth: int = 10, device: str = "cpu") -> None:
        import torch
        from monai.networks import nets

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
        super().__init__(name, expected, f"{digest}:{depth}", NEEDS)
        self._device = torch.device(device)
        self._net = net.eval().to(self._device)

    def run(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        import torch

        with torch.inference_mode(), outputs_of(self._net, NEEDS.layers) as layers:
            vector = self._net(torch.from_numpy(standardised(image))[None, None].to(self._device))
        return vector_of(vector), {name: vector_of(layers[name].mean((2, 3, 4))) for name in NEEDS.layers}


def _open(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    assert weights is not None
    return MedicalNet(name, weights, int(options.get("depth", 10)), device)


KIND = EncoderKind("medicalnet", "MedicalNet", NEEDS, ("depth",), _open)
