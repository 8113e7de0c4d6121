"""Power at the sizes people have, with known truth: small holdouts, none, another site, a mislabelled patient."""

from __future__ import annotations

import numpy as np
import pytest

from napari_relict.calibration.against_null import AgainstNull, NullPatients, against_null
from napari_relict.calibration.verdicts import by_null, nearness

ALPHA = 0.05


def study(
    seed: int, holdout: int, left_out: int = 0, synthetic: int = 50, copies: int = 0, margin: float = 15
) -> tuple[np.ndarray, np.ndarray, NullPatients]:
    random = np.random.default_rng(seed)
    scores, gaps = random.standard_normal((synthetic, 1)), random.exponential(0.5, (synthetic, 1))
    scores[:copies] += margin
    gaps[:copies] = margin
    patients = holdout + left_out
    null = NullPatients(
        random.standard_normal((patients, 1)), random.exponential(0.5, (patients, 1)), np.arange(patients) >= holdout
    )
    return scores, gaps, null


def verdicts(found: AgainstNull) -> list[str]:
    return [by_null(nearness(found, row), ALPHA, 2.0, "").verdict for row in range(len(found.p))]


@pytest.mark.parametrize(("holdout", "left_out"), [(12, 0), (50, 0), (12, 48), (0, 20), (0, 50)])
@pytest.mark.parametrize("copies", [3, 25])
def test_blatant_copies_are_called_however_small_the_null(holdout: int, left_out: int, copies: int) -> None:
    called, wrong, cleared = 0, 0, 0
    for seed in range(20):
        said = verdicts(against_null(*study(seed, holdout, left_out, copies=copies)))
        called += said[:copies].count("exact replica")
        cleared += said[:copies].count("no replica")
        wrong += said[copies:].count("exact replica")
    assert called >= (0.8 if holdout + left_out < 20 else 0.95) * 20 * copies
    assert cleared == 0
    assert wrong <= max(2, 0.08 * called)


def test_ranks_alone_called_nobody_there() -> None:
    found = against_null(*study(0, 12, copies=3), tail=False)
    assert not (found.q < ALPHA).any()
    assert verdicts(found)[:3] == ["undecided"] * 3


def test_clean_studies_have_hardly_a_false_call() -> None:
    false = sum(bool((against_null(*study(seed, 30, synthetic=100)).q < ALPHA).any()) for seed in range(120))
    assert false <= 9


def test_one_copy_of_a_hundred_is_found_by_how_alone_its_patient_stands() -> None:
    """A generator whose volumes are all nearer than new patients: scores say nothing, the gap does."""
    called = false = noticed = 0
    for seed in range(20):
        scores, gaps, null = study(seed, 60, synthetic=100, copies=1, margin=10)
        found = against_null(scores + 1.5, gaps, null)
        noticed += found.nearer_as_a_whole
        called += bool(found.q[0] < ALPHA and found.by_gap[0])
        false += int((found.q[1:] < ALPHA).sum())
    assert called >= 16 and noticed >= 17
    assert false <= 2


def test_anatomy_counts_where_scores_are_shifted() -> None:
    scores, _, null = study(1, 60, synthetic=100)
    bend = np.random.default_rng(5).standard_normal((160, 1))
    bend[0] = 20
    null = NullPatients(np.hstack([null.scores, bend[100:]]), np.full((60, 2), np.nan), null.left_out)
    shifted = np.hstack([scores + 2, bend[:100]])
    found = against_null(shifted, np.full((100, 2), np.nan), null, steadfast=[False, True])
    assert found.nearer_as_a_whole
    assert np.flatnonzero(found.q < ALPHA).tolist() == [0]
    assert found.decided[0] == 1


def test_a_holdout_from_another_site_calls_no_stranger() -> None:
    for seed in range(10):
        scores, gaps, null = study(seed, 20, 48, copies=2)
        null.scores[:20] -= 3
        found = against_null(scores, gaps, null)
        assert found.groups_differ and not found.nearer_as_a_whole
        said = verdicts(found)
        assert said[:2] == ["exact replica"] * 2
        assert "exact replica" not in said[2:]


@pytest.mark.parametrize("holdout", [30, 200])
def test_one_mislabelled_patient_is_named_and_silences_nobody(holdout: int) -> None:
    scores, gaps, null = study(3, holdout, copies=4)
    null.scores[7], null.gaps[7] = 60, 60
    found = against_null(scores, gaps, null)
    assert [one.place for one in found.outliers] == [7]
    assert not (found.q < ALPHA).any()
    assert found.without is not None and (found.without.q[:4] < ALPHA).all()
    assert verdicts(found)[:4] == ["undecided"] * 4


def test_a_mislabelled_patient_of_a_small_null_clears_nobody_whether_named_or_not() -> None:
    unnamed = 0
    for seed in range(60):
        scores, gaps, null = study(seed, 12, copies=4)
        null.scores[7], null.gaps[7] = 30, 30
        found = against_null(scores, gaps, null)
        unnamed += not found.outliers
        assert np.isnan(found.but_for_one).all() == bool(found.outliers)
        assert verdicts(found)[:4] == ["undecided"] * 4
    assert unnamed


def test_without_a_null_nothing_is_cleared() -> None:
    scores, gaps, _ = study(0, 0, copies=1)
    found = against_null(scores, gaps, NullPatients(np.empty((0, 1)), np.empty((0, 1)), np.zeros(0, bool)))
    assert set(verdicts(found)) == {"undecided"}


def test_a_copied_part_stays_one_where_the_gap_of_the_whole_is_more_conspicuous() -> None:
    """The level of the score is told apart from that of the gap: a part says nothing of the bend of the whole."""
    random = np.random.default_rng(4)
    null = NullPatients(random.standard_normal((40, 2)), random.exponential(0.5, (40, 2)), np.zeros(40, bool))
    found = against_null(np.array([[0.0, 9.0]]), np.array([[30.0, 0.1]]), null)
    assert (found.decided_by_score[0], found.decided_by_gap[0]) == (1, 0)
    assert found.by_gap[0] and found.decided[0] == 0
