"""A MONAI bundle of the user: a folder with `configs/inference.json` (or .yaml) and `models/model.pt`.

A bundle's configuration can run any code of whoever made it; its weights are loaded as plain tensors. Reading and
writing of files is left out of its transforms: volumes are read as everywhere else here.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from napari_relict.errors import DataError
from napari_relict.segmenters.contract import SegmenterKind, Segmenting
from napari_relict.volumes.intensity import Modality

CONFIGS = ("configs/inference.json", "configs/inference.yaml", "configs/inference.yml")
WEIGHTS = "models/model.pt"
READING, WRITING = ("LoadImaged", "LoadImage"), ("SaveImaged", "SaveImage")
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # world coordinates of ITK (LPS) in those of NIfTI and MONAI, and back


def _open(folder: Path | None, device: str) -> Segmenting:
    assert folder is not None
    config = next((folder / name for name in CONFIGS if (folder / name).is_file()), None)
    if config is None or not (folder / WEIGHTS).is_file():
        lacking = CONFIGS[0] if config is None else WEIGHTS
        raise DataError(folder, f"is not a MONAI bundle (no {lacking} in it)", "give the folder of an unpacked bundle")
    if importlib.util.find_spec("nibabel") is None:  # MONAI turns and resamples volumes by its help
        raise DataError(folder, "needs the package nibabel", "run: pip install 'napari-relict[bundle]'")
    try:
        parts = _parsed(folder, config, device)
    except Exception as error:  # whatever the code of a bundle raises
        raise DataError(config, f"cannot be used ({_line(error)})", "check the bundle, or update MONAI") from error

    def segment(image: sitk.Image, modality: Modality) -> sitk.Image:
        try:
            return _segmented(image, parts, device)
        except Exception as error:
            wrong = f"fails on this volume ({_line(error)})"
            raise DataError(folder, wrong, "see what kind of volume the bundle is made for") from error

    return segment


@dataclass(frozen=True)
class Parts:
    """What a bundle is made of, and how a volume is given to it.

    Attributes
    ----------
    network : torch.nn.Module
        With its weights.
    inferer : monai.inferers.Inferer
        How the network is run over a volume.
    before, after : monai.transforms.Compose
        Transforms before and after the network.
    key : str
        What the transforms call the volume.
    channel_first : bool
        A channel has to be added before them.
    """

    network: Any
    inferer: Any
    before: Any
    after: Any
    key: str
    channel_first: bool


def _parsed(folder: Path, config: Path, device: str) -> Parts:
    import torch
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config(str(config))
    loading = _leave_out_files(parser.config)
    parser["bundle_root"] = str(folder)
    parser["device"] = f"$torch.device('{device}')"
    network = parser.get_parsed_content("network_def" if parser.get("network_def") is not None else "network")
    state = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):
        state = state[key] if isinstance(state, dict) and isinstance(state.get(key), dict) else state
    network.load_state_dict(state)
    inferer, before, after = (
        parser.get_parsed_content(name) for name in ("inferer", "preprocessing", "postprocessing")
    )
    keys = loading.get("keys", "image")
    key = keys if isinstance(keys, str) else keys[0]
    return Parts(network.eval().to(device), inferer, before, after, key, bool(loading.get("ensure_channel_first")))


def _leave_out_files(config: Any) -> dict[str, Any]:
    """Switch off, wherever they are, the transforms that read and write files; what the reading one was told."""
    reader: dict[str, Any] = {}
    if isinstance(config, dict):
        target = str(config.get("_target_", "")).rpartition(".")[2]
        if target in READING:
            reader = dict(config)
        if target in READING or target in WRITING:
            config["_disabled_"] = True
    inner = config.values() if isinstance(config, dict) else config if isinstance(config, list) else ()
    for part in inner:
        reader = _leave_out_files(part) or reader
    return reader


def _segmented(image: sitk.Image, parts: Parts, device: str) -> sitk.Image:
    import torch

    volume = _tensor(image)
    # A bundle says either where it reads or in a transform of its own that the channel has to be added.
    if parts.channel_first:
        volume = volume[None]
        volume.meta["original_channel_dim"] = 0
    data: dict[str, Any] = parts.before({parts.key: volume})
    with torch.inference_mode():
        data["pred"] = parts.inferer(inputs=data[parts.key][None].to(device), network=parts.network)[0].cpu()
    data["pred"].applied_operations = data[parts.key].applied_operations
    return _label_map(parts.after(data)["pred"], image)


def _tensor(image: sitk.Image) -> Any:
    """Make a MONAI tensor (x, y, z) with its affine, as its own reader would make it."""
    from monai.data import MetaTensor

    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    values = np.ascontiguousarray(sitk.GetArrayFromImage(image).transpose(2, 1, 0), np.float32)
    return MetaTensor(values, affine=TO_RAS @ affine, meta={"original_channel_dim": "no_channel"})


def _label_map(found: Any, image: sitk.Image) -> sitk.Image:
    """Bring a map of labels (1, x, y, z) or of scores (labels, x, y, z) on the grid of `image`."""
    values = np.asarray(found.detach().cpu().numpy())
    values = values[0] if len(values) == 1 else values.argmax(0)
    labels = sitk.GetImageFromArray(np.ascontiguousarray(np.rint(values).astype(np.uint16).transpose(2, 1, 0)))
    affine = TO_RAS @ np.asarray(found.affine, np.float64)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    labels.SetSpacing(spacing.tolist())
    labels.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    labels.SetOrigin(affine[:3, 3].tolist())
    return sitk.Resample(labels, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt16)


def _line(error: BaseException) -> str:
    """Take the first line of what the error says that others were raised from."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


KIND = SegmenterKind("bundle", "a MONAI bundle", ("mr", "ct"), {}, _open, needs_bundle=True)
