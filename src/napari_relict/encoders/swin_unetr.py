"""The encoder of SwinUNETR (Hatamizadeh et al., arXiv 2201.01266) through MONAI, with weights from a local file.

Two layouts are read: a whole SwinUNETR (the encoder under `swinViT.`), and the self-supervised encoder alone
(`model_swinvit.pt`). Width, channels and version are those of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_relict.encoders.contract import Encoder, EncoderKind, Needs
from napari_relict.encoders.inputs import OPTIONS, Input
from napari_relict.encoders.volumes3d import VolumeNetwork
from napari_relict.encoders.weights import load_into, load_state_dict, sha256, wrong_file

EXPECTED = "SwinUNETR"
DEPTHS, HEADS, WINDOW, PATCH = (2, 2, 2, 2), (3, 6, 12, 24), 7, 2
# Of pretraining, and of a whole SwinUNETR: not the encoder's.
HEADS_OF_PRETRAINING = ("rotation_head", "rotation_pre", "contrastive_head", "contrastive_pre", "convTrans3d", "conv.")
GIVEN = Input(divisor=PATCH * 2 ** len(DEPTHS))
NEEDS = Needs(
    dimensions=3,
    channels=1,
    intensity="0..1 as prepared; give the intensity or window your file was trained with",
    divisor=GIVEN.divisor,
    layers=("stage0", "stage1", "stage2", "stage3", "stage4"),
    pooling="mean over all places",
    source="your file: a SwinUNETR checkpoint of MONAI, or its model_swinvit.pt",
    licence="unstated",
)


def open_swin_unetr(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    """Open the encoder part of a SwinUNETR checkpoint.

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
    DataError
        Weights that cannot be had or are the wrong ones.

    Notes
    -----
    Hatamizadeh et al., arXiv 2201.01266.
    """
    from monai.networks.nets.swin_unetr import SwinTransformer
    from torch import nn

    assert weights is not None
    digest = sha256(weights)
    state = load_state_dict(weights, EXPECTED)
    if any(key.startswith("swinViT.") for key in state):
        state = {key.removeprefix("swinViT."): tensor for key, tensor in state.items() if key.startswith("swinViT.")}
    # The names of the self-supervised file, and the heads it was trained with.
    state = {key.replace(".mlp.fc", ".mlp.linear"): tensor for key, tensor in state.items()}
    state = {key: tensor for key, tensor in state.items() if not key.startswith((*HEADS_OF_PRETRAINING, "norm."))}
    patches = state.get("patch_embed.proj.weight")
    if patches is None or patches.ndim != 5 or patches.shape[0] % HEADS[0]:
        raise wrong_file(weights, EXPECTED, "it has no 3D patch embedding (swinViT.patch_embed.proj.weight)")
    net = SwinTransformer(
        in_chans=patches.shape[1],
        embed_dim=patches.shape[0],
        window_size=(WINDOW,) * 3,
        patch_size=(PATCH,) * 3,
        depths=DEPTHS,
        num_heads=HEADS,
        norm_layer=nn.LayerNorm,
        use_v2=any(key.startswith("layers1c.") for key in state),
        spatial_dims=3,
    )
    load_into(net, state, weights, EXPECTED)
    given = GIVEN.asked(name, options)
    return VolumeNetwork(
        name, KIND.title, digest, NEEDS, net, lambda swin, batch: swin(batch.contiguous()), given, device,
        channels=patches.shape[1],
    )  # fmt: skip


KIND = EncoderKind("swin_unetr", "SwinUNETR", NEEDS, OPTIONS, open_swin_unetr)
