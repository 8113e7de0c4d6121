"""Encoders trained here, opened from their file.

DeepSSIM: embeddings whose cosine foretells the SSIM of a pair, however it lies; in 3D and on slices. Contrastive copy
detection (after Dar et al.): similarity is the Pearson correlation of embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Encoder, EncoderKind, Needs, Spacing
from napari_relict.encoders.network import NetworkEncoder, Vectors, vector_of
from napari_relict.encoders.slice_net import slice_net
from napari_relict.encoders.slices import IMAGENET, SLICES, chosen_slices
from napari_relict.encoders.trained import DIVISOR, read_trained
from napari_relict.encoders.volume_net import STAGES, volume_net
from napari_relict.encoders.weights import load_into, sha256, wrong_file

NEEDS = Needs(
    dimensions=3,
    channels=1,
    intensity="0..1; made to be compared inside the network",
    divisor=DIVISOR,
    layers=STAGES,
    pooling="generalised mean of cells of four stages, once the pose is undone",
    source="napari-relict train deepssim STUDY",
    licence="your own",
)
NEEDS_2D = replace(
    NEEDS,
    dimensions=2,
    channels=3,
    intensity=f"0..1; {IMAGENET}",
    pooling=f"as its head has it, over each of {SLICES} axial slices",
    source="napari-relict train deepssim_2d STUDY",
)
NEEDS_CONTRASTIVE = replace(NEEDS, source="napari-relict train contrastive STUDY")


class LearnedEncoder(NetworkEncoder):
    """What all of them share: a file that says which volumes it was trained on and on what grid.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    title : str
        As people read it.
    kind : str
        Of the encoder.
    file : pathlib.Path
        That `napari-relict train` wrote.
    needs : Needs
        What it takes, in words and numbers.
    build : callable
        (architecture) -> torch module.
    device : str
        "cpu" or "cuda".

    Raises
    ------
    DataError
        The file is missing, damaged or of another kind.
    """

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
    """One of our 3D networks on the whole volume; vectors have length 1.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    title : str
        As people read it.
    kind : str
        Of the encoder.
    file : pathlib.Path
        That `napari-relict train` wrote.
    needs : Needs
        What it takes, in words and numbers.
    device : str
        "cpu" or "cuda".
    pearson : bool, default: False
        The mean of a vector is taken away first, so that the cosine is Pearson's correlation.
    """

    def __init__(
        self, name: str, title: str, kind: str, file: Path, needs: Needs, device: str, *, pearson: bool = False
    ) -> None:
        super().__init__(name, title, kind, file, needs, volume_net, device)
        self._pearson = pearson

    def run(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        """Encode a volume, and the four stages before it.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            A prepared volume, 0 to 1.
        spacing : Spacing
            mm along z, y, x.

        Returns
        -------
        Vectors
            The vector, and one a stage.
        """
        import torch

        seen = torch.from_numpy(self._trained.grid.seen(image, spacing))[None, None].to(self._device)
        with torch.inference_mode():
            stages = self._net.stages(self._net.posed(seen))
            vector = vector_of(self._net.of_stages(stages))
        if self._pearson:
            vector = vector - vector.mean()
        return unit(vector), {layer: vector_of(stage) for layer, stage in zip(STAGES, stages, strict=True)}


class LearnedSlices(LearnedEncoder):
    """Our 2D network on axial slices; the cosine of two volumes is the mean cosine of their slices.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    title : str
        As people read it.
    kind : str
        Of the encoder.
    file : pathlib.Path
        That `napari-relict train` wrote.
    needs : Needs
        What it takes, in words and numbers.
    device : str
        "cpu" or "cuda".
    """

    def __init__(self, name: str, title: str, kind: str, file: Path, needs: Needs, device: str) -> None:
        super().__init__(name, title, kind, file, needs, slice_net, device)

    def run(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        """Encode axial slices, and the four stages before them.

        Parameters
        ----------
        image : numpy.ndarray of float32, shape (z, y, x)
            A prepared volume, 0 to 1.
        spacing : Spacing
            mm along z, y, x.

        Returns
        -------
        Vectors
            The vector, and one a stage.
        """
        import torch

        seen = self._trained.grid.seen(image, spacing)
        with torch.inference_mode():
            stages = self._net.maps(torch.from_numpy(seen[chosen_slices(len(seen), SLICES)]).to(self._device))
            rows = torch.nn.functional.normalize(self._net.of_maps(stages), dim=1) / SLICES**0.5
        layers = {layer: vector_of(stage.mean((0, 2, 3))) for layer, stage in zip(STAGES, stages, strict=True)}
        return vector_of(rows), layers


def unit(vector: np.ndarray) -> np.ndarray:
    """Bring a vector to length 1.

    Parameters
    ----------
    vector : numpy.ndarray of shape (features,)
        Of any length.

    Returns
    -------
    numpy.ndarray of float32, shape (features,)
        Nothing is done where it vanishes.
    """
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length > 0 else vector, np.float32)


def _open_deepssim(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    assert weights is not None  # the registry sees to it
    return LearnedVolumes(name, DEEPSSIM.title, DEEPSSIM.name, weights, NEEDS, device)


def _open_deepssim_2d(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    assert weights is not None
    return LearnedSlices(name, DEEPSSIM_2D.title, DEEPSSIM_2D.name, weights, NEEDS_2D, device)


def _open_contrastive(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    assert weights is not None
    return LearnedVolumes(name, CONTRASTIVE.title, CONTRASTIVE.name, weights, NEEDS_CONTRASTIVE, device, pearson=True)


DEEPSSIM = EncoderKind("deepssim", "DeepSSIM 3D", NEEDS, (), _open_deepssim)
DEEPSSIM_2D = EncoderKind("deepssim_2d", "DeepSSIM slices", NEEDS_2D, (), _open_deepssim_2d)
CONTRASTIVE = EncoderKind("contrastive", "Contrastive", NEEDS_CONTRASTIVE, (), _open_contrastive)
