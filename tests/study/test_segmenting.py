"""Label maps for a study's cohorts: files, study.toml, resuming, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

import phantom
from napari_relict.cli.app import app
from napari_relict.errors import Cancelled, DataError, UsageError
from napari_relict.study import Study
from napari_relict.study.pipeline import segmenting


def write_body(path: Path, width: int) -> None:
    _, y, x = np.meshgrid(np.arange(12), np.arange(30), np.arange(30), indexing="ij")
    inside = ((y - 15) / 10) ** 2 + ((x - 15) / width) ** 2 < 1
    path.parent.mkdir(parents=True, exist_ok=True)
    image = phantom.to_image(np.where(inside, 30, -1000).astype(np.int16), (5.0, 4.0, 4.0), (3, 2, 1))
    sitk.WriteImage(sitk.DICOMOrient(image, "RAS"), str(path))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    for cohort in ("training", "synthetic", "holdout"):
        for number in range(2):
            write_body(tmp_path / cohort / f"{cohort}-{number}.nii.gz", 9 + number)
    for number in range(2):
        write_body(tmp_path / "own" / f"holdout-{number}.nii.gz", 5)
    return Study.create(
        tmp_path / "study",
        training=tmp_path / "training",
        synthetic=tmp_path / "synthetic",
        holdout=tmp_path / "holdout",
        holdout_segmentations=tmp_path / "own",
        modality="ct",
    )


def made(study: Study, cohort: str) -> list[str]:
    return sorted(path.name for path in (study.folder / "segmentations" / cohort).iterdir())


def test_cohorts_without_segmentations_get_them(study: Study) -> None:
    toml = study.folder / "study.toml"
    comments = [line for line in toml.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    told: list[tuple[str, int, int]] = []
    assert study.segment("ct-thresholds", progress=lambda *one: told.append(one)) == []
    assert made(study, "training") == ["training-0.nii.gz", "training-1.nii.gz"]
    assert not (study.folder / "segmentations" / "holdout").exists()
    cohorts = Study.open(study.folder).settings.cohorts
    assert cohorts["training"].segmentations == study.settings.cohorts["training"].segmentations
    assert cohorts["training"].segmentations == "segmentations/training"
    assert cohorts["holdout"].segmentations.endswith("own")  # the user's stays
    assert [line for line in toml.read_text(encoding="utf-8").splitlines() if line.startswith("#")] == comments
    assert told[-1][1:] == (2, 2)
    volume = sitk.ReadImage(str(study.folder.parent / "training" / "training-0.nii.gz"))
    labels = sitk.ReadImage(str(study.folder / "segmentations" / "training" / "training-0.nii.gz"))
    assert labels.GetPixelID() == sitk.sitkUInt8
    np.testing.assert_allclose(labels.GetDirection(), volume.GetDirection(), atol=1e-6)
    np.testing.assert_allclose(labels.GetOrigin(), volume.GetOrigin(), atol=1e-4)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(volume) > 0)
    with pytest.raises(UsageError, match=r"the holdout cohort has segmentations .*take them out of"):
        study.segment("ct-thresholds", cohorts=["holdout"])
    with pytest.raises(UsageError, match="has no other cohort"):
        study.segment("ct-thresholds", cohorts=["other"])


def test_a_stopped_run_goes_on_and_finished_files_stay(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        study.segment("ct-thresholds", cohorts=["training"], progress=stop)
    assert made(study, "training") == ["training-0.nii.gz"]
    assert Study.open(study.folder).settings.cohorts["training"].segmentations is None
    calls = []
    real = segmenting.open_segmenter

    def counting(*arguments: object) -> object:
        segment = real(*arguments)
        return lambda *one: calls.append(1) or segment(*one)

    monkeypatch.setattr(segmenting, "open_segmenter", counting)
    study.segment("ct-thresholds", cohorts=["training"])
    assert len(calls) == 1
    study.segment("ct-thresholds", cohorts=["training"])  # entered by now, and ours: nothing to do
    assert len(calls) == 1
    # Nobody else's label maps are mixed with them, nor ours with those of the user.
    with pytest.raises(UsageError, match=r"training holds label maps of ct-thresholds; move it away"):
        study.segment("totalsegmentator", cohorts=["training"])
    write_body(study.folder / "segmentations" / "synthetic" / "synthetic-0.nii.gz", 5)
    with pytest.raises(UsageError, match="holds label maps of another origin"):
        study.segment("ct-thresholds")


def test_a_volume_that_fails_is_said_and_the_rest_goes_on(study: Study) -> None:
    air = phantom.to_image(np.linspace(-1000, -900, 512, dtype=np.float32).reshape(8, 8, 8))
    sitk.WriteImage(air, str(study.folder.parent / "training" / "training-0.nii.gz"))
    (study.folder.parent / "training" / "training-2.nii.gz").write_bytes(b"no volume")
    result = CliRunner().invoke(app, ["segment", str(study.folder), "--with", "ct-thresholds"])
    assert result.exit_code == 1
    assert made(study, "training") == ["training-1.nii.gz"]
    errors = [line for line in result.stderr.splitlines() if line.startswith("napari-relict:")]
    assert len(errors) == 2
    assert "training-0.nii.gz: was not segmented: CT classes nothing is denser than air" in errors[0]
    assert "training-2.nii.gz" in errors[1]
    assert "synthetic: segmentations/synthetic" in result.stdout
    assert Study.open(study.folder).settings.cohorts["training"].segmentations == "segmentations/training"


def test_what_a_segmenter_lacks_is_said_before_anything_is_claimed(study: Study) -> None:
    with pytest.raises(DataError, match="is not a MONAI bundle"):
        study.segment("bundle", bundle=study.folder)
    assert not (study.folder / "segmentations").exists()
