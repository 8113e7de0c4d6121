"""Every kind of encoder on a small checkpoint of its own architecture, and on files that are something else."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import checkpoints
from checkpoints import CHECKPOINTS, FEATURES
from napari_relict.encoders import KINDS, Encoder, open_encoder
from napari_relict.encoders.i3resnet import turned
from napari_relict.encoders.inputs import Input, padded, resampled
from napari_relict.encoders.mobilenet_v2 import mobilenet_features
from napari_relict.errors import DataError, UsageError

MM = (2.0, 2.0, 2.0)
HU = (-1000.0, 1000.0)


@pytest.fixture(autouse=True)
def _timm(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.pretend_timm(monkeypatch)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One checkpoint a kind."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    made = {kind: folder / f"{kind}.pth" for kind in CHECKPOINTS}
    for kind, (write, _) in CHECKPOINTS.items():
        write(made[kind])
    return made


def opened(kind: str, path: Path, **more: Any) -> Encoder:
    return open_encoder("mine", {"kind": kind, "weights": str(path), **CHECKPOINTS[kind][1], **more}, ct_window=HU)


def volume(seed: int = 0, shape: tuple[int, int, int] = (20, 24, 22)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, np.float32)


def test_there_is_a_checkpoint_of_every_kind_that_is_not_trained_here() -> None:
    assert set(CHECKPOINTS) <= set(KINDS)


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_a_checkpoint_gives_vectors_of_its_layers(kind: str, files: dict[str, Path]) -> None:
    encoder = opened(kind, files[kind])
    assert encoder.name == "mine"
    assert not encoder.trained_on
    one, other = (encoder.encode(volume(seed), MM) for seed in (0, 1))
    assert one.dtype == np.float32
    assert one.ndim == 1
    assert np.isfinite(one).all()
    assert not np.array_equal(one, other)
    layers = encoder.encode_layers(volume(0), MM)
    assert tuple(layers) == encoder.needs.layers
    np.testing.assert_array_equal(layers[encoder.needs.layers[-1]], one)
    again = opened(kind, files[kind])
    assert again.weights == encoder.weights
    np.testing.assert_allclose(again.encode(volume(0), MM), one, rtol=1e-4, atol=1e-5)


def wrong_files(files: dict[str, Path], kind: str, folder: Path) -> dict[str, Path]:
    whole = files[kind].read_bytes()
    contents = {
        "code": pickle.dumps(Evil()),
        "text": b"these are not weights\n" * 20,
        "empty": b"",
        "truncated": whole[: len(whole) // 2],
        "list": None,
        "other": None,
    }
    made = {name: folder / f"{name}.pth" for name in contents}
    for name, content in contents.items():
        if content is not None:
            made[name].write_bytes(content)
    torch.save([1, 2, 3], made["list"])
    torch.save({"net.weight": torch.zeros(2), "net.bias": torch.zeros(2)}, made["other"])
    return made | {"missing": folder / "missing.pth"}


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("owned"),))


@pytest.mark.parametrize("kind", CHECKPOINTS)
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_other_files_are_refused_in_one_line(
    kind: str, files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in wrong_files(files, kind, tmp_path).values():
        with pytest.raises(DataError) as caught:
            opened(kind, path)
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "owned").exists()


def test_what_is_wrong_with_parameters_is_said(files: dict[str, Path], tmp_path: Path) -> None:
    state = mobilenet_features().state_dict()
    state = {f"features.{key}": one for key, one in state.items()}
    del state["features.0.0.weight"]
    state |= {"features.0.1.weight": torch.zeros(5), "extra": torch.zeros(1), "more": torch.zeros(1)}
    torch.save(state, tmp_path / "changed.pth")
    with pytest.raises(DataError) as caught:
        opened("mobilenet_v2", tmp_path / "changed.pth")
    for words in (
        "torchvision's MobileNetV2",
        "1 parameter missing (features.0.0.weight)",
        "2 parameters unexpected (extra, ...)",
        "1 of another shape (features.0.1.weight is (5,), not (32,))",
    ):
        assert words in str(caught.value)


def test_checkpoints_of_other_layouts(files: dict[str, Path], tmp_path: Path) -> None:
    """The encoder alone and the whole network hold the same encoder."""
    whole = opened("swin_unetr", files["swin_unetr"])
    state = torch.load(files["swin_unetr"], weights_only=True)["state_dict"]
    alone = {
        f"module.{key.removeprefix('swinViT.').replace('.mlp.linear', '.mlp.fc')}": one
        for key, one in state.items()
        if key.startswith("swinViT.")
    }
    torch.save({"state_dict": alone | {"module.rotation_head.weight": torch.zeros(4)}}, tmp_path / "model_swinvit.pt")
    again = opened("swin_unetr", tmp_path / "model_swinvit.pt")
    np.testing.assert_allclose(again.encode(volume(), MM), whole.encode(volume(), MM), rtol=1e-4, atol=1e-5)
    checkpoints.swin_vit(tmp_path / "ssl.pt")
    assert opened("swin_unetr", tmp_path / "ssl.pt").encode(volume(), MM).shape == (12 * 2**4,)
    checkpoints.segresnet(tmp_path / "segresnet.pt")
    segres = opened("segres_encoder", tmp_path / "segresnet.pt")
    assert segres.needs.layers == ("level1", "level2")
    assert segres.needs.divisor == 2
    assert segres.encode(volume(), MM).shape == (16,)


def test_ct_encoders_get_hounsfield_units(files: dict[str, Path]) -> None:
    encoder = opened("segres_encoder", files["segres_encoder"], window=[-500, 500])
    assert "-500 to 500" in encoder.needs.intensity
    image = volume()
    inside = np.clip(image * 2 - 0.5, 0, 1)  # of 0..1 for -1000..1000 HU, what -500..500 becomes
    raw = opened("segres_encoder", files["segres_encoder"], intensity="unit")
    np.testing.assert_allclose(encoder.encode(image, MM), raw.encode(inside, MM), rtol=1e-4, atol=1e-6)
    options = {"kind": "segres_encoder", "weights": str(files["segres_encoder"])}
    with pytest.raises(UsageError, match="needs Hounsfield units"):
        open_encoder("mine", options, ct_window=None)
    assert open_encoder("mine", {**options, "intensity": "standardised", "spacing": "grid"}).encode(image, MM).any()


def test_volumes_are_resampled_padded_and_turned() -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 32, dtype=np.float32), (8, 8, 32))
    coarse = resampled(ramp, (1.0, 1.0, 1.0), (1.0, 2.0, 4.0))
    assert coarse.shape == (8, 4, 8)
    np.testing.assert_allclose(coarse[0, 0], (np.arange(8) * 4 + 1.5) / 31, atol=0.02)
    assert padded(ramp, 12).shape == (12, 12, 36)
    assert padded(ramp, 12)[2:10, 2:10, 2:34].tolist() == ramp.tolist()
    given = Input(spacing=(1.0, 1.0, 2.0), divisor=16)
    assert given(ramp, (1.0, 1.0, 1.0)).shape == (16, 16, 16)
    lps = np.arange(24).reshape(2, 3, 4)  # z, y to posterior, x to the left
    assert turned(lps).shape == (2, 4, 3)
    assert turned(lps)[1, 0, 0] == lps[1, -1, -1]  # the most left and posterior one comes first


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("medicalnet", {"depth": 11}, "no 11-layer ResNet"),
        ("medicalnet", {"depth": "10"}, "depth must be a whole number"),
        ("swin_unetr", {"spacing": [1, 2]}, "list of 3 numbers"),
        ("swin_unetr", {"spacing": [1, 0, 1]}, "above 0 mm"),
        ("swin_unetr", {"window": [5, 5]}, "two HU"),
        ("swin_unetr", {"intensity": "loud"}, "must be one of unit, standardised, hu"),
        ("swin_unetr", {"intensity": "hu"}, "needs a window"),
        ("timm", {"model": "nope"}, "timm has no model 'nope'"),
        ("timm", {"model": 3}, "needs the name of a timm model"),
        ("torchscript", {"dimensions": 4}, "2 or 3"),
        ("torchscript", {"layers": "last"}, "a list of names"),
        ("torchscript", {"centred": 1}, "true or false"),
        ("torchscript", {"depth": 3}, "unknown key 'depth'"),
    ],
)
def test_wrong_options_are_refused(kind: str, options: dict[str, Any], said: str, files: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=said):
        opened(kind, files[kind], **options)


def test_networks_of_the_user(files: dict[str, Path], tmp_path: Path) -> None:
    image = volume()
    net = torch.jit.load(str(files["torchscript"]))
    with torch.inference_mode():
        due = net(torch.from_numpy(image)[None, None]).mean((2, 3, 4)).numpy()[0]
    np.testing.assert_allclose(opened("torchscript", files["torchscript"]).encode(image, MM), due, rtol=1e-5)
    assert not opened("torchscript", files["torchscript"], centred=False).centred
    flat = torch.jit.script(torch.nn.Sequential(torch.nn.Conv2d(3, FEATURES, 3), torch.nn.ReLU()))
    flat.save(str(tmp_path / "flat.pt"))
    slices = opened("torchscript", tmp_path / "flat.pt", dimensions=2, slices=4, side=16)
    assert slices.encode(image, MM).shape == (4 * FEATURES,)
    assert opened("torchscript", files["torchscript"], shape=[8, 9, 10]).encode(image, MM).shape == (FEATURES,)
    two = opened("onnx", files["onnx"])
    assert two.needs.layers == ("maps", "pooled")
    layers = two.encode_layers(image, MM)
    np.testing.assert_allclose(layers["maps"], layers["pooled"], rtol=1e-4)


def test_a_network_that_does_not_fit_its_description_is_said(files: dict[str, Path]) -> None:
    with pytest.raises(DataError, match=r"encoders\.mine.*fails on an input of 20x3x128x128"):
        opened("torchscript", files["torchscript"], dimensions=2).encode(volume(), MM)
    with pytest.raises(DataError, match=r"gives 1 outputs .* where 2 are described"):
        opened("torchscript", files["torchscript"], layers=["a", "b"]).encode(volume(), MM)


def test_safetensors_files(files: dict[str, Path], tmp_path: Path) -> None:
    safe = pytest.importorskip("safetensors.torch")
    state = torch.load(files["segres_encoder"], weights_only=True)
    safe.save_file(state, tmp_path / "model.safetensors")
    one, other = (opened("segres_encoder", path) for path in (files["segres_encoder"], tmp_path / "model.safetensors"))
    np.testing.assert_array_equal(one.encode(volume(), MM), other.encode(volume(), MM))
    (tmp_path / "model.safetensors").write_bytes(b"{" * 50)
    with pytest.raises(DataError, match=r"model\.safetensors: does not hold the weights of a SegResEncoder"):
        opened("segres_encoder", tmp_path / "model.safetensors")
