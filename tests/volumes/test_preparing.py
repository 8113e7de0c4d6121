"""Preparing: one grid whatever the orientation, nothing lost on a crash, nothing done twice."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

import phantom
from napari_relict.errors import Cancelled, DataError
from napari_relict.jobs.progress import CancelSwitch, silent
from napari_relict.volumes import Grid, Preparation, PreparedCohort, find_volumes, prepare_cohort
from napari_relict.volumes.cohort import CohortWriter
from napari_relict.volumes.grid import default_grid
from napari_relict.volumes.preparing import study_reference

GRID = Grid((40, 48, 48), (4.0, 4.0, 4.0))
CENTRED = Preparation(GRID, "mr", pose="centre")


def _prepare(folder: Path, cache: Path, how: Preparation = CENTRED, segmentations: Path | None = None):
    files, problems = find_volumes(folder)
    labels = {} if segmentations is None else {file.name: file for file in find_volumes(segmentations)[0]}
    reference = study_reference(files, how, cache)
    cohort, more = prepare_cohort("training", files, labels, how, reference, cache)
    return cohort, problems + more


def test_orientation_of_the_file_does_not_matter(tmp_path: Path) -> None:
    values, labels = phantom.head(5)
    for name, order in (("lps", "LPS"), ("ras", "RAS"), ("sla", "SLA")):
        for what, array in (("volumes", values), ("labels", labels)):
            turned = sitk.DICOMOrient(phantom.to_image(array, origin=(30, -70, 12)), order)
            (tmp_path / what).mkdir(exist_ok=True)
            sitk.WriteImage(turned, str(tmp_path / what / f"{name}.nii.gz"))
    cohort, problems = _prepare(tmp_path / "volumes", tmp_path / "cache", segmentations=tmp_path / "labels")
    assert not problems
    lps = cohort.volume("lps")
    for other in ("ras", "sla"):
        prepared = cohort.volume(other)
        np.testing.assert_allclose(prepared.image, lps.image, atol=2e-3)
        assert np.array_equal(prepared.labels, lps.labels)
    assert set(np.unique(lps.labels)) == {0, 1, 2}


def test_left_stays_left(tmp_path: Path) -> None:
    values = np.zeros(phantom.SHAPE, np.float32)
    values[10:30, 10:38, 8:36] = 100  # body
    values[18:22, 20:26, 28:34] = 1000  # mark on the patient's left: x grows to the left in LPS
    ras = sitk.DICOMOrient(phantom.to_image(values), "RAS")
    (tmp_path / "v").mkdir()
    sitk.WriteImage(ras, str(tmp_path / "v" / "a.nii.gz"))
    cohort, _ = _prepare(tmp_path / "v", tmp_path / "cache")
    image = cohort.volume("a").image
    mark = np.argwhere(image > 0.9)
    body = np.argwhere(image > 0.05)
    assert mark[:, 2].mean() > body[:, 2].mean() + 5
    flipped = cohort.volume("a").mirrored().image
    assert np.argwhere(flipped > 0.9)[:, 2].mean() < body[:, 2].mean() - 5


def test_rigid_pose_undoes_a_rotation_and_commutes_with_mirroring(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    for seed in range(4):
        phantom.write(folder, f"head-{seed}", phantom.head(seed)[0])
    image = phantom.to_image(phantom.head(0)[0])
    turn = sitk.Euler3DTransform(
        image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()]), 0.1, -0.1, 0.2
    )
    turn.SetTranslation((6, -4, 5))
    turned = sitk.Resample(image, image, turn, sitk.sitkLinear, 0.0)
    sitk.WriteImage(turned, str(folder / "turned.nii.gz"))
    phantom.write(folder, "mirrored", sitk.GetArrayFromImage(turned)[..., ::-1].copy())
    cohort, _ = _prepare(folder, tmp_path / "cache", Preparation(GRID, "mr", pose="rigid"))
    original = cohort.volume("head-0").image.ravel()

    def ncc(name: str, flip: bool = False) -> float:
        volume = cohort.volume(name)
        return float(np.corrcoef((volume.mirrored() if flip else volume).image.ravel(), original)[0, 1])

    assert ncc("turned") > 0.93
    assert ncc("mirrored", flip=True) > 0.93
    assert max(ncc("head-1"), ncc("head-2"), ncc("head-3")) < 0.92


def test_ct_keeps_hu(tmp_path: Path) -> None:
    values = np.full(phantom.SHAPE, -1000, np.int16)
    values[8:32, 10:38, 8:36] = 40
    values[16:24, 20:28, 18:26] = 700
    phantom.write(tmp_path / "v", "ct", values)
    cohort, _ = _prepare(tmp_path / "v", tmp_path / "cache", Preparation(GRID, "ct", pose="centre"))
    volume = cohort.volume("ct")
    low, high = volume.value_range
    hu = low + volume.image * (high - low)
    assert volume.unit == "HU"
    for wanted in (-1000, 40, 700):
        assert (np.abs(hu - wanted) < 1).sum() > 100


def test_finished_volumes_survive_a_cancel_and_are_not_made_again(tmp_path: Path) -> None:
    for seed in range(6):
        phantom.write(tmp_path / "v", f"h{seed}", phantom.head(seed)[0])
    files, _ = find_volumes(tmp_path / "v")
    switch = CancelSwitch()

    def stop_after_three(stage: str, done: int, total: int) -> None:
        switch(stage, done, total)
        if done == 3:
            switch.cancel()

    with pytest.raises(Cancelled, match="run it again"):
        prepare_cohort("training", files, {}, CENTRED, None, tmp_path / "cache", stop_after_three)
    lines = (tmp_path / "cache" / "training.zarr" / "rows.jsonl").read_text().splitlines()
    assert 3 <= len(lines) < 6
    steps: list[int] = []
    prepare_cohort(
        "training", files, {}, CENTRED, None, tmp_path / "cache", lambda stage, done, total: steps.append(done)
    )
    assert len(steps) == 6 - len(lines)
    steps.clear()
    prepare_cohort("training", files, {}, CENTRED, None, tmp_path / "cache", lambda *step: steps.append(1))
    assert steps == []


def test_a_line_cut_short_by_a_crash_is_made_again(tmp_path: Path) -> None:
    for seed in range(2):
        phantom.write(tmp_path / "v", f"h{seed}", phantom.head(seed)[0])
    before, _ = _prepare(tmp_path / "v", tmp_path / "cache")
    expected = before.volume("h1").image
    rows = tmp_path / "cache" / "training.zarr" / "rows.jsonl"
    rows.write_text(rows.read_text()[:-40])
    after, problems = _prepare(tmp_path / "v", tmp_path / "cache")
    assert not problems
    assert np.array_equal(after.volume("h1").image, expected)


def test_a_changed_file_or_grid_is_prepared_again(tmp_path: Path) -> None:
    phantom.write(tmp_path / "v", "a", phantom.head(1)[0])
    first, _ = _prepare(tmp_path / "v", tmp_path / "cache")
    content = first.rows["a"].content
    phantom.write(tmp_path / "v", "a", phantom.head(2)[0] * 1.01)
    second, _ = _prepare(tmp_path / "v", tmp_path / "cache")
    assert second.rows["a"].content != content
    other = Preparation(Grid((24, 24, 24), (8.0, 8.0, 8.0)), "mr", pose="centre")
    third, _ = _prepare(tmp_path / "v", tmp_path / "cache", other)
    assert third.volume("a").image.shape == (24, 24, 24)


def test_bad_files_are_left_out_and_the_rest_goes_on(tmp_path: Path) -> None:
    phantom.write(tmp_path / "v", "good", phantom.head(1)[0])
    (tmp_path / "v" / "broken.nii.gz").write_text("nothing")
    phantom.write(tmp_path / "v", "flat", np.ones(phantom.SHAPE, np.float32))
    cohort, problems = _prepare(tmp_path / "v", tmp_path / "cache")
    assert cohort.names == ["good"]
    assert sorted(Path(problem.subject).name for problem in problems) == ["broken.nii.gz", "flat.nii.gz"]


def test_a_refused_segmentation_leaves_the_volume_in(tmp_path: Path) -> None:
    values, labels = phantom.head(1)
    phantom.write(tmp_path / "v", "a", values)
    phantom.write(tmp_path / "s", "a", labels[:-2])
    for _ in range(2):  # said on every run, not only on the first
        cohort, (problem,) = _prepare(tmp_path / "v", tmp_path / "cache", segmentations=tmp_path / "s")
        assert cohort.names == ["a"]
        assert not cohort.rows["a"].has_labels
        assert "another grid" in str(problem)


def test_a_full_disk_is_said_in_one_line_and_what_was_done_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        phantom.write(tmp_path / "v", f"h{seed}", phantom.head(seed)[0])
    files, _ = find_volumes(tmp_path / "v")
    write, calls = CohortWriter._write, []

    def full(self: CohortWriter, array: str, dtype: str, values: np.ndarray) -> None:
        calls.append(array)
        if calls.count("image") > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, array, dtype, values)

    monkeypatch.setattr(CohortWriter, "_write", full)
    with pytest.raises(DataError, match="no space left"):
        prepare_cohort("training", files, {}, CENTRED, None, tmp_path / "cache", silent)
    monkeypatch.undo()
    rows = [json.loads(line) for line in (tmp_path / "cache/training.zarr/rows.jsonl").read_text().splitlines()]
    assert len(rows) == 2
    cohort, problems = prepare_cohort("training", files, {}, CENTRED, None, tmp_path / "cache", silent)
    assert len(cohort) == 3
    assert not problems


def test_reading_a_cohort_takes_memory_for_what_is_asked_only(tmp_path: Path) -> None:
    for seed in range(3):
        phantom.write(tmp_path / "v", f"h{seed}", phantom.head(seed)[0])
    cohort, _ = _prepare(tmp_path / "v", tmp_path / "cache")
    assert isinstance(cohort, PreparedCohort)
    assert cohort.images(["h2", "h0"]).shape == (2, *GRID.shape)
    assert [len(block) for block in cohort.blocks(2)] == [2, 1]


def test_default_grid_fits_the_data_and_stays_workable() -> None:
    small = default_grid([(150, 200, 180)] * 3, [2.0] * 3)
    assert small.spacing == (2.0, 2.0, 2.0)
    assert small.shape == (80, 104, 96)
    large = default_grid([(400, 512, 512)], [0.7])
    assert max(large.shape) <= 128
    assert np.multiply(large.shape, large.spacing).min() >= 400


def test_a_missing_chunk_is_damage_and_made_again(tmp_path: Path) -> None:
    for seed in range(2):
        phantom.write(tmp_path / "v", f"h{seed}", phantom.head(seed)[0])
    before, _ = _prepare(tmp_path / "v", tmp_path / "cache")
    expected = before.volume("h1").image
    (tmp_path / "cache/training.zarr/image/c/1/0/0/0").unlink()
    after, _ = _prepare(tmp_path / "v", tmp_path / "cache")
    assert np.array_equal(after.volume("h1").image, expected)


def test_a_damaged_reference_is_made_again(tmp_path: Path) -> None:
    for seed in range(3):
        phantom.write(tmp_path / "v", f"h{seed}", phantom.head(seed)[0])
    rigid = Preparation(GRID, "mr", pose="rigid")
    before, _ = _prepare(tmp_path / "v", tmp_path / "cache", rigid)
    expected = before.volume("h1").image
    (tmp_path / "cache/reference.npz").write_bytes(b"cut off")
    after, problems = _prepare(tmp_path / "v", tmp_path / "cache", rigid)
    assert not problems
    np.testing.assert_allclose(after.volume("h1").image, expected, atol=1e-3)


def test_a_few_hot_voxels_do_not_hide_a_copy(tmp_path: Path) -> None:
    values = phantom.head(1)[0]
    hot = values.copy()
    hot[20:22, 20:22, 20:22] = 40 * values.max()
    phantom.write(tmp_path / "v", "plain", values)
    phantom.write(tmp_path / "v", "hot", hot)
    cohort, _ = _prepare(tmp_path / "v", tmp_path / "cache")
    one, other = cohort.volume("plain").image, cohort.volume("hot").image
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.99


def test_labels_are_never_blended(tmp_path: Path) -> None:
    values, labels = phantom.head(1)
    phantom.write(tmp_path / "v", "a", values)
    phantom.write(tmp_path / "s", "a", (labels == 2).astype(np.uint8) * 7)  # 0 beside 7: a blend would make 1 to 6
    finer = Preparation(Grid((52, 60, 56), (3.1, 3.1, 3.1)), "mr", pose="centre")
    cohort, problems = _prepare(tmp_path / "v", tmp_path / "cache", finer, tmp_path / "s")
    assert not problems
    assert cohort.rows["a"].labels == [7]
    assert set(np.unique(cohort.volume("a").labels)) == {0, 7}


def test_the_reference_is_its_own_mirror_image(tmp_path: Path) -> None:
    for seed in range(3):
        phantom.write(tmp_path / "v", f"h{seed}", phantom.head(seed)[0])
    files, _ = find_volumes(tmp_path / "v")
    reference = study_reference(files, Preparation(GRID, "mr", pose="rigid"), tmp_path / "cache")
    assert reference is not None
    assert reference.max() > 0.3
    np.testing.assert_allclose(reference, reference[..., ::-1], atol=1e-6)


def _zoomed_and_inverted(folder: Path) -> None:
    for seed in range(4):
        phantom.write(folder, f"head-{seed}", phantom.head(seed)[0])
    values = phantom.head(0)[0]
    sitk.WriteImage(phantom.to_image(values, (4.5, 4.5, 4.5), (20, -9, 5)), str(folder / "zoomed.nii.gz"))
    # Half tissue, half air along the rim, as in any scan: bright in the inverted one.
    body = ndimage.binary_dilation(values > 0)
    inverted = np.where(body, 1100 - ndimage.gaussian_filter(values, 0.7), 0)
    phantom.write(folder, "inverted", inverted.astype(np.float32))


def test_a_zoomed_and_an_inverted_copy_are_posed_like_their_source(tmp_path: Path) -> None:
    _zoomed_and_inverted(tmp_path / "v")
    cohort, problems = _prepare(tmp_path / "v", tmp_path / "cache", Preparation(GRID, "mr", pose="similarity"))
    assert not problems
    assert [name for name in cohort.names if cohort.rows[name].inverted] == ["inverted"]
    original = cohort.images(["head-0"], searched=True).ravel()

    def ncc(name: str, searched: bool = True) -> float:
        return float(np.corrcoef(cohort.images([name], searched=searched).ravel(), original)[0, 1])

    assert ncc("zoomed") > 0.95
    assert ncc("inverted") > 0.95
    assert ncc("inverted", searched=False) < ncc("inverted")
    assert max(ncc("head-1"), ncc("head-2"), ncc("head-3")) < min(ncc("zoomed"), ncc("inverted"))


def test_rows_say_where_the_file_s_voxels_lie(tmp_path: Path) -> None:
    _zoomed_and_inverted(tmp_path / "v")
    values = phantom.head(1)[0]
    cut = sitk.DICOMOrient(phantom.to_image(values, origin=(9, 8, 7)), "RAS")[5:, :-8, 3:]
    sitk.WriteImage(cut, str(tmp_path / "v" / "cut.nii.gz"))
    cohort, _ = _prepare(tmp_path / "v", tmp_path / "cache", Preparation(GRID, "mr", pose="similarity"))
    z, y, x = np.meshgrid(
        *[(np.arange(n) - (n - 1) / 2) * mm for n, mm in zip(GRID.shape, GRID.spacing, strict=True)], indexing="ij"
    )
    points = np.stack([x, y, z, np.ones_like(x)]).reshape(4, -1)
    for name in cohort.names:
        file = sitk.ReadImage(str(tmp_path / "v" / f"{name}.nii.gz"))
        row = cohort.rows[name]
        assert row.size == list(file.GetSize())
        index = np.reshape(row.to_index, (3, 4)) @ points
        stored = ndimage.map_coordinates(sitk.GetArrayFromImage(file), index[::-1], order=1, cval=0).reshape(GRID.shape)
        low, high = row.value_range
        shown = np.clip((stored - low) / (high - low), 0, 1)
        seen = cohort.field_of_view(name)
        assert np.corrcoef(shown[seen], cohort.images([name])[0][seen])[0, 1] > 0.98
    assert cohort.field_of_view("cut").sum() < cohort.field_of_view("head-1").sum()
