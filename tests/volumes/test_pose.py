"""Where the body is, and that only it counts where that is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

import phantom
from napari_relict.volumes import Grid, Preparation, PreparedCohort, find_volumes, prepare_cohort
from napari_relict.volumes.pose import body_of, foreground
from napari_relict.volumes.preparing import study_reference

GRID = Grid((40, 48, 48), (4.0, 4.0, 4.0))
TABLE = np.s_[2:38, 46:, 4:40]


def _head(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    values, labels = phantom.head(seed)
    return np.asarray(values / 1000, np.float32), labels > 0


def test_the_body_is_the_largest_part_and_what_touches_it() -> None:
    values, head = _head()
    np.testing.assert_array_equal(body_of(values), head)
    apart = values.copy()
    apart[TABLE] = 0.5
    apart[0, 0, 0] = 1
    assert foreground(apart).sum() > head.sum() + 1000
    np.testing.assert_array_equal(body_of(apart), head)
    touching = values.copy()
    z, y, x = (int(middle) for middle in np.argwhere(head).mean(0))
    touching[z, y : y + 30, x] = np.maximum(touching[z, y : y + 30, x], 0.5)  # a tube
    assert (body_of(touching) & ~head).sum() > 3


def test_a_part_that_shares_a_corner_touches() -> None:
    values = np.zeros((9, 9, 9), np.float32)
    values[2:5, 2:5, 2:5] = values[5:7, 5:7, 5:7] = 0.8
    values[0, 8, 8] = 0.8
    assert body_of(values).sum() == 27 + 8


def test_lungs_that_the_end_of_the_volume_cuts_open_are_body() -> None:
    values, head = _head()
    middle = len(values) // 2
    values, head = values[middle:].copy(), head[middle:]  # the phantom's ventricles reach the cut
    hollow = ndimage.binary_erosion(head, iterations=3, border_value=1)
    values[hollow] = 0
    assert not foreground(values)[0].sum() > 0.9 * head[0].sum()
    np.testing.assert_array_equal(body_of(values), head)


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_where_there_is_nothing_there_is_no_error(level: float) -> None:
    found = body_of(np.full((8, 9, 10), level, np.float32))
    assert found.dtype == bool
    assert found.all() == (level > 0)
    assert found.any() == (level > 0)


def _prepared(folder: Path, foreground: bool, pose: str = "similarity") -> PreparedCohort:
    how = Preparation(GRID, "ct", pose=pose, foreground=foreground)  # type: ignore[arg-type]
    files, _ = find_volumes(folder / "v")
    reference = study_reference(files[:4], how, folder / "cache")
    cohort, problems = prepare_cohort("training", files, {}, how, reference, folder / "cache")
    assert not problems
    return cohort


def test_a_table_and_noise_count_only_where_the_body_alone_is_not_asked_for(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for seed in range(4):
        phantom.write(tmp_path / "v", f"head-{seed}", phantom.head(seed)[0] * 1.2 - 1000)
    hu = phantom.head(0)[0] * 1.2 - 1000
    table = hu.copy()
    table[TABLE] = 60
    phantom.write(tmp_path / "v", "table", table)
    phantom.write(tmp_path / "v", "noise", hu + np.where(hu < -999, random.uniform(0, 80, hu.shape), 0))
    ncc = {}
    for masked in (False, True):
        cohort = _prepared(tmp_path, masked)
        for searched in (False, True):
            images = {name: cohort.images([name], searched=searched)[0].ravel() for name in cohort.names}
            for name in ("table", "noise"):
                ncc[masked, searched, name] = float(np.corrcoef(images[name], images["head-0"])[0, 1])
        assert all(row.masked == masked for row in cohort.rows.values())
    for name in ("table", "noise"):
        assert ncc[True, True, name] > 0.9994  # the threshold moves a little, and a few voxels of skin with it
    assert ncc[False, True, "table"] < 0.95
    assert ncc[False, True, "noise"] < 0.999
    assert ncc[True, False, "table"] < 0.95  # shown as it is


def test_halves_and_pose_go_by_the_body_alone(tmp_path: Path) -> None:
    for seed in range(4):
        phantom.write(tmp_path / "v", f"head-{seed}", phantom.head(seed)[0] * 1.2 - 1000)
    table = phantom.head(0)[0] * 1.2 - 1000
    table[TABLE] = 60
    phantom.write(tmp_path / "v", "table", table)
    apart = {}
    for masked in (True, False):
        cohort = _prepared(tmp_path, masked)
        rows, halves = cohort.rows, cohort.halves(["head-0", "table"])
        assert np.allclose(rows["head-0"].pose, rows["table"].pose, atol=1e-3)  # a table beyond the body draws nothing
        apart[masked] = float(np.abs(halves[0] - halves[1]).mean())
    assert apart[True] < 2e-3
    assert apart[True] < 0.5 * apart[False]
