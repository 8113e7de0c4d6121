"""A verbatim copy is found however a generator wrote it: without geometry, with axes exchanged, padded, as an array."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import coarse_phantom as coarse
from command_line import run_here
from napari_relict.study import Study

HEADS = 8
COPIED = (1, 4, 6)
MEASURES = ["ncc", "registered", "nmi"]


def person(seed: int) -> np.ndarray:
    """A head of the phantom with a neck and a nose: real heads are not alike from above and below, front and back."""
    values = coarse.head(seed)[0]
    z, y, x = np.indices(values.shape)
    middle = [int(place) for place in np.argwhere(values > 100).mean(0)]
    front = int(np.argwhere(values > 100)[:, 1].min())
    neck = (np.hypot(y - middle[1] - 4, x - middle[2]) < 6) & (z < middle[0])
    nose = np.sqrt((z - middle[0] + 4) ** 2 + (y - front) ** 2 + (x - middle[2]) ** 2) < 4
    values[(neck | nose) & (values < 300)] = 450 + 10 * seed
    values[z < 2] = 0
    return values


def _image(values: np.ndarray, spacing: float = 1.0) -> sitk.Image:
    """As software writes it that knows no geometry: the first voxel at the world's zero."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(values))
    image.SetSpacing((spacing,) * 3)
    return image


def _nifti(change: Callable[[np.ndarray], np.ndarray], spacing: float = 1.0) -> Callable[[Path, str, np.ndarray], None]:
    def write(folder: Path, name: str, values: np.ndarray) -> None:
        sitk.WriteImage(_image(change(values), spacing), str(folder / f"{name}.nii.gz"))

    return write


def _array(folder: Path, name: str, values: np.ndarray) -> None:
    np.save(folder / f"{name}.npy", (values / 500 - 1)[None].astype(np.float16))


WAYS: dict[str, Callable[[Path, str, np.ndarray], None]] = {
    "identity affine, x and z exchanged": _nifti(lambda v: v.transpose(2, 1, 0)),
    "turned by 90 degrees": _nifti(lambda v: np.rot90(v, axes=(1, 2))),
    "flipped": _nifti(lambda v: v[::-1], 5.0),
    "padded, 0 to 255": _nifti(lambda v: np.pad(np.clip(v / 4, 0, 255).astype(np.uint8), ((12, 12), (9, 9), (11, 10)))),
    "every second voxel": _nifti(lambda v: v[::2, ::2, ::2]),
    "arrays from -1 to 1": _array,
    "thick slices": _nifti(lambda v: v[::3]),
}


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("heads")
    for seed in range(HEADS):
        coarse.write(folder / "training", f"{seed:03d}", person(seed))
    for seed in range(HEADS, HEADS + 3):
        coarse.write(folder / "holdout", f"{seed:03d}", person(seed))
    return folder


@pytest.mark.parametrize("way", list(WAYS))
def test_a_verbatim_copy_is_nearest_to_its_source(way: str, heads: Path, tmp_path: Path) -> None:
    (tmp_path / "synthetic").mkdir()
    for seed in COPIED:
        WAYS[way](tmp_path / "synthetic", f"copy-{seed}", person(seed))
    study = Study.create(
        tmp_path / "study",
        training=heads / "training",
        holdout=heads / "holdout",
        synthetic=tmp_path / "synthetic",
        spacing=5.0,
        shape=(40, 40, 40),
    )
    (note,) = [note for note in study.notes if "voxels" in note]  # what was assumed, once
    assert "synthetic volumes lie beside the training volumes" in note
    assert study.match(measures=MEASURES) == []
    matches = study.matches().set_index(["synthetic", "training"])
    for seed in COPIED:
        own = matches.loc[f"copy-{seed}"]
        assert own["nmi"].idxmax() == f"{seed:03d}"
        assert own.loc[f"{seed:03d}", "rank_voxel"] == 1


def test_files_are_believed_where_that_is_asked_for(heads: Path, tmp_path: Path) -> None:
    (tmp_path / "synthetic").mkdir()
    for seed in COPIED:
        _nifti(lambda v: v)(tmp_path / "synthetic", f"copy-{seed}", person(seed))
    arguments = ["--training", str(heads / "training"), "--synthetic", str(tmp_path / "synthetic")]
    assert run_here("new", tmp_path / "a", *arguments, "--geometry", "header").returncode == 0
    assert "lie beside the training volumes" in run_here("new", tmp_path / "b", *arguments).stderr
    believed, seen = (Study.open(tmp_path / name).settings for name in ("a", "b"))
    assert believed.cohorts["synthetic"].geometry is None and believed.preparation.geometry == "header"
    assert seen.cohorts["synthetic"].geometry is not None
    assert seen.cohorts["synthetic"].geometry.spacing == pytest.approx((5.0,) * 3, rel=0.03)


def test_one_volume_that_lies_otherwise_is_turned_and_said(heads: Path, tmp_path: Path) -> None:
    (tmp_path / "synthetic").mkdir()
    for seed in range(HEADS):
        write = _nifti((lambda v: v[::-1]) if seed == 2 else (lambda v: v), 5.0)
        write(tmp_path / "synthetic", f"copy-{seed}", person(seed))
    study = Study.create(
        tmp_path / "study",
        training=heads / "training",
        synthetic=tmp_path / "synthetic",
        spacing=5.0,
        shape=(40, 40, 40),
    )
    assert study.match(measures=["ncc"]) == []
    (note,) = study.notes
    assert note.startswith("1 of 8 synthetic volumes lie otherwise") and "copy-2" in note
    matches = study.matches()
    nearest = matches[matches["rank"] == 1].set_index("synthetic")["training"]
    assert nearest["copy-2"] == "002"
