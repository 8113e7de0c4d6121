"""Sizes, deals, intervals and where a value stands: on points instead of volumes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_relict.errors import DataError
from napari_relict.quality import METRICS, evaluate
from napari_relict.quality.drawing import Sizes, deal, half, sizes_of
from napari_relict.quality.evaluating import interval, standing
from napari_relict.quality.feature_sets import FeaturePool, Space, vector_space
from napari_relict.quality.sensitivity import changes, monotone, worse


def pool(training: int, holdout: int, made: np.ndarray, *, scans: int = 1, seed: int = 0) -> FeaturePool:
    """Real patients are normal in five features, `scans` alike volumes each; synthetic ones as given."""
    random = np.random.default_rng(seed)
    people = random.normal(size=((training + holdout) // scans, 5))
    real = np.repeat(people, scans, axis=0) + 0.01 * random.normal(size=(training + holdout, 5))
    rows = np.vstack([real, made])
    cohort = np.repeat(["training", "holdout", "synthetic"], [training, holdout, len(made)])
    patients = [f"p{place // scans}" for place in range(training + holdout)] + [f"s{i}" for i in range(len(made))]
    looks = Space("noise", "noise", "looks", 2, rows[:, 0])
    return FeaturePool(cohort, np.array(patients), {"points": vector_space("points", "points", rows), "noise": looks})


def fresh(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 5))


def test_sizes_keep_a_part_of_the_holdout_and_do_without_one() -> None:
    assert sizes_of(pool(40, 30, fresh(50))) == Sizes(40, 15, 15, dealt=False)
    assert sizes_of(pool(40, 30, fresh(10))) == Sizes(40, 10, 20, dealt=False)
    assert sizes_of(pool(40, 0, fresh(50))) == Sizes(20, 20, 0, dealt=True)
    with pytest.raises(DataError, match="takes 4 of each"):
        evaluate(pool(40, 30, fresh(2)))


def test_patients_stay_together() -> None:
    volumes = pool(40, 30, fresh(4), scans=2)
    random = np.random.default_rng(0)
    for _ in range(20):
        sets = deal(volumes, np.flatnonzero(volumes.cohort != "synthetic"), [15, 30, 15], random)
        assert [len(one) for one in sets] == [15, 30, 15]
        owners = [set(volumes.patients[one]) for one in sets]
        assert not (owners[0] & owners[1] or owners[0] & owners[2] or owners[1] & owners[2])
    part = half(volumes, volumes.places("training"), random)
    assert len(part) == 20 and len(set(volumes.patients[part])) == 10


def test_an_interval_is_as_wide_as_that_of_a_mean() -> None:
    volumes = pool(40, 30, fresh(100))
    table = evaluate(volumes, metrics=["noise"]).iloc[0]
    drawn = volumes.spaces["noise"].rows[volumes.places("synthetic")]
    assert table["n_synthetic"] == 15
    width = 2 * 1.96 * drawn.std() / np.sqrt(15)
    assert table["high"] - table["low"] == pytest.approx(width, rel=0.25)
    assert interval(0.9, np.linspace(0, 1, 50), (0, 1))[1] == 1.0
    assert np.isnan(interval(0.9, np.arange(5.0), (0, 1))[0])


def test_real_patients_stand_as_real_and_copies_do_not() -> None:
    volumes = pool(60, 60, fresh(30))
    told = evaluate(volumes, metrics=["frechet", "precision", "auth_pct", "dcr_share"])
    assert set(told["standing"]) == {"as real patients"}
    assert told["holdout"].between(told["floor_low"], told["floor_high"]).all()
    training = volumes.spaces["points"].rows[:60, :5]
    told = evaluate(pool(60, 60, training[:30] + 0.001), metrics=["auth_pct", "dcr_share", "c_t"])
    assert set(told["standing"]) == {"nearer to training than real patients: look for copies"}
    told = evaluate(pool(60, 60, fresh(30) + 2), metrics=["frechet", "mmd", "precision", "coverage"])
    assert set(told["standing"]) == {"worse than real patients"}
    assert (told["distance"].abs() > 3).all()


def test_without_a_holdout_what_needs_one_is_said_and_the_rest_computed() -> None:
    told = evaluate(pool(40, 0, fresh(20))).set_index("metric")
    assert told.loc["dcr_share", "standing"] == "not computed" and "holdout" in told.loc["dcr_share", "note"]
    assert np.isfinite(told.loc["frechet", "value"]) and told.loc["frechet", "standing"] == "as real patients"
    again = evaluate(pool(40, 0, fresh(20))).set_index("metric")
    assert (told["value"].dropna() == again["value"].dropna()).all()


def test_standing_in_words() -> None:
    assert standing(METRICS["frechet"], 1, 2, 3) == "better than real patients: look for copies"
    assert standing(METRICS["frechet"], 4, 2, 3) == "worse than real patients"
    assert standing(METRICS["recall"], 0.1, 0.2, 0.3) == "worse than real patients"
    assert standing(METRICS["noise"], 4, 2, 3) == "higher than real"
    assert standing(METRICS["auth_pct"], 0.1, 0.2, 0.3).startswith("nearer to training")


def test_fewer_rows_than_features_keep_distances() -> None:
    rows = np.random.default_rng(0).normal(size=(6, 40))
    turned = vector_space("a", "a", rows)
    assert turned.rows.shape == (6, 6) and turned.features == 40
    assert turned.rows @ turned.rows.T == pytest.approx(rows @ rows.T)
    constant = np.column_stack([rows[:, :3], np.ones(6)])
    scaled = vector_space("a", "a", constant, scaled_by=constant[:4])
    assert scaled.rows.shape == (6, 3)


def test_changes_of_what_did_not_change_are_none() -> None:
    made = fresh(20)
    rows = np.vstack([fresh(40, 2), made, made, made + 3])
    cohort = np.repeat(["training", "before", "after"], [40, 20, 20])
    patients = np.array([str(place) for place in range(80)])
    same = FeaturePool(cohort, patients, {"points": vector_space("points", "points", rows[:80])})
    for name, values in changes(same, 0, 20).items():
        assert values["change"] == values["low"] == values["high"] == 0, name
    shifted = FeaturePool(
        cohort, patients, {"points": vector_space("points", "points", np.delete(rows, slice(60, 80), 0))}
    )
    assert changes(shifted, 0, 20)["frechet:points"]["low"] > 0


def test_worse_and_monotone() -> None:
    assert worse("lower", 2) == 2 and worse("higher", 2) == -2 and worse("as real", -2) == 2
    assert monotone([0.1, 0.2, 0.2]) and monotone([-1, -2]) and not monotone([1, 0.5]) and not monotone([0, 0])
    assert not monotone([0.1, float("nan")])
