"""Rules with a cut on a similarity: Dar et al., DeepSSIM, SSCD, largest correlation; numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_relict.calibration.rules import dar, fixed_cuts
from napari_relict.errors import DataError, UsageError

# Two synthetic and three holdout volumes against four training volumes.
SYNTHETIC = np.array([[0.9, 0.2, 0.1, 0.3], [0.1, 0.5, 0.2, 0.4]])
HOLDOUT = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.45, 0.3, 0.2], [0.2, 0.1, 0.35, 0.25]])


def test_dar_as_published_by_hand() -> None:
    # Closest holdout volume of each training volume: .4, .45, .35, .25. Their 50th percentile is .375.
    # Synthetic volumes reach .9 and .5: both are copies. Training volumes are reached by .9, .5, .2, .4: three are
    # memorised.
    found = dar.published(SYNTHETIC, HOLDOUT, percentile=50)
    assert found.cut == pytest.approx(0.375)
    assert found.calls is not None and found.memorised is not None
    assert list(found.calls) == [True, True]
    assert list(found.memorised) == [True, True, False, True]
    assert found.numbers["N_copies"].value == 2
    assert found.numbers["N_mem"].value == 3
    # Wilson for 3 of 4: (p + z²/2n ± z ((p q + z²/4n) / n)^.5) / (1 + z²/n), z² = 3.8415
    # = (.75 + .48018 ± 1.95996 * ((.1875 + .24009) / 4)^.5) / 1.96037 = .62753 ± .32689
    rate = found.numbers["share memorised"]
    assert (rate.value, rate.low, rate.high) == pytest.approx((0.75, 0.30064, 0.95442), abs=1e-4)
    assert "2 of 2 called copies" in found.said and dar.SOURCE in found.said
    # The 95th percentile of .25, .35, .4, .45 lies at place .95 * 3 = 2.85: .4 + .85 * .05 = .4425.
    assert dar.published(SYNTHETIC, HOLDOUT).cut == pytest.approx(0.4425)


def test_dar_with_matched_pools_by_hand() -> None:
    # Closest training volume of each holdout volume: .4, .45, .35, sorted .35, .4, .45. Rank ceil(.5 * 4) = 2: .4.
    found = dar.matched(SYNTHETIC, HOLDOUT, percentile=50, draws=50)
    assert found.cut == pytest.approx(0.4)
    assert found.calls is not None
    assert list(found.calls) == [True, True]
    assert found.memorised is None
    # N_mem: two of the three holdout volumes are drawn. Without the first, training volumes have closest .2, .45, .35,
    # .25 (median .3); without the second .4, .3, .35, .25 (.325); without the third .4, .45, .3, .2 (.35). Reached by
    # .9, .5, .2, .4: three memorised in each draw.
    assert found.numbers["N_mem"].value == 3
    # Rank ceil(.95 * 4) = 4 of three: no cut is high enough.
    none = dar.matched(SYNTHETIC, HOLDOUT)
    assert none.called == 0
    assert "too few" in none.note


def test_the_matched_cut_is_exceeded_as_often_as_it_says() -> None:
    """Exchangeable scores: the published cut is exceeded far more often, the matched one in at most 5%."""
    random, shares = np.random.default_rng(0), []
    for _ in range(200):
        scores = random.standard_normal((39 + 150, 150))
        found = [rule(scores[39:], scores[:39]) for rule in (dar.published, dar.matched)]
        shares.append([one.numbers[name].value for one in found for name in ("share of copies", "share memorised")])
    copies, memorised, copies_matched, memorised_matched = np.mean(shares, axis=0)
    # Independent scores: a maximum of 150 exceeds the 95th percentile of one of 39 with 1 - .95^(150/39) = 17.9%.
    assert copies == pytest.approx(0.179, abs=0.02)
    assert memorised == pytest.approx(0.179, abs=0.02)
    assert 0.03 < copies_matched <= 0.055
    assert memorised_matched == pytest.approx(0.05, abs=0.01)


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))
def test_dar_counts_agree_with_its_calls(seed: int, synthetic: int, holdout: int, training: int) -> None:
    random = np.random.default_rng(seed)
    made, real = random.random((synthetic, training)), random.random((holdout, training))
    for found in (dar.published(made, real), dar.matched(made, real)):
        assert found.calls is not None
        assert list(found.calls) == [max(row) > found.cut for row in made.tolist()]
        assert found.numbers["N_copies"].value == found.called
        assert 0 <= found.numbers["N_mem"].value <= training


def test_dar_says_what_it_cannot_use() -> None:
    with pytest.raises(DataError, match="holdout with training volumes: 3 columns, not 4"):
        dar.published(SYNTHETIC, HOLDOUT[:, :3])
    with pytest.raises(DataError, match="0 volumes"):
        dar.matched(SYNTHETIC, HOLDOUT[:0])
    with pytest.raises(UsageError, match="between 0 and 100, not 100"):
        dar.matched(SYNTHETIC, HOLDOUT, percentile=100)


def test_deepssim_has_three_classes_and_its_cuts_belong_to_the_lower_one() -> None:
    scores = np.array([0.6, 0.61, 0.85, 0.86, np.nan])
    found = fixed_cuts.deepssim(scores)
    assert list(found.classes) == ["different", "similar", "similar", "duplicate", ""]
    assert found.called == 1
    assert found.numbers["similar"].value == 0.5  # of the four that have a score
    better = fixed_cuts.deepssim(np.array([0.76, 0.77, 0.92, 0.93]), "deepssim++")
    assert list(better.classes) == ["different", "similar", "similar", "duplicate"]
    with pytest.raises(UsageError, match="no cuts of 'deepssim3'; there are deepssim, deepssim"):
        fixed_cuts.deepssim(scores, "deepssim3")


def test_sscd_and_correlation_call_what_is_above_their_cut() -> None:
    calls = fixed_cuts.sscd(np.array([0.5, 0.51, np.nan])).calls
    assert calls is not None and list(calls) == [False, True, False]
    found = fixed_cuts.correlation(np.array([0.2, 0.9]), 0.7)
    assert found.calls is not None and list(found.calls) == [False, True]
    assert found.numbers["largest"].value == 0.9
    without = fixed_cuts.correlation(np.array([0.2, 0.9]))
    assert without.calls is None and without.share is None
    assert "none is called" in without.said
    with pytest.raises(DataError, match="0 known values"):
        fixed_cuts.correlation(np.full(3, np.nan))
    with pytest.raises(UsageError, match="below 1, not 1"):
        fixed_cuts.correlation(np.array([0.2]), 1.0)
    with pytest.raises(DataError, match="one number a volume"):
        fixed_cuts.sscd(np.ones((2, 2)))
    with pytest.raises(DataError, match="finite"):
        fixed_cuts.sscd(np.array([np.inf]))
