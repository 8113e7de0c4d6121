"""Copies are found whichever way they lie; new patients are not taken for them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import phantom
from napari_relict.errors import DataError
from napari_relict.jobs.executors import Workforce
from napari_relict.memorisation import GeneratorVolumes
from napari_relict.memorisation.judging import Judge
from napari_relict.memorisation.nearest_distances import LearntVolumes
from napari_relict.volumes.grid import Grid


def test_a_mirrored_and_a_turned_copy_are_nearest_to_their_source(force: Workforce) -> None:
    shape = (28, 28, 28)
    training = np.stack([np.clip(phantom.head(seed, shape)[0] / 1000, 0, 1) for seed in range(8)])
    trained = LearntVolumes(training, Grid(shape, (8.0,) * 3))
    turned = ndimage.rotate(training[5], 8, axes=(1, 2), reshape=False, order=1)
    stranger = np.clip(phantom.head(90, shape)[0] / 1000, 0, 1)
    found = trained.nearness(np.stack([training[3], training[2][..., ::-1], turned, stranger]), force)
    assert found.nearest[:3].tolist() == [3, 2, 5]
    assert found.closest[:2] == pytest.approx(1)
    assert found.closest[2] > found.as_they_lie[2].max() + 0.05 and found.closest[2] > 0.8 > found.closest[3]
    mean = training - training.mean(0, dtype=np.float64)
    by_hand = np.corrcoef(np.vstack([mean[3].ravel(), mean[7].ravel()]))[0, 1]
    assert found.as_they_lie[0, 7] >= by_hand - 0.02


def test_n_copies_n_mem_and_the_rules_beside_them(pool: GeneratorVolumes, force: Workforce) -> None:
    judge = Judge(
        pool.training, pool.patients, pool.holdout, [*pool.holdout_patients[:-1], "h-0"], pool.grid, 0.1, force
    )
    assert len(judge.null) == 11  # patients, not volumes
    new = np.stack([np.clip(phantom.head(seed, pool.grid.shape)[0] / 1000, 0, 1) for seed in range(100, 104)])
    copied = pool.training[[0, 1, 4, 4, 4, 5, 5, 6]]  # 0 and 1 are of one patient
    found = judge(np.concatenate([copied, new]).astype(np.float32))
    # By ranks 8 of 12 have p = 1/12, q = 1/12 * 12/8 = .125 > .1: what calls them is the null's tail.
    assert found.called[:8].all() and not found.called[8:].any() and found.patients_called == 4
    assert found.copies is not None and found.patients is not None
    # The cut that a tenth of the null reaches is reached by 2 of 11 and by the 8 copies of 12.
    assert found.copies.copies == pytest.approx(12 * (8 / 12 - 2 / 11) / (9 / 11))
    assert 1 < found.copies.low < 8 < found.copies.high  # eight of them were copied; eleven patients leave much open
    assert found.patients.copies == pytest.approx(4, abs=1)
    row = found.row
    assert row["as_near"] == pytest.approx(found.as_near) and 8 / 12 <= found.as_near <= 1
    assert row["n_synthetic"] == 12 and row["null_patients"] == 11 and row["n_copies"] == found.copies.copies
    rules = {one["rule"]: one for one in found.rules()}
    assert rules["dar_published"]["called"] >= 8 and rules["dar_published"]["n_mem"] >= 5
    assert np.isnan(rules["closest_record"]["called"]) and rules["closest_record"]["note"]
    all_copied = judge(np.concatenate([copied, copied[:4]]))
    assert all_copied.called.all() and all_copied.patients_called == 4
    assert np.isnan(judge.share_called(pool.training))  # eleven patients have no 95th percentile
    twenty = np.concatenate([pool.holdout, pool.holdout[:8] * 0.9])
    judge = Judge(pool.training, pool.patients, twenty, [f"h-{number}" for number in range(20)], pool.grid, 0.1, force)
    assert judge.share_called(pool.training) == 1 and judge.share_called(new.astype(np.float32)) == 0


def test_a_rule_that_cannot_be_applied_says_why(pool: GeneratorVolumes, force: Workforce) -> None:
    judge = Judge(pool.training, pool.patients, pool.holdout, pool.holdout_patients, pool.grid, 0.05, force)
    found = judge(pool.holdout)
    broken = type(found)(
        found.called, 0, None, None, {"third": DataError("features", "too few", "give more")}, found.null, 0.5
    )
    (rule,) = broken.rules()
    assert rule["note"] == "not applied: too few" and np.isnan(broken.row["n_copies"])
