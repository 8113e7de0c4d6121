"""The answer in words: what a data steward reads first, and may read alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import pandas as pd

from napari_relict.calibration import NullScores
from napari_relict.calibration.predictive_tail import FEWEST_PATIENTS
from napari_relict.calibration.verdicts import EXACT, NEAR, REPLICAS, UNDECIDED
from napari_relict.decisions.release import Release


@dataclass(frozen=True)
class Answer:
    """The answer in sentences.

    Attributes
    ----------
    headline : str
        One sentence.
    lines : tuple of str
        What follows from it.
    cautions : tuple of str
        What makes it weak; called small where it is.
    """

    headline: str
    lines: tuple[str, ...]
    cautions: tuple[str, ...]


def answer(
    verdicts: pd.DataFrame,
    release: Release,
    risk: float,
    null: NullScores,
    alpha: float,
    rated: int,
    *,
    tail: bool = True,
    cautions: Sequence[str] = (),
) -> Answer:
    """Put verdicts, lists and their weak points in sentences.

    Parameters
    ----------
    verdicts : pandas.DataFrame
        As `Study.verdicts` gives them.
    release : Release
        What to withhold and what is cleared.
    risk : float
        Share of replicas among the volumes that are cleared.
    null : NullScores
        Of a deciding measure.
    alpha : float
        False discovery rate.
    rated : int
        Synthetic volumes that readers rated.
    tail : bool, default: True
        Whether p goes on beyond the null by a fitted tail.
    cautions : sequence of str, default: ()
        Of `Study.cautions`.

    Returns
    -------
    Answer
        What the report says first.
    """
    count, copies = len(verdicts), verdicts[verdicts["verdict"].isin(REPLICAS)]
    exact, near, undecided = (int((verdicts["verdict"] == name).sum()) for name in (EXACT, NEAR, UNDECIDED))
    headline = (
        f"Of {_number(count, 'synthetic volume')} {_replicas(len(copies))}, {undecided} {_is(undecided)} undecided "
        f"and {len(release.cleared)} {_is(len(release.cleared))} cleared."
    )
    lines = []
    if len(copies):
        sources = copies["training"].nunique()
        lines.append(f"{exact} exact and {near} near replicas, of {_number(sources, 'different training volume')}.")
    if undecided:
        lines.append(
            f"{undecided} could not be decided: nearer than strangers usually are, or alike in one way and not in "
            "another. They come first in every table and are never cleared; rate them."
        )
    lines += [
        f"By {estimate.source} there are about {estimate.copies:.0f} copies "
        f"(95% interval {estimate.low:.0f} to {estimate.high:.0f})."
        for estimate in release.copies
    ]
    held, cleared = len(release.withhold), len(release.cleared)
    more = held - len(copies)
    beyond = f": the replicas, and {more} that could not be cleared" if more and len(copies) else ""
    lines.append(
        f"Withhold {_number(held, 'volume')}{beyond}. {cleared} {_is(cleared)} cleared at a risk of {risk:g}; "
        "what that promises is said under Release."
        if held
        else f"None has to be withheld; {cleared} {_is(cleared)} cleared at a risk of {risk:g}."
    )
    return Answer(headline, tuple(lines), (*cautions, *_cautions(count, len(copies), null, alpha, rated, tail)))


def fewest_to_call(tested: int, null: NullScores, alpha: float) -> int:
    """Count how many volumes have to reach the smallest p of ranks before any is called by Benjamini and Hochberg.

    Parameters
    ----------
    tested : int
        Synthetic volumes that were tested.
    null : NullScores
        What scores are compared with.
    alpha : float
        False discovery rate.

    Returns
    -------
    int
        The smallest number of volumes.
    """
    return floor(tested * null.resolution / alpha) + 1


def _cautions(count: int, copies: int, null: NullScores, alpha: float, rated: int, tail: bool) -> list[str]:
    said = []
    least = fewest_to_call(count, null, alpha)
    small = f"{null.described}; by ranks no p below {null.resolution:.3f}"
    if not null.known:
        said.append("There is no null to judge scores by: only equal voxels and ratings can make a replica.")
    elif tail and null.known >= FEWEST_PATIENTS and least > 1:
        said.append(
            f"The null is small ({small}): replicas are called by a tail fitted to its nearest patients, which assumes "
            "that closeness goes on beyond them as at their end. What lies beyond the null and was not called is "
            "undecided."
        )
    elif least > count:
        said.append(
            f"The null is too small to call any copy by scores: {small}. Read the undecided pairs, or add holdout "
            "patients."
        )
    elif least > 1:
        said.append(
            f"The null is small ({small}): with fewer than {least} conspicuous volumes none is called by scores; what "
            "lies beyond the null is undecided then."
        )
    if null.weaker:
        said.append("There was no holdout: training patients, each left out in turn, are weaker evidence.")
    if not rated:
        said.append("Nobody has rated a pair: all verdicts rest on scores.")
    elif rated < count:
        said.append(f"Readers rated {rated} of {count} volumes; verdicts on the others rest on scores.")
    if not copies:
        said.append("No copy found is no proof of privacy: a copy of a small region, for one, may be missed.")
    return said


def _number(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _replicas(count: int) -> str:
    if not count:
        return "none looks like a copy of a training patient"
    return f"{count} " + (
        "looks like a copy of a training patient" if count == 1 else "look like copies of training patients"
    )


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
