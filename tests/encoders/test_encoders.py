"""Encoders: real loading code on small checkpoints of the real architectures."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.networks.nets import resnet10

from napari_relict.encoders import EmbeddingCache, embed, open_encoder
from napari_relict.encoders.contract import Spacing
from napari_relict.encoders.medicalnet import NEEDS
from napari_relict.encoders.mobilenet_v2 import SLICES, MobileNetV2Slices, mobilenet_features
from napari_relict.encoders.network import NetworkEncoder, Vectors
from napari_relict.errors import DataError, UsageError
from napari_relict.volumes import Grid, PreparedCohort
from napari_relict.volumes.cohort import CohortWriter, Row

MM = (2.0, 2.0, 2.0)


def _volume(seed: int, shape: tuple[int, int, int] = (24, 28, 26)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.fixture
def mobilenet(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    state = {f"features.{key}": value for key, value in mobilenet_features().state_dict().items()}
    state |= {"classifier.1.weight": torch.zeros(1000, 1280), "classifier.1.bias": torch.zeros(1000)}
    path = tmp_path / "mobilenet.pth"
    torch.save(state, path)
    return path


@pytest.fixture
def medicalnet(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    net = resnet10(spatial_dims=3, n_input_channels=1, feed_forward=False, shortcut_type="B", bias_downsample=False)
    path = tmp_path / "medicalnet.pth"
    torch.save({"state_dict": {f"module.{key}": value for key, value in net.state_dict().items()}}, path)
    return path


def test_mobilenet_keeps_slice_position(mobilenet: Path) -> None:
    encoder = open_encoder("mobilenet_v2", {"weights": str(mobilenet)})
    image = _volume(0)
    vector = encoder.encode(image, MM)
    assert vector.shape == (SLICES * 1280,)
    assert vector.dtype == np.float32
    upside_down = encoder.encode(image[::-1], MM)
    scale = np.abs(vector).max()  # tiny: the weights are random
    assert np.abs(vector - upside_down).max() > 0.05 * scale
    np.testing.assert_allclose(encoder.encode(image, MM), vector, atol=1e-4 * scale)


@pytest.mark.network
def test_imagenet_weights_fit_the_network_exactly() -> None:
    from napari_relict.fetching import MOBILENET_V2, fetch

    encoder = MobileNetV2Slices(weights=fetch(MOBILENET_V2))
    vector = encoder.encode(_volume(0), MM)
    assert np.isfinite(vector).all()
    assert vector.min() >= 0  # pooled ReLU6
    assert vector.max() <= 6


def test_medicalnet_loads_published_key_names(medicalnet: Path) -> None:
    encoder = open_encoder("medicalnet", {"weights": str(medicalnet), "depth": 10})
    one, other = encoder.encode(_volume(0), MM), encoder.encode(_volume(1), MM)
    assert one.shape == (512,)
    assert not np.allclose(one, other)
    # standardised inside: scale and offset of the intensities do not matter
    dim, bright = encoder.encode(_volume(0) * 0.5 + 0.2, MM), encoder.encode(_volume(0) * 0.7 + 0.1, MM)
    np.testing.assert_allclose(dim, bright, atol=1e-3)


@pytest.mark.parametrize("name", ["mobilenet_v2", "medicalnet"])
def test_wrong_files_are_refused_in_one_line(name: str, mobilenet: Path, medicalnet: Path, tmp_path: Path) -> None:
    other = medicalnet if name == "mobilenet_v2" else mobilenet
    garbage, evil, text = tmp_path / "garbage.pth", tmp_path / "evil.pth", tmp_path / "list.pth"
    garbage.write_bytes(b"x" * 100)
    evil.write_bytes(pickle.dumps(Evil()))
    torch.save([1, 2, 3], text)
    for path in (other, garbage, evil, text, tmp_path / "missing.pth"):
        with pytest.raises(DataError) as caught:
            open_encoder(name, {"weights": str(path)})
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "owned").exists()


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("owned"),))


def test_unknown_encoders_and_missing_options_are_wrong_usage() -> None:
    with pytest.raises(UsageError, match="no encoder"):
        open_encoder("nope", {})
    with pytest.raises(UsageError, match="weights"):
        open_encoder("medicalnet", {})


class Counting(NetworkEncoder):
    def __init__(self, layers: tuple[str, ...] = ("all",)) -> None:
        super().__init__("counting", "Counting", "1", replace(NEEDS, layers=layers))
        self.calls = 0

    def run(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        self.calls += 1
        vector = np.array([image[..., :4].mean(), image[..., 4:].mean()], np.float32)
        return vector, dict.fromkeys(self.needs.layers, vector[:1] * spacing[0])


def test_embeddings_are_made_once_and_mirrored_ones_apart(tmp_path: Path) -> None:
    grid = Grid((8, 8, 8), (1.0, 1.0, 1.0))
    writer = CohortWriter(tmp_path / "training.zarr", grid, "key")
    for name in ("a", "b"):
        row = Row(-1, name, "", name, name, False, [], (0.0, 1.0), [], False, [], [8, 8, 8], [], "")
        writer.add(row, _volume(ord(name), (8, 8, 8)), None)
    cohort = PreparedCohort(tmp_path / "training.zarr", "training", writer.rows, grid, "")
    cache, encoder = EmbeddingCache(tmp_path / "e.sqlite"), Counting()
    first = embed(encoder, cohort, cohort.names, cache, "prep")
    again = embed(encoder, cohort, cohort.names, cache, "prep")
    assert encoder.calls == 2
    assert np.array_equal(first, again)
    mirrored = embed(encoder, cohort, cohort.names, cache, "prep", mirrored=True)
    np.testing.assert_allclose(mirrored, first[:, ::-1], rtol=1e-3)
    embed(encoder, cohort, cohort.names, cache, "other preparation")
    assert encoder.calls == 6
