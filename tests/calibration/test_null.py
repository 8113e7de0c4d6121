"""p- and q-values: equal to their definitions, and as rare as they say when nothing was copied."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from napari_relict.calibration import NullScores, q_values
from napari_relict.calibration.null import BOTH, LEFT_OUT, closest_of_patients, p_values

scores = st.lists(st.integers(-5, 5), min_size=1, max_size=30).map(lambda values: np.array(values, float))


@given(scores, scores)
def test_p_values_by_definition(null: np.ndarray, mine: np.ndarray) -> None:
    np.testing.assert_allclose(p_values(mine, null), [naive.p_value(score, null) for score in mine])


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=25))
def test_q_values_by_definition(p: list[float]) -> None:
    np.testing.assert_allclose(q_values(np.array(p)), naive.q_values(np.array(p)))


def test_unknown_scores_have_no_p_and_do_not_count() -> None:
    assert np.isnan(p_values(np.array([np.nan]), np.array([1.0, 2.0])))[0]
    q = q_values(np.array([0.01, np.nan, 0.5]))
    np.testing.assert_allclose(q, [0.02, np.nan, 0.5])


def test_resolution_is_one_over_n_plus_one() -> None:
    assert NullScores("ncc", np.array([0.1, 0.2, np.nan, 0.4]), "holdout").resolution == pytest.approx(1 / 4)


def test_of_a_patients_volumes_the_closest_counts() -> None:
    closest = closest_of_patients(np.array([0.1, 0.9, np.nan, 0.4, np.nan]), ["b", "a", "a", "b", "c"])
    np.testing.assert_array_equal(closest, [0.9, 0.4, np.nan])


def test_a_null_says_what_it_is() -> None:
    scores = np.array([0.1, 0.2])
    assert NullScores("ncc", scores, "holdout", volumes=2).described == "2 patients (holdout)"
    weaker = NullScores("ncc", scores, LEFT_OUT, volumes=3)
    assert weaker.weaker
    # Patients who were searched among themselves come in pairs.
    assert weaker.resolution == pytest.approx(2 / 4)
    both = NullScores("ncc", scores, BOTH, left_out=np.array([False, True]))
    assert not both.weaker
    assert both.described == "2 patients (1 of the holdout, 1 of training, each left out in turn)"
    assert both.resolution == pytest.approx(2 / 4)
    assert "with 3 volumes" in weaker.described
    assert "weaker" in weaker.described
