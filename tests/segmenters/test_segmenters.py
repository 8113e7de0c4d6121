"""Segmenters, each on a small made-up volume whose anatomy is known."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

import phantom
from napari_relict.errors import DataError, UsageError
from napari_relict.segmenters import SEGMENTERS, open_segmenter
from napari_relict.segmenters.ct import ct_classes

ORIENTATIONS = ["LPS", "RAS", "PIR"]


def turned(image: sitk.Image, orientation: str) -> sitk.Image:
    return sitk.DICOMOrient(image, orientation)


def same_grid(one: sitk.Image, other: sitk.Image) -> bool:
    return (
        one.GetSize() == other.GetSize()
        and np.allclose(one.GetSpacing(), other.GetSpacing())
        and np.allclose(one.GetOrigin(), other.GetOrigin())
        and np.allclose(one.GetDirection(), other.GetDirection())
    )


def body() -> tuple[sitk.Image, np.ndarray]:
    """A trunk in air: soft tissue, a bone, a lung, and a table under it. Classes as they should be."""
    _, y, x = np.meshgrid(np.arange(20), np.arange(50), np.arange(48), indexing="ij")
    inside = ((y - 22) / 16) ** 2 + ((x - 24) / 18) ** 2 < 1
    bone = ((y - 30) / 4) ** 2 + ((x - 24) / 4) ** 2 < 1
    lung = ((y - 18) / 6) ** 2 + ((x - 14) / 5) ** 2 < 1
    values = np.where(bone, 700.0, np.where(lung, -850.0, np.where(inside, 40.0, -1000.0)))
    values[:, 44] = 300.0  # one voxel thick, wider than the body
    classes = np.where(bone, 2, np.where(lung, 3, np.where(inside, 1, 0)))
    return phantom.to_image(values.astype(np.float32), (3.0, 2.0, 2.0), (5, -7, 11)), classes


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_ct_classes_are_those_of_the_body_alone(orientation: str) -> None:
    image, classes = body()
    labels = ct_classes(turned(image, orientation))
    assert labels.GetPixelID() == sitk.sitkUInt8
    assert same_grid(labels, turned(image, orientation))
    found = sitk.GetArrayFromImage(turned(labels, "LPS"))
    assert (found == classes).mean() > 0.995
    assert not found[:, 44].any()
    assert (found == 3).sum() == (classes == 3).sum()


def test_nothing_dense_is_no_body() -> None:
    with pytest.raises(DataError, match="denser than air"):
        ct_classes(phantom.to_image(np.full((8, 8, 8), -1000, np.float32)))


def test_segmenters_are_refused_where_they_are_not_made_for() -> None:
    with pytest.raises(UsageError, match=r"ct-thresholds .* is made for CT, and this is a study of MR"):
        open_segmenter("ct-thresholds", "mr")
    with pytest.raises(UsageError, match="no segmenter 'nope'; there are deepbet, tissue"):
        open_segmenter("nope", "mr")
    with pytest.raises(UsageError, match="needs the folder of a bundle"):
        open_segmenter("bundle", "mr")
    with pytest.raises(UsageError, match="takes no bundle"):
        open_segmenter("ct-thresholds", "ct", Path("x"))


@pytest.mark.network
def test_deepbet_finds_a_brain_and_its_tissues() -> None:
    """On a template head, at half its resolution."""
    from napari_relict.demo.sources import HEADS
    from napari_relict.files.package_files import fetch

    source = next(one for one in HEADS if one.mask is not None)
    head = sitk.ReadImage(str(fetch(source.volume)), sitk.sitkFloat32)
    mask = sitk.Resample(sitk.ReadImage(str(fetch(source.mask)), sitk.sitkUInt8), head, sitk.Transform(), 1)
    due = sitk.GetArrayFromImage(mask) > 0
    labels = open_segmenter("tissue", "mr")(head, "mr")
    found = sitk.GetArrayFromImage(labels)
    assert 2 * ((found > 0) & due).sum() / ((found > 0).sum() + due.sum()) > 0.93
    values = sitk.GetArrayFromImage(head)
    assert values[found == 1].mean() < values[found == 2].mean() < values[found == 3].mean()


# TotalSegmentator


FAKE = """#!{python}
import sys
import SimpleITK as sitk
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
words = sys.argv[1:]
image = sitk.ReadImage(words[words.index("-i") + 1])
assert words[words.index("--task") + 1] == "total" and "--ml" in words, words
if sitk.GetArrayViewFromImage(image).max() > 5000:
    sys.exit("no organ was found")
