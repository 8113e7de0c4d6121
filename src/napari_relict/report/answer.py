"""The answer in words: what a data steward reads first, and may read alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import pandas as pd

from napari_relict.calibration import NullScores
from napari_relict.calibration.verdicts import EXACT, NEAR, NONE
from napari_relict.study.release import Release


@dataclass(frozen=True)
class Answer:
    """Attributes
    ----------
    headline : one sentence. lines : what follows from it. cautions : what makes it weak; called small where it is.
    """

    headline: str
    lines: tuple[str, ...]
    cautions: tuple[str, ...]


def answer(verdicts: pd.DataFrame, release: Release, risk: float, null: NullScores, alpha: float, rated: int) -> Answer:
    """Verdicts, lists and their weak points in sentences.

    Parameters
    ----------
    verdicts : as `Study.verdicts` gives them.
    null : of a deciding measure. alpha : false discovery rate. rated : synthetic volumes that readers rated.
    """
    count, copies = len(verdicts), verdicts[verdicts["verdict"] != NONE]
    exact, near = (int((verdicts["verdict"] == name).sum()) for name in (EXACT, NEAR))
    nearest = int((verdicts["p_value"] <= null.resolution + 1e-12).sum())
    if copies.empty and nearest:
        headline = (
            f"No verdict: {nearest} of {_number(count, 'synthetic volume')} {_is(nearest)} nearer to a training "
            "patient than all of the null, which is too small to call copies."
        )
    elif copies.empty:
        headline = f"No copy of a training patient was found among {_number(count, 'synthetic volume')}."
    else:
        look = (
            "looks like a copy of a training patient" if len(copies) == 1 else "look like copies of training patients"
        )
        headline = f"{len(copies)} of {_number(count, 'synthetic volume')} {look}."
    lines = []
    if len(copies):
        sources = copies["training"].nunique()
        lines.append(f"{exact} exact and {near} near replicas, of {_number(sources, 'different training volume')}.")
    lines += [
        f"By {one.source} there are about {one.copies:.0f} copies (95% interval {one.low:.0f} to {one.high:.0f})."
        for one in release.copies
    ]
    held, cleared = len(release.withhold), len(release.cleared)
    more = held - len(copies)
    beyond = f": the copies, and {more} that could not be cleared" if more and len(copies) else ""
    lines.append(
        f"Withhold {_number(held, 'volume')}{beyond}. {cleared} {_is(cleared)} cleared at a risk of {risk:g}; "
        "what that promises is said under Release."
        if held
        else f"None has to be withheld; {cleared} {_is(cleared)} cleared at a risk of {risk:g}."
    )
    return Answer(headline, tuple(lines), tuple(_cautions(count, len(copies), null, alpha, rated)))


def fewest_to_call(tested: int, null: NullScores, alpha: float) -> int:
    """How many volumes have to reach the smallest possible p before any is called by Benjamini and Hochberg."""
    return floor(tested * null.resolution / alpha) + 1


def _cautions(count: int, copies: int, null: NullScores, alpha: float, rated: int) -> list[str]:
    said = []
    least = fewest_to_call(count, null, alpha)
    if not null.known:
        said.append("There is no null to judge scores by: only equal voxels and ratings can make a copy.")
    elif least > count:
        said.append(
            f"The null is too small to call any copy by scores: {null.described}, smallest possible p "
            f"{null.resolution:.3f}. Read the nearest pairs below, or add holdout patients."
        )
    elif least > 1:
        said.append(
            f"The null is small ({null.described}; smallest possible p {null.resolution:.3f}): with fewer than {least} "
            "conspicuous volumes none would have been called by scores"
            + ("." if copies else ", so that none was called does not mean that there is none.")
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


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
