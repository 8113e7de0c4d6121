"""Studies whose null is not as it should be, for `benchmarks.power`: what the tool then says, and how often."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.power_studies import ALPHA, Drawn, cleared, draw, ours
from napari_relict.calibration.against_null import AgainstNull, NullPatients, against_null

STUDIES = 200
DIMENSIONS = 8  # of simulated anatomies
COPY_DISTANCE = 0.02  # of a copy to its patient, as a share of what strangers have


def _called(found: AgainstNull) -> np.ndarray:
    return np.asarray(np.nan_to_num(found.q, nan=1.0) < ALPHA)


def nearer_generator(holdout: int, shift: float) -> list[list[str]]:
    """A generator that copies nobody but is nearer to everybody than new patients are."""
    random = np.random.default_rng((1, holdout))
    noticed = false = 0
    for _ in range(STUDIES):
        clean = draw("normal", holdout, 100, 0, 0, random)
        found = ours(Drawn(clean.kind, clean.score + shift, clean.gap, clean.copy, clean.null_score, clean.null_gap))
        noticed += found.nearer_as_a_whole
        false += bool(_called(found).any())
    size = f"holdout {holdout}, 100 volumes {shift:g} SD nearer, none a copy"
    return [["nearer as a whole", size, "noticed", _rate(noticed)], ["", size, "any stranger called", _rate(false)]]


def mislabelled(holdout: int) -> list[list[str]]:
    """One patient of the holdout is a training patient."""
    random = np.random.default_rng((2, holdout))
    named = called = kept = lost = 0
    for _ in range(STUDIES):
        one = draw("normal", holdout, 100, 5, 10, random)
        one.null_score[0] += 30
        one.null_gap[0] += 30
        found = ours(one)
        named += any(outlier.place == 0 for outlier in found.outliers)
        called += int((_called(found) & one.copy).sum())
        lost += int((cleared(found) & one.copy).sum())
        kept += int((~cleared(found) & ~_called(found) & one.copy).sum())
    size = f"holdout {holdout}, 5 copies of 100 at 10 SD"
    shares = " / ".join(f"{count / 5 / STUDIES:.2f}" for count in (called, kept, lost))
    return [
        ["a training patient in the holdout", size, "named", _rate(named)],
        ["", size, "copies called / undecided / cleared", shares],
    ]


def other_site(holdout: int, left_out: int) -> list[list[str]]:
    """Holdout patients from another site lie a standard deviation farther off; left-out ones are as they should be."""
    random = np.random.default_rng((3, holdout))
    noticed = false = called = 0
    for _ in range(STUDIES):
        clean, copied = (draw("normal", holdout + left_out, 100, count, 10, random) for count in (0, 5))
        for one in (clean, copied):
            one.null_score[:holdout] -= 1.5
            null = NullPatients(
                one.null_score[:, None], one.null_gap[:, None], np.arange(len(one.null_score)) >= holdout
            )
            found = against_null(one.score[:, None], one.gap[:, None], null)
            if one is clean:
                noticed += found.groups_differ
                false += bool(_called(found).any())
            else:
                called += int((_called(found) & one.copy).sum())
    size = f"holdout {holdout} at 1.5 SD farther, {left_out} left out"
    return [
        ["holdout from another site", size, "noticed", _rate(noticed)],
        ["", size, "any stranger called", _rate(false)],
        ["", size, "of 5 copies at 10 SD called", f"{called / 5 / STUDIES:.2f}"],
    ]


def no_holdout(training: int) -> list[list[str]]:
    """Training patients alone, as points whose nearest neighbours are often mutual."""
    random = np.random.default_rng((4, training))
    false = called = 0
    for _ in range(STUDIES):
        patients = random.standard_normal((training, DIMENSIONS))
        strangers = random.standard_normal((100, DIMENSIONS))
        null = NullPatients(*_nearness(patients, patients, itself=True), np.ones(training, bool))
        false += bool(_called(against_null(*_nearness(strangers, patients), null)).any())
        strangers[:5] = patients[:5] + COPY_DISTANCE * random.standard_normal((5, DIMENSIONS))
        called += int(_called(against_null(*_nearness(strangers, patients), null))[:5].sum())
    size = f"{training} training patients, 100 volumes"
    return [
        ["no holdout", size, "any stranger called (none a copy)", _rate(false)],
        ["", size, "of 5 blatant copies called", f"{called / 5 / STUDIES:.2f}"],
    ]


def _nearness(queries: np.ndarray, patients: np.ndarray, itself: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Minus the log distance to the nearest patient, and how much farther the second one is: (queries, 1) each."""
    distance = np.linalg.norm(queries[:, None] - patients, axis=2)
    if itself:
        np.fill_diagonal(distance, np.inf)
    first, second = np.sort(distance, axis=1)[:, :2].T
    return -np.log(first)[:, None], np.log(second / first)[:, None]


def scenarios() -> list[list[str]]:
    """Rows of a table: what, study, what happens, how often."""
    runs: list[Callable[[], list[list[str]]]] = [
        *(lambda h=h, s=s: nearer_generator(h, s) for h in (20, 50, 200) for s in (0.5, 1.0)),  # type: ignore[misc]
        *(lambda h=h: mislabelled(h) for h in (12, 50, 200)),  # type: ignore[misc]
        *(lambda h=h: other_site(h, 48) for h in (12, 50)),  # type: ignore[misc]
        *(lambda t=t: no_holdout(t) for t in (10, 20, 50)),  # type: ignore[misc]
    ]
    return [row for run in runs for row in run()]


def _rate(count: int) -> str:
    return f"{count / STUDIES:.3f}"
