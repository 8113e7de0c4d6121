"""A MONAI bundle of the user: a folder with `configs/inference.json` (or .yaml) and `models/model.pt`.

A bundle's configuration can run any code of whoever made it; its weights are loaded as plain tensors. Reading and
writing of files is left out of its transforms: volumes are read as everywhere else here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from napari_relict.errors import DataError
from napari_relict.segmenters.contract import SegmenterKind, Segmenting
from napari_relict.volumes.intensity import Modality

CONFIGS = ("configs/inference.json", "configs/inference.yaml", "configs/inference.yml")
WEIGHTS = "models/model.pt"
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # world coordinates of ITK (LPS) in those of NIfTI and MONAI, and back


def _open(folder: Path | None, device: str) -> Segmenting:
    assert folder is not None
    config = next((folder / name for name in CONFIGS if (folder / name).is_file()), None)
    if config is None or not (folder / WEIGHTS).is_file():
        lacking = CONFIGS[0] if config is None else WEIGHTS
        raise DataError(folder, f"is not a MONAI bundle (no {lacking} in it)", "give the folder of an unpacked bundle")
    try:
        network, inferer, before, after = _parsed(folder, config, device)
    except Exception as error:  # whatever the code of a bundle raises
        raise DataError(config, f"cannot be used ({_line(error)})", "check the bundle, or update MONAI") from error

    def segment(image: sitk.Image, modality: Modality) -> sitk.Image:
        try:
            return _segmented(image, network, inferer, before, after, device)
        except Exception as error:
            wrong = f"fails on this volume ({_line(error)})"
            raise DataError(folder, wrong, "see what kind of volume the bundle is made for") from error

    return segment


def _parsed(folder: Path, config: Path, device: str) -> tuple[Any, Any, Any, Any]:
    """The network with its weights, the inferer, and the transforms before and after it."""
    import torch
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config(str(config))
    parser["bundle_root"] = str(folder)
    parser["device"] = f"$torch.device('{device}')"
    network = parser.get_parsed_content("network_def" if parser.get("network_def") is not None else "network")
    state = torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):
        state = state[key] if isinstance(state, dict) and isinstance(state.get(key), dict) else state
    network.load_state_dict(state)
    inferer = parser.get_parsed_content("inferer")
    before, after = (parser.get_parsed_content(name) for name in ("preprocessing", "postprocessing"))
    return network.eval().to(device), inferer, before, after


def _segmented(image: sitk.Image, network: Any, inferer: Any, before: Any, after: Any, device: str) -> sitk.Image:
    import torch
    from monai.transforms import LoadImaged, SaveImaged

    loading = [one for one in before.transforms if isinstance(one, LoadImaged)]
    (key,) = loading[0].keys if loading else ("image",)
    volume = _tensor(image)
    # A bundle says either here or in a transform of its own that the channel has to be added.
    if loading and loading[0]._loader.ensure_channel_first:
        volume = volume[None]
        volume.meta["original_channel_dim"] = 0
    data: dict[str, Any] = {key: volume}
    for transform in before.transforms:
        if not isinstance(transform, LoadImaged):
            data = transform(data)
    with torch.inference_mode():
        data["pred"] = inferer(inputs=data[key][None].to(device), network=network)[0].cpu()
    data["pred"].applied_operations = data[key].applied_operations
    for transform in after.transforms:
        if not isinstance(transform, SaveImaged):
            data = transform(data)
    return _label_map(data["pred"], image)


def _tensor(image: sitk.Image) -> Any:
    """A MONAI tensor (x, y, z) with its affine, as its own reader would make it."""
    from monai.data import MetaTensor

    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    values = np.ascontiguousarray(sitk.GetArrayFromImage(image).transpose(2, 1, 0), np.float32)
    return MetaTensor(values, affine=TO_RAS @ affine, meta={"original_channel_dim": "no_channel"})


def _label_map(found: Any, image: sitk.Image) -> sitk.Image:
    """A map of labels (1, x, y, z) or of scores (labels, x, y, z) on the grid of `image`."""
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
    """The first line of what an error says."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


KIND = SegmenterKind("bundle", "a MONAI bundle", ("mr", "ct"), {}, _open, needs_bundle=True)
