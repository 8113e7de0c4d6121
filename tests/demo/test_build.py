"""Whole demos: small ones from a made-up anatomy, and, with the network, the real heads."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from napari_relict.demo import build
from napari_relict.demo import study as demo_study
from napari_relict.demo.build import DemoFolders, build_ct_demo, build_demo
from napari_relict.demo.plan import DemoSizes, FileStyle
from napari_relict.demo.recipes import HEAD_VARIETY, Recipe
from napari_relict.demo.sample import Grid, Sample
from napari_relict.demo.simulate import scan_mr
from napari_relict.demo.writing import read_sample, write_volume
from napari_relict.errors import Cancelled, DataError
from napari_relict.jobs.progress import CancelSwitch, silent
from napari_relict.segmenters.tissue import tissue_labels
from napari_relict.study import Study

SMALL = DemoSizes(training=4, holdout=3, novel=1, repeats=1, planted=("resaved", "mirrored"))
VARIETY = replace(HEAD_VARIETY, grid=Grid((40, 44, 36), 4.0), oblique=0.3)


@pytest.fixture(autouse=True)
def phantom_heads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, anatomy: Sample) -> None:
    """Without the network the only "real" head is the phantom."""
    if request.node.get_closest_marker("network"):
        return

    def recipe(progress: object = silent) -> Recipe:
        from napari_relict.demo.recipes import _plant

        def simulate(scan: build.Scan) -> Sample:
            seeds = (np.random.default_rng(seed) for seed in (scan.patient_seed, scan.scan_seed))
            return scan_mr(anatomy, VARIETY, *seeds)

        return Recipe(1, 0.0, simulate, _plant, lambda one: tissue_labels(one.image, one.labels))

    monkeypatch.setattr(build, "head_recipe", recipe)


def stems(folder: Path) -> list[str]:
    return sorted(path.name.split(".")[0] for path in folder.iterdir())


def read(folder: Path, name: str) -> sitk.Image:
    (path,) = folder.glob(f"{name}.*")
    return sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def everything(folders: DemoFolders) -> dict[str, bytes]:
    return {str(p.relative_to(folders.source)): p.read_bytes() for p in folders.source.rglob("*") if p.is_file()}


def test_a_demo_has_all_it_promises(tmp_path: Path) -> None:
    folders = build_demo(tmp_path, sizes=SMALL)
    assert folders.modality == "mr"
    assert stems(folders.training) == stems(folders.training_segmentations) == [f"tr-{n:03}" for n in range(1, 5)]
    assert stems(folders.holdout) == stems(folders.holdout_segmentations) == [f"ho-{n:03}" for n in range(1, 4)]
    assert stems(folders.synthetic) == stems(folders.synthetic_segmentations) == [f"sy-{n:03}" for n in range(1, 4)]
    assert [row["volume"] for row in rows(folders.patients)] == stems(folders.training) + stems(folders.holdout)
    assert len({row["patient"] for row in rows(folders.patients)}) == 5
    assert "What is simulated" in (folders.source / "README.txt").read_text(encoding="utf-8")
    assert not list(folders.source.rglob(".part-*"))


def test_planted_copies_are_copies(tmp_path: Path) -> None:
    folders = build_demo(tmp_path, sizes=SMALL)
    by_kind = {row["kind"]: row for row in rows(folders.truth)}
    resaved = by_kind["resaved"]
    copy, source = read(folders.synthetic, resaved["synthetic"]), read(folders.training, resaved["training"])
    np.testing.assert_array_equal(sitk.GetArrayFromImage(copy), sitk.GetArrayFromImage(source))
    np.testing.assert_allclose(copy.GetOrigin(), source.GetOrigin(), atol=1e-3)
    np.testing.assert_allclose(copy.GetDirection(), source.GetDirection(), atol=1e-5)
    assert by_kind["novel"]["training"] == ""


def test_volumes_and_segmentations_share_a_grid(tmp_path: Path) -> None:
    folders = build_demo(tmp_path, sizes=SMALL)
    for volumes, labels in (
        (folders.training, folders.training_segmentations),
        (folders.synthetic, folders.synthetic_segmentations),
    ):
        for name in stems(volumes):
            volume, segmentation = read(volumes, name), read(labels, name)
            assert volume.GetSize() == segmentation.GetSize()
            np.testing.assert_allclose(volume.GetDirection(), segmentation.GetDirection(), atol=1e-6)
            assert set(np.unique(sitk.GetArrayFromImage(segmentation))) <= {0, 1, 2, 3, 4}


def test_a_seed_makes_the_same_demo_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = build_demo(tmp_path / "a", sizes=SMALL)
    kept = {path: path.stat().st_mtime_ns for path in first.training.iterdir()}
    build_demo(tmp_path / "a", sizes=SMALL)
    assert kept == {path: path.stat().st_mtime_ns for path in first.training.iterdir()}
    assert everything(first) == everything(build_demo(tmp_path / "b", sizes=SMALL))


def test_a_missing_file_is_made_again(tmp_path: Path) -> None:
    folders = build_demo(tmp_path, sizes=SMALL)
    before = everything(folders)
    next(folders.synthetic.iterdir()).unlink()
    next(folders.holdout_segmentations.iterdir()).unlink()
    assert everything(build_demo(tmp_path, sizes=SMALL)) == before


def test_a_stopped_build_goes_on(tmp_path: Path) -> None:
    switch = CancelSwitch()

    def stop_after_two(stage: str, done: int, total: int) -> None:
        if done == 2:
            switch.cancel()
        switch(stage, done, total)

    with pytest.raises(Cancelled):
        build_demo(tmp_path / "a", sizes=SMALL, progress=stop_after_two)
    resumed = build_demo(tmp_path / "a", sizes=SMALL)
    assert everything(resumed) == everything(build_demo(tmp_path / "b", sizes=SMALL))


def test_another_seed_replaces_the_demo(tmp_path: Path) -> None:
    first = everything(build_demo(tmp_path, sizes=SMALL))
    second = build_demo(tmp_path, sizes=SMALL, seed=8)
    assert everything(second) != first
    assert stems(second.training) == [f"tr-{n:03}" for n in range(1, 5)]


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "source" / "training").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no demo"):
        build_demo(tmp_path, sizes=SMALL)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("orientation", ["LPS", "RAS", "PIR"])
def test_formats_and_orientations_keep_the_world(
    tmp_path: Path, anatomy: Sample, ending: str, orientation: str
) -> None:
    style = FileStyle(ending, orientation)  # type: ignore[arg-type]
    volume = write_volume(anatomy.image, tmp_path, "volume", style)
    labels = write_volume(anatomy.labels, tmp_path, "labels", style)
    back = read_sample(volume, labels, 0.0)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back.image), sitk.GetArrayFromImage(anatomy.image))
    np.testing.assert_allclose(back.image.GetOrigin(), anatomy.image.GetOrigin(), atol=1e-3)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back.labels), sitk.GetArrayFromImage(anatomy.labels))


@pytest.mark.network
def test_real_heads_become_a_demo(tmp_path: Path) -> None:
    folders = build_demo(tmp_path, sizes=replace(SMALL, training=3, holdout=2, repeats=0))
    volume = read(folders.training, "tr-001")
    assert volume.GetSize() == (96, 112, 96)
    brain = sitk.GetArrayFromImage(read(folders.training_segmentations, "tr-001")) > 0
    assert 800 < brain.sum() * 8 / 1000 < 2300, "a brain holds 1 to 2 litres"


@pytest.mark.network
def test_the_real_body_becomes_a_demo(tmp_path: Path) -> None:
    sizes = DemoSizes(3, 1, 1, 0, ("bent", "cropped scan"))
    folders = build_ct_demo(tmp_path, sizes=sizes)
    real = read(folders.training, "tr-001")
    crop = next(row for row in rows(folders.truth) if row["kind"] == "cropped scan")
    assert crop["training"] == "tr-001"
    # The publisher stored the part with the voxels of slices 82 to 111 unchanged.
    part = sitk.GetArrayFromImage(read(folders.synthetic, crop["synthetic"]))
    whole = sitk.GetArrayFromImage(real)
    assert part.shape[0] == 30
    assert max(np.mean(part == whole[first : first + 30]) for first in range(whole.shape[0] - 29)) > 0.99


def test_the_small_study_is_built_and_matched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matched: list[Study] = []
    monkeypatch.setattr(demo_study, "SMALL_SIZES", SMALL)
    monkeypatch.setattr(Study, "match", lambda study, **more: matched.append(study))
    monkeypatch.setattr(Study, "matches", lambda study: pd.DataFrame({"rank": [1] * len(matched)}))
    study = demo_study.small_study(tmp_path / "small")
    assert matched == [study]
    assert len(stems(tmp_path / "small" / "source" / "training")) == SMALL.training
    monkeypatch.setattr(demo_study, "build_demo", None)  # what is there is not built again
    assert demo_study.small_study(tmp_path / "small").folder == study.folder
    assert len(matched) == 1
    demo_study.small_study(tmp_path / "small", again=True)
    assert len(matched) == 2
