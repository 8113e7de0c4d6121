"""Encoders: real loading code on small checkpoints of the real architectures."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import checkpoints
from napari_relict.encoders import EmbeddingCache, embed, open_encoder
from napari_relict.encoders.contract import Spacing
from napari_relict.encoders.embeddings import stored_layers
from napari_relict.encoders.medicalnet import NEEDS
from napari_relict.encoders.network import NetworkEncoder, Vectors
from napari_relict.encoders.registry import check_definition
from napari_relict.encoders.slices import SLICES
from napari_relict.errors import DataError, UsageError
from napari_relict.volumes import Grid, PreparedCohort
from napari_relict.volumes.cohort import CohortWriter, Row

MM = (2.0, 2.0, 2.0)


def _volume(seed: int, shape: tuple[int, int, int] = (24, 28, 26)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.fixture
def mobilenet(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "mobilenet.pth"
    checkpoints.mobilenet(path)
    return path


@pytest.fixture
def medicalnet(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "medicalnet.pth"
    checkpoints.medicalnet(path)
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
@pytest.mark.parametrize("kind", ["mobilenet_v2", "efficientnet_lite0"])
def test_imagenet_weights_fit_the_network_exactly(kind: str) -> None:
    encoder = open_encoder(kind, {})
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


def test_unknown_encoders_and_missing_options_are_wrong_usage() -> None:
    with pytest.raises(UsageError, match="no encoder"):
        open_encoder("nope", {})
    with pytest.raises(UsageError, match=r"set weights = 'FILE' under \[encoders.medicalnet\]"):
        open_encoder("medicalnet", {})


@pytest.mark.parametrize(
    ("name", "table", "said"),
    [
        ("a-b", {"kind": "medicalnet"}, "letters, digits and _"),
        ("mine", {}, "no known kind 'mine'; there are mobilenet_v2"),
        ("mine", {"kind": "nope"}, "no known kind 'nope'"),
        (
            "mine",
            {"kind": "medicalnet", "wieghts": "x"},
            "unknown key 'wieghts'; there are kind, title, weights, depth",
        ),
        ("mine", {"kind": "medicalnet", "ct_window": [0, 1]}, "unknown key 'ct_window'"),
        ("mine", {"kind": "medicalnet", "weights": 3}, "weights must be text"),
    ],
)
def test_wrong_definitions_are_refused(name: str, table: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_definition(name, table)


def test_definitions_have_titles_and_paths_from_a_folder(medicalnet: Path) -> None:
    assert check_definition("medicalnet", {})[1] == "MedicalNet"
    assert check_definition("mine", {"kind": "medicalnet"})[1] == "mine"
    assert check_definition("mine", {"kind": "medicalnet", "title": "My net"})[1] == "My net"
    table = {"kind": "medicalnet", "title": "My net", "weights": medicalnet.name}
    encoder = open_encoder("mine", table, folder=medicalnet.parent)
    assert (encoder.name, encoder.title) == ("mine", "My net")
    with pytest.raises(DataError, match="no such weights file"):
        open_encoder("mine", table)


def test_a_missing_package_is_said(medicalnet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"onnxruntime.*pip install 'napari-relict\[onnx\]'"):
        open_encoder("mine", {"kind": "onnx", "weights": str(medicalnet)})


class Counting(NetworkEncoder):
    def __init__(self, layers: tuple[str, ...] = ("all",)) -> None:
        super().__init__("counting", "Counting", "1", replace(NEEDS, layers=layers))
        self.calls = 0

    def run(self, image: np.ndarray, spacing: Spacing) -> Vectors:
        self.calls += 1
        vector = np.array([image[..., :4].mean(), image[..., 4:].mean()], np.float32)
        return vector, dict.fromkeys(self.needs.layers, vector[:1] * spacing[0])


@pytest.fixture
def cohort(tmp_path: Path) -> PreparedCohort:
    grid = Grid((8, 8, 8), (1.5, 1.0, 1.0))
    writer = CohortWriter(tmp_path / "training.zarr", grid, "key")
    for name in ("a", "b"):
        row = Row(-1, name, "", name, name, False, [], (0.0, 1.0), [], False, [], [8, 8, 8], [], "")
        writer.add(row, _volume(ord(name), (8, 8, 8)), None)
    return PreparedCohort(tmp_path / "training.zarr", "training", writer.rows, grid, "")


def test_embeddings_are_made_once_and_mirrored_ones_apart(cohort: PreparedCohort, tmp_path: Path) -> None:
    cache, encoder = EmbeddingCache(tmp_path / "e.sqlite"), Counting()
    first = embed(encoder, cohort, cohort.names, cache, "prep")
    again = embed(encoder, cohort, cohort.names, cache, "prep")
    assert encoder.calls == 2
    assert np.array_equal(first, again)
    mirrored = embed(encoder, cohort, cohort.names, cache, "prep", mirrored=True)
    np.testing.assert_allclose(mirrored, first[:, ::-1], rtol=1e-3)
    embed(encoder, cohort, cohort.names, cache, "other preparation")
    assert encoder.calls == 6


def test_layers_are_kept_with_the_vectors_and_cost_no_second_pass(cohort: PreparedCohort, tmp_path: Path) -> None:
    file = tmp_path / "e.sqlite"
    cache, encoder = EmbeddingCache(file), Counting(("low", "high"))
    first = embed(encoder, cohort, cohort.names, cache, "prep")
    assert encoder.calls == 2
    layers = stored_layers(file, "counting", ["b", "a"])
    assert list(layers) == ["low", "high"]
    np.testing.assert_allclose(layers["high"][:, 0], first[::-1, 0] * 1.5)  # the spacing along z arrived
    assert stored_layers(file, "counting", ["a", "c"]) == {}
    assert stored_layers(tmp_path / "none.sqlite", "counting", ["a"]) == {}
    embed(encoder, cohort, cohort.names, cache, "prep", mirrored=True)
    calls = encoder.calls
    embed(encoder, cohort, cohort.names, cache, "prep")
    assert encoder.calls == calls
    # A preparation that was begun and not finished does not count.
    cache.put("counting/low:1:new", "a", False, vector=np.zeros(1))
    cache.put("counting/high:1:new", "a", False, vector=np.zeros(1))
    np.testing.assert_array_equal(stored_layers(file, "counting", ["b", "a"])["high"], layers["high"])
    assert stored_layers(file, "counting", ["a"])["high"] == 0
    alone = Counting()
    embed(alone, cohort, cohort.names, EmbeddingCache(tmp_path / "one.sqlite"), "prep")
    assert stored_layers(tmp_path / "one.sqlite", "counting", ["a"]) == {}
