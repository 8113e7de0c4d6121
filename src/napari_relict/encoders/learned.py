"""Encoders trained here, opened from their file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Needs, Spacing
from napari_relict.encoders.network import NetworkEncoder, Vectors, vector_of
from napari_relict.encoders.slice_net import chosen_slices, slice_net
from napari_relict.encoders.slices import SLICES
from napari_relict.encoders.trained import read_trained
from napari_relict.encoders.volume_net import STAGES, volume_net
from napari_relict.encoders.weights import load_into, sha256, wrong_file


class LearnedEncoder(NetworkEncoder):
    """What all of them share: a file that says which volumes it was trained on and on what grid."""

    centred = False

    def __init__(self, name: str, title: str, kind: str, file: Path, needs: Needs, build: Any, device: str) -> None:
        import torch

        super().__init__(name, title, f"{sha256(file)}:{SLICES}", needs)
        self._trained, self._device = read_trained(file, kind), torch.device(device)
        self.trained_on = self._trained.trained_on
        expected = f"a network that `napari-relict train {kind}` trained"
        try:
            net = build(self._trained.architecture)
        except (KeyError, TypeError, ValueError) as error:
            raise wrong_file(file, expected) from error
        load_into(net, self._trained.state, file, expected)
        self._net = net.eval().to(self._device)


class LearnedVolumes(LearnedEncoder):
    """One of our 3D networks on the whole volume. Vectors have length 1; with `pearson` their mean is taken away
    first, so that the cosine is Pearson's correlation."""

    def __init__(
        self, name: str, title: str, kind: str, file: Path, needs: Needs, device: str, *, pearson: bool = False
    ) -> None:
        super().__init__(name, title, kind, file, needs, volume_net, device)
        self._pearson = pearson

    def run(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        import torch

        seen = torch.from_numpy(self._trained.grid.seen(image, spacing))[None, None].to(self._device)
        with torch.inference_mode():
            stages = self._net.stages(self._net.posed(seen))
            vector = vector_of(self._net.of_stages(stages))
        if self._pearson:
            vector = vector - vector.mean()
        return unit(vector), {layer: vector_of(one) for layer, one in zip(STAGES, stages, strict=True)}


class LearnedSlices(LearnedEncoder):
    """Our 2D network on axial slices; the cosine of two volumes is the mean cosine of their slices."""

    def __init__(self, name: str, title: str, kind: str, file: Path, needs: Needs, device: str) -> None:
        super().__init__(name, title, kind, file, needs, slice_net, device)

    def run(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        import torch

        seen = self._trained.grid.seen(image, spacing)
        with torch.inference_mode():
            stages = self._net.maps(torch.from_numpy(seen[chosen_slices(len(seen), SLICES)]).to(self._device))
            rows = torch.nn.functional.normalize(self._net.of_maps(stages), dim=1) / SLICES**0.5
        layers = {layer: vector_of(one.mean((0, 2, 3))) for layer, one in zip(STAGES, stages, strict=True)}
        return vector_of(rows), layers


def unit(vector: np.ndarray) -> np.ndarray:
    """Of length 1; nothing where it vanishes. float32."""
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length > 0 else vector, np.float32)
