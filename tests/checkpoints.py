"""Small checkpoints of every kind of encoder, written as their publishers write them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from monai.networks.nets import ResNet, SwinUNETR, resnet10
from monai.networks.nets.segresnet_ds import SegResEncoder, SegResNetDS
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from napari_relict.encoders import efficientnet_lite, mobilenet_v2
from napari_relict.encoders.sam_vit import sam_blocks

FEATURES = 3  # of the TorchScript and ONNX networks


def mobilenet(path: Path) -> None:
    state = {f"features.{key}": value for key, value in mobilenet_v2.mobilenet_features().state_dict().items()}
    torch.save(state | {"classifier.1.weight": torch.zeros(10, 1280), "classifier.1.bias": torch.zeros(10)}, path)


def efficientnet(path: Path) -> None:
    state = efficientnet_lite.network().state_dict()
    torch.save(dict(state) | {"_fc.weight": torch.zeros(10, 1280), "_fc.bias": torch.zeros(10)}, path)


def medicalnet(path: Path) -> None:
    net = resnet10(spatial_dims=3, n_input_channels=1, feed_forward=False, shortcut_type="B", bias_downsample=False)
    torch.save({"state_dict": {f"module.{key}": value for key, value in net.state_dict().items()}}, path)


def i3resnet(path: Path) -> None:
    net = ResNet(
        "bottleneck", [1, 2, 1, 1], [4, 4, 8, 8], n_input_channels=3, conv1_t_size=(3, 7, 7), conv1_t_stride=(1, 2, 2),
        feed_forward=False, bias_downsample=False,
    )  # fmt: skip
    state = {f"encode_image.i3_resnet.{key}": one.bfloat16() for key, one in net.state_dict().items() if one.ndim}
    torch.save({"meta": {"of": "a test"}, "state_dict": state | {"logit_scale": torch.zeros(1)}}, path)


def swin_unetr(path: Path) -> None:
    """A whole SwinUNETR, as MONAI's model zoo has it."""
    net = SwinUNETR(in_channels=1, out_channels=2, feature_size=12)
    torch.save({"state_dict": net.state_dict(), "epoch": 3}, path)


def swin_vit(path: Path) -> None:
    """The self-supervised encoder alone: other names in its blocks, and heads of its pretraining."""
    net = SwinUNETR(in_channels=1, out_channels=2, feature_size=12).swinViT
    state = {f"module.{key.replace('.mlp.linear', '.mlp.fc')}": one for key, one in net.state_dict().items()}
    heads = {"module.rotation_head.weight": torch.zeros(4, 8), "module.norm.weight": torch.zeros(96)}
    torch.save({"state_dict": state | heads, "optimizer": {"lr": 0.1}}, path)


def segres_encoder(path: Path) -> None:
    torch.save(SegResEncoder(init_filters=4, blocks_down=(1, 2, 1)).state_dict(), path)


def segresnet(path: Path) -> None:
    """A whole SegResNetDS, whose normalisation is by instance."""
    net = SegResNetDS(init_filters=8, blocks_down=(1, 1), norm="instance", out_channels=2, dsdepth=1)
    torch.save({"state_dict": net.state_dict()}, path)


def sam_vit(path: Path) -> None:
    net = sam_blocks(width=8, heads=2, hidden=12, patch=4, side=6, spans=[2, 6, 2, 6])
    for one in net.parameters():
        nn.init.normal_(one, std=0.3)
    state = {f"image_encoder.{key}": one for key, one in net.state_dict().items()}
    others = {"image_encoder.neck.0.weight": torch.zeros(2, 8, 1, 1), "mask_decoder.x": torch.zeros(2)}
    torch.save(state | others, path)


def timm_model(path: Path) -> None:
    torch.save({"stem.weight": torch.ones(4, 3, 3, 3), "stem.bias": torch.zeros(4), "head.weight": torch.ones(2)}, path)


def torchscript(path: Path) -> None:
    torch.jit.script(nn.Sequential(nn.Conv3d(1, FEATURES, 3), nn.ReLU())).save(str(path))


def onnx_file(path: Path) -> None:
    """A convolution of which two outputs are given: what it makes, and that pooled."""
    weight = np.random.default_rng(0).random((FEATURES, 1, 3, 3, 3), np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["volume", "weight"], ["maps"]),
            helper.make_node("GlobalAveragePool", ["maps"], ["pooled"]),
        ],
        "encoder",
        [helper.make_tensor_value_info("volume", TensorProto.FLOAT, [None, 1, None, None, None])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("maps", "pooled")],
        [numpy_helper.from_array(weight, "weight")],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


# kind -> (writes a checkpoint, options beside the weights)
CHECKPOINTS: Mapping[str, tuple[Callable[[Path], None], dict[str, Any]]] = {
    "mobilenet_v2": (mobilenet, {}),
    "efficientnet_lite0": (efficientnet, {}),
    "i3resnet": (i3resnet, {}),
    "medicalnet": (medicalnet, {}),
    "swin_unetr": (swin_unetr, {}),
    "segres_encoder": (segres_encoder, {"spacing": "grid"}),
    "sam_vit": (sam_vit, {"slices": 2}),
    "timm": (timm_model, {"model": "tiny", "slices": 2, "side": 16}),
    "torchscript": (torchscript, {}),
    "onnx": (onnx_file, {}),
}


def pretend_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    """timm needs a torchvision that was built for this very torch, which tests cannot ask for: this stands in."""

    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 4, 3)
            self.pretrained_cfg = {"classifier": "head", "mean": (0.5, 0.5, 0.5)}

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return self.stem(batch).mean((2, 3))

    def create_model(name: str, *, pretrained: bool, num_classes: int) -> nn.Module:
        assert not pretrained
        assert num_classes == 0
        return Tiny()

    timm = ModuleType("timm")
    timm.__dict__.update(list_models=lambda: ["tiny"], create_model=create_model, __spec__=SimpleNamespace(loader=None))
    monkeypatch.setitem(sys.modules, "timm", timm)
