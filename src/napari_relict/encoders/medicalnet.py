"""MedicalNet 3D ResNets (Chen et al., arXiv 1904.00625) through MONAI, with weights from a local file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_relict.encoders.weights import load_state_dict, sha256, wrong_file
from napari_relict.errors import UsageError

# depth -> MedicalNet's shortcut type (its published 10, 18 and 34 layer weights are type A but for ResNet-10)
SHORTCUTS = {10: "B", 18: "A", 34: "A", 50: "B", 101: "B", 152: "B", 200: "B"}


class MedicalNet:
    """Encoder: a MedicalNet ResNet, globally pooled, on the volume standardised within its tissue."""

    name = "medicalnet"
    title = "MedicalNet"

    def __init__(self, weights: Path, depth: int = 10, device: str = "cpu") -> None:
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
        state = {key.removeprefix("module."): value for key, value in state.items()}
        state = {key: value for key, value in state.items() if not key.startswith(("conv_seg", "fc."))}
        try:
            net.load_state_dict(state, strict=True)
        except RuntimeError as error:
            raise wrong_file(weights, expected) from error
        self.title = f"MedicalNet ResNet-{depth}"
        self.weights = f"{digest}:{depth}"
        self._device = torch.device(device)
        self._net = net.eval().to(self._device)

    def encode(self, image: np.ndarray) -> np.ndarray:
        import torch

        tissue = image[image > 0.02]
        mean, std = (float(tissue.mean()), float(tissue.std())) if tissue.size > 1 else (0.0, 1.0)
        standardised = (np.ascontiguousarray(image) - mean) / max(std, 1e-3)
        with torch.inference_mode():
            batch = torch.from_numpy(standardised.astype(np.float32))[None, None].to(self._device)
            return np.asarray(self._net(batch).flatten().cpu().numpy(), np.float32)