sitk.WriteImage(sitk.Cast(image > 200, sitk.sitkUInt8) * 7, words[words.index("-o") + 1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script with a shebang")
def test_total_segmentator_is_run_as_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "TotalSegmentator"
    program.write_text(FAKE.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    segment = open_segmenter("totalsegmentator", "ct")
    image = turned(body()[0], "RAS")
    labels = segment(image, "ct")
    assert same_grid(labels, image)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), 7 * (sitk.GetArrayFromImage(image) > 200))
    with pytest.raises(DataError, match=r"failed \(no organ was found\)"):
        segment(image * 10, "ct")
    program.unlink()
    with pytest.raises(DataError, match="is not installed; run: pip install TotalSegmentator"):
        open_segmenter("totalsegmentator", "ct")


# MONAI bundles


def write_bundle(folder: Path, *, first: bool = True) -> Path:
    """A network that says label 1 where the volume is bright, on a turned, coarser grid."""
    load = {"_target_": "LoadImaged", "keys": "image", **({"ensure_channel_first": True} if first else {})}
    channel = [] if first else [{"_target_": "EnsureChannelFirstd", "keys": "image"}]
    config = {
        "network_def": {"_target_": "torch.nn.Conv3d", "in_channels": 1, "out_channels": 2, "kernel_size": 1},
        "inferer": {"_target_": "SimpleInferer"},
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                load,
                *channel,
                {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
                {"_target_": "Spacingd", "keys": "image", "pixdim": [2.0, 2.0, 1.5]},
            ],
        },
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {
                    "_target_": "Invertd",
                    "keys": "pred",
                    "transform": "@preprocessing",
                    "orig_keys": "image",
                    "nearest_interp": False,
                },
                {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
                {"_target_": "SaveImaged", "keys": "pred", "output_dir": "$@bundle_root + '/eval'"},
            ],
        },
    }
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "configs" / "inference.json").write_text(json.dumps(config), encoding="utf-8")
    net = torch.nn.Conv3d(1, 2, 1)
    state = {"weight": torch.tensor([0.0, 1.0]).view(2, 1, 1, 1, 1), "bias": torch.tensor([0.0, -300.0])}
    net.load_state_dict(state)
    torch.save(net.state_dict(), folder / "models" / "model.pt")
    return folder


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("first", [True, False])
def test_a_bundle_segments_on_the_grid_of_the_volume(tmp_path: Path, orientation: str, first: bool) -> None:
    segment = open_segmenter("bundle", "ct", write_bundle(tmp_path / "bundle", first=first))
    image, classes = body()
    image = turned(image, orientation)
    labels = segment(image, "ct")
    assert same_grid(labels, image)
    found = sitk.GetArrayFromImage(turned(labels, "LPS"))
    assert set(np.unique(found)) == {0, 1}
    assert (found[:, :40] == (classes == 2)[:, :40]).mean() > 0.99
    assert not (tmp_path / "bundle" / "eval").exists()


def test_bundles_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no configs/inference\.json in it"):
        open_segmenter("bundle", "ct", tmp_path)
    folder = write_bundle(tmp_path / "bundle")
    torch.save({"weight": torch.zeros(3)}, folder / "models" / "model.pt")
    with pytest.raises(DataError, match="cannot be used") as caught:
        open_segmenter("bundle", "ct", folder)
    assert "\n" not in str(caught.value)
    (folder / "models" / "model.pt").unlink()
    with pytest.raises(DataError, match=r"no models/model\.pt in it"):
        open_segmenter("bundle", "ct", folder)


def test_every_segmenter_says_what_it_is() -> None:
    assert list(SEGMENTERS) == ["deepbet", "tissue", "ct-thresholds", "bundle", "totalsegmentator"]
    assert all(kind.title and kind.modalities for kind in SEGMENTERS.values())
