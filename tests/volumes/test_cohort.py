"""The prepared cohort: read fast and whole, sent to other processes light, and never quietly damaged."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import zarr
from scipy import ndimage

from napari_relict.errors import DataError
from napari_relict.volumes import Grid, PreparedCohort
from napari_relict.volumes.cohort import CohortWriter, Row, searched_image
from napari_relict.volumes.keypoints import LENGTH, Keypoints

GRID = Grid((9, 10, 12), (4.0, 4.0, 4.0))


def a_row(name: str, *, inverted: bool = False, masked: bool = False) -> Row:
    return Row(-1, name, "", name, name, False, [], (0.0, 1.0), [], inverted, [], [], [], "", masked=masked)


def a_volume(seed: int) -> np.ndarray:
    values = np.zeros(GRID.shape, np.float32)
    values[2:-2, 2:-2, 2:-2] = 0.2 + 0.7 * np.random.default_rng(seed).random((5, 6, 8), np.float32)
    return values


@pytest.fixture
def cohort(tmp_path: Path) -> PreparedCohort:
    writer = CohortWriter(tmp_path / "training.zarr", GRID, "key")
    for seed, name in enumerate("abcd"):
        writer.add(a_row(name, inverted=name == "c"), a_volume(seed), None)
    return PreparedCohort(tmp_path / "training.zarr", "training", writer.rows, GRID, "")


def test_images_are_those_that_were_stored_for_us_and_for_zarr(cohort: PreparedCohort) -> None:
    images = cohort.images(["d", "b"])
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images, np.stack([a_volume(3), a_volume(1)]).astype(np.float16))
    assert cohort.images(["a"], np.float16).dtype == np.float16
    array = zarr.open_group(cohort.folder, mode="r")["image"]
    np.testing.assert_array_equal(array[cohort.rows["d"].row], images[0])


def test_a_chunk_file_is_the_row_as_it_is(cohort: PreparedCohort) -> None:
    stored = (cohort.folder / "image/c/1/0/0/0").read_bytes()
    assert stored == a_volume(1).astype("<f2").tobytes()


def test_inverted_volumes_are_searched_turned_over_and_shown_as_they_are(cohort: PreparedCohort) -> None:
    turned = searched_image(a_volume(2), True, GRID.spacing)
    np.testing.assert_array_equal(cohort.images(["c"], np.float16, searched=True)[0], turned)
    np.testing.assert_array_equal(cohort.images(["c"], np.float16)[0], a_volume(2).astype(np.float16))
    assert np.corrcoef(turned[4, 4, 3:-3], a_volume(2)[4, 4, 3:-3])[0, 1] < -0.99
    assert not turned[4, 4, [2, -3]].any()  # the body's rim
    for name in "bc":
        values = cohort.images([name], np.float64, searched=True)[0]
        assert cohort.rows[name].total == values.sum()
        assert cohort.rows[name].spread == pytest.approx(((values - values.mean()) ** 2).sum(), rel=1e-12)


@pytest.mark.parametrize("inverted", [False, True])
def test_where_the_body_alone_counts_it_alone_is_searched_and_all_is_shown(tmp_path: Path, inverted: bool) -> None:
    image = a_volume(0)
    body = image > 0
    inner = ndimage.binary_erosion(body)
    image[0, 0, :2] = 0.9  # apart from the body
    image[~body] += np.float32(0.02)
    writer = CohortWriter(tmp_path / "training.zarr", GRID, "key")
    writer.add(a_row("a", inverted=inverted, masked=True), image, None)
    cohort = PreparedCohort(tmp_path / "training.zarr", "training", writer.rows, GRID, "")
    searched = cohort.images(["a"], np.float64, searched=True)[0]
    assert (searched[~body] == 0).all()
    seen = np.where(inner, 1 - image, 0) if inverted else image  # turned over without its rim
    np.testing.assert_array_equal(searched[body], seen[body].astype(np.float16))
    np.testing.assert_array_equal(cohort.volume("a").image, image.astype(np.float16))
    row = cohort.rows["a"]
    assert row.total == searched.sum()
    assert row.spread == pytest.approx(((searched - searched.mean()) ** 2).sum(), rel=1e-12)
    assert writer.holds(row)
    (cohort.folder / "searched/c/0/0/0/0").unlink()
    assert not writer.holds(row)


def test_an_empty_segmentation_is_kept_like_any_other(tmp_path: Path) -> None:
    writer = CohortWriter(tmp_path / "training.zarr", GRID, "key")
    for name in "ab":
        writer.add(replace(a_row(name), has_labels=True), a_volume(0), np.zeros(GRID.shape, np.uint16))
    cohort = PreparedCohort(tmp_path / "training.zarr", "training", writer.rows, GRID, "")
    assert all(writer.holds(row) for row in writer.rows.values())
    assert not cohort.labels(["a", "b"]).any()


def test_a_constant_volume_has_no_spread_at_all(tmp_path: Path) -> None:
    writer = CohortWriter(tmp_path / "training.zarr", GRID, "key")
    writer.add(a_row("flat"), np.full(GRID.shape, 0.3, np.float32), None)
    assert writer.rows["flat"].spread == 0


@pytest.mark.parametrize("searched", [False, True])
def test_a_missing_or_short_chunk_is_said_with_the_volume_and_the_remedy(
    cohort: PreparedCohort, searched: bool
) -> None:
    chunk = cohort.folder / ("searched" if searched else "image") / "c/2/0/0/0"
    whole = chunk.read_bytes()
    for damage in (lambda: chunk.write_bytes(whole[:-1]), chunk.unlink):
        damage()
        with pytest.raises(DataError, match=r"^c: .*; delete the folder volumes and run match again$"):
            cohort.images(["c"], searched=searched)
    if searched:
        assert not CohortWriter(cohort.folder, GRID, "key").holds(cohort.rows["c"])
        cohort.images(["c"])


def test_another_process_opens_the_cohort_by_its_folder(cohort: PreparedCohort) -> None:
    some = PreparedCohort(cohort.folder, "training", {name: cohort.rows[name] for name in "abd"}, GRID, "HU")
    sent = pickle.dumps(some)
    assert len(sent) < 1000
    assert b"value_range" not in sent
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        names, image = pool.submit(_look, some).result()
    assert names == ["a", "b", "d"]
    np.testing.assert_array_equal(image, some.images(["d"])[0])


def _look(cohort: PreparedCohort) -> tuple[list[str], np.ndarray]:
    return cohort.names, cohort.images(["d"])[0]


def test_a_cohort_that_was_sent_is_opened_once_until_it_changes(cohort: PreparedCohort) -> None:
    sent = pickle.dumps(cohort)
    assert pickle.loads(sent) is pickle.loads(sent)
    writer = CohortWriter(cohort.folder, GRID, "key")
    writer.add(a_row("e"), a_volume(9), None)
    assert pickle.loads(sent).names == ["a", "b", "c", "d", "e"]


def test_keypoints_are_kept_and_missed_when_gone(tmp_path: Path) -> None:
    writer = CohortWriter(tmp_path / "training.zarr", GRID, "key")
    random = np.random.default_rng(0)
    for name, count in (("some", 5), ("none", 0)):
        places = random.integers(-9, 9, (count, 3)).astype(np.float32)
        descriptions = random.integers(0, 256, (count, LENGTH)).astype(np.uint8)
        found = Keypoints(places, np.arange(count) % 2 == 0, descriptions)
        writer.add(a_row(name), a_volume(0), None, keypoints=found)
        again = PreparedCohort(writer.folder, "training", writer.rows, GRID, "").keypoints(name)
        assert np.array_equal(again.places, found.places)
        assert np.array_equal(again.bright, found.bright)
        assert np.array_equal(again.descriptions, found.descriptions)
    writer.add(a_row("without"), a_volume(0), None)
    rows = {name: row.keypoints for name, row in writer.rows.items()}
    assert rows == {"some": 5, "none": 0, "without": -1}
    assert len(PreparedCohort(writer.folder, "training", writer.rows, GRID, "").keypoints("without")) == 0
    for array in ("places", "descriptions"):
        assert writer.holds(writer.rows["some"])
        chunk = writer.folder / array / "c/0/0/0"
        kept = chunk.read_bytes()
        chunk.unlink()
        assert not writer.holds(writer.rows["some"])
        chunk.write_bytes(kept)
