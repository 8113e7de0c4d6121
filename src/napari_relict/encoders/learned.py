"""Encoders trained here, opened from their file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.encoders.trained import Trained, read_trained, standardised
from napari_relict.encoders.weights import sha256, wrong_file

class LearnedVolumes:
    """Encoder: one of our 3D networks, on the whole volume at the spacing it was trained at.

    Its vectors have unit length; with `pearson` their mean is taken away first, so that cosine is Pearson correlation.
    """

    centred = False

    def __init__(self, name: str, kind: str, title: str, file: Path, device: str, *, pearson: bool) -> None:
        import torch

        from napari_relict.encoders.volume_net import volume_net

        digest = sha256(file)
        self.name, self.title = name, title
        self._trained, self._pearson, self._device = read_trained(file, kind), pearson, torch.device(device)
        self.trained_on = self._trained.trained_on
        self.weights = digest
        self._net = with_state(volume_net, self._trained, file).eval().to(self._device)

    def encode(self, image: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
        import torch

        with torch.inference_mode():
            vector = self._net(self._seen(image, spacing))[0].cpu().numpy()
        return unit(vector - vector.mean() if self._pearson else vector)

    def encode_layers(self, image: np.ndarray, spacing: tuple[float, float, float]) -> dict[str, np.ndarray]:
        import torch

        from napari_relict.encoders.volume_net import STAGES

        with torch.inference_mode():
            stages = self._net.stages(self._seen(image, spacing))
        return {name: np.asarray(one[0].cpu().numpy(), np.float32) for name, one in zip(STAGES, stages, strict=True)}

    def _seen(self, image: np.ndarray, spacing: Sequence[float]) -> Any:
        import torch

        return torch.from_numpy(standardised(self._trained.grid.seen(image, spacing)))[None, None].to(self._device)


def with_state(build: Any, trained: Trained, file: Path) -> Any:
    """The network with the parameters of its file.

    Raises
    ------
    DataError : they are not this network's.
    """
    try:
        net = build(trained.architecture)
        net.load_state_dict(trained.state, strict=True)
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise wrong_file(file, f"the network that {trained.kind} asks for") from error
    return net


def unit(vector: np.ndarray) -> np.ndarray:
    """Of length 1; nothing where it vanishes. float32."""
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length > 0 else vector, np.float32)


SLICES = 20


class LearnedSlices:
    """Encoder: our 2D network on `SLICES` axial slices; the cosine of two volumes is the mean cosine of their slices."""

    centred = False

    def __init__(self, name: str, kind: str, title: str, file: Path, device: str) -> None:
        import torch

        from napari_relict.encoders.slice_net import slice_net

        digest = sha256(file)
        self.name, self.title = name, title
        self._trained, self._device = read_trained(file, kind), torch.device(device)
        self.trained_on = self._trained.trained_on
        self.weights = f"{digest}:{SLICES}"
        self._net = with_state(slice_net, self._trained, file).eval().to(self._device)

    def encode(self, image: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
        import torch

        with torch.inference_mode():
            rows = self._net(self._seen(image, spacing))
            rows = torch.nn.functional.normalize(rows, dim=1) / SLICES**0.5
        return np.asarray(rows.flatten().cpu().numpy(), np.float32)

    def encode_layers(self, image: np.ndarray, spacing: tuple[float, float, float]) -> dict[str, np.ndarray]:
        import torch

        from napari_relict.encoders.volume_net import STAGES

        with torch.inference_mode():
            stages = self._net.stages(self._seen(image, spacing))
        return {
            name: np.asarray(one.mean(0).cpu().numpy(), np.float32) for name, one in zip(STAGES, stages, strict=True)
        }

    def _seen(self, image: np.ndarray, spacing: Sequence[float]) -> Any:
        import torch

        from napari_relict.encoders.slice_net import chosen_slices

        seen = self._trained.grid.seen(image, spacing)
        return torch.from_numpy(seen[chosen_slices(len(seen), SLICES)]).to(self._device)
