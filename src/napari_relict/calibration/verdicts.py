"""p-values and ratings -> one verdict for each synthetic volume, with the evidence in words.

`no replica` is a finding, not what is left over: each of its branches names what shows it. What is neither shown to be
a replica nor shown to be none is undecided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_relict.calibration.against_null import AgainstNull

UNDECIDED, EXACT, NEAR, NONE = "undecided", "exact replica", "near replica", "no replica"
# In the order in which people should look at them: what is undecided needs somebody first.
VERDICTS = (UNDECIDED, EXACT, NEAR, NONE)
REPLICAS = (EXACT, NEAR)
# From what may go to what must not.
CAREFUL_ORDER = (NONE, UNDECIDED, NEAR, EXACT)
# Grades that readers give, and what they call them. There is no neutral grade.
GRADES: Mapping[int, str] = {1: "different", 2: "similar", 3: "near replica", 4: "exact replica"}
REPLICA_GRADE = 3
CONSPICUOUS = 0.05  # p by ranks up to which a volume that was not called is undecided
SILENCED = 0.01  # p up to which it is undecided if one patient of the null were not there

VerdictRule = Literal["null", "ratings", "either"]


@dataclass(frozen=True)
class Verdict:
    """What is said of one synthetic volume.

    Attributes
    ----------
    synthetic, training : str
        Names of the synthetic volume and of its nearest training volume.
    verdict : str
        One of `VERDICTS`.
    p_value : float
        What q rests on: by ranks, or by the null's tail where that is smaller.
    q_value : float
        Benjamini-Hochberg of `p_value`.
    probability : float
        Of being rated a replica; NaN without enough ratings.
    evidence : str
        Why, in words.
    rule : str
        What the verdict rests on: equal voxels, rating, null, ratings.
    p_rank : float
        By ranks alone.
    p_tail, p_tail_low, p_tail_high : float, optional
        See `napari_relict.calibration.pareto_tail`; NaN but with `tail = "pareto"`.
    """

    synthetic: str
    training: str
    verdict: str
    p_value: float
    q_value: float
    probability: float
    evidence: str
    rule: str
    p_rank: float
    p_tail: float = float("nan")
    p_tail_low: float = float("nan")
    p_tail_high: float = float("nan")


@dataclass(frozen=True)
class Opinion:
    """What one source says of a volume, and why.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`.
    rule : str
        Which source it is.
    why : str, default: ''
        In words.
    """

    verdict: str
    rule: str
    why: str = ""


@dataclass(frozen=True)
class Nearness:
    """What scores say of one volume beside the null.

    Attributes
    ----------
    p, p_rank, smallest, q : float
        See `napari_relict.calibration.against_null.AgainstNull`.
    bend : float, optional
        mm that the anatomy still differs by after alignment; NaN where nobody looked.
    of_part : bool, default: False
        The most conspicuous measure is of a part, so that the bend of the whole says nothing.
    without : Nearness, optional
        The same beside the null without patients who may be training patients; None where there are none.
    but_for_one : float, optional
        P without the null's nearest patient; NaN where that was not asked.
    """

    p: float
    p_rank: float
    smallest: float
    q: float
    bend: float = float("nan")
    of_part: bool = False
    without: Nearness | None = None
    but_for_one: float = float("nan")

    @property
    def conspicuous(self) -> bool:
        """By ranks, nearer than nearly all of the null, or than all of a small one."""
        return bool(self.p_rank <= max(CONSPICUOUS, self.smallest + 1e-12))


def nearness(found: AgainstNull, row: int, bend: float = float("nan"), of_part: bool = False) -> Nearness:
    """Take one volume out of what the null says.

    Parameters
    ----------
    found : AgainstNull
        What the null says of all volumes.
    row : int
        The volume's row.
    bend : float, optional
        How far its anatomy differs after alignment, in mm; NaN where nobody looked.
    of_part : bool, default: False
        The most conspicuous measure is of a part.

    Returns
    -------
    Nearness
        What scores say of the volume.
    """
    without = None if found.without is None else nearness(found.without, row, bend, of_part)
    p, p_rank, smallest, q = (float(values[row]) for values in (found.p, found.p_rank, found.smallest, found.q))
    return Nearness(p, p_rank, smallest, q, bend, of_part, without, float(found.but_for_one[row]))


def by_null(
    near: Nearness, alpha: float, near_bend: float, changed: str | None, least_bend: float = float("nan")
) -> Opinion:
    """Judge by p-values and anatomy.

    Parameters
    ----------
    near : Nearness
        What scores say of the volume.
    alpha : float
        False discovery rate.
    near_bend : float
        mm from which on the anatomy is another person's.
    changed : str or None
        What of the anatomy was changed, in words; empty when nothing was, None when nobody looked.
    least_bend : float, optional
        Mm, the least that two patients of the null differ by; NaN where that is not known.

    Returns
    -------
    Opinion
        The verdict, with its reason.
    """
    far = np.isfinite(near.bend) and near.bend >= near_bend and not near.of_part
    bent = f"its anatomy is bent by {near.bend:.1f} mm"
    if not np.isfinite(near.p):
        return Opinion(UNDECIDED, "null", "there is no null to judge it by")
    if near.q < alpha and far:
        return Opinion(UNDECIDED, "null", f"nearer than the null allows, but {bent}: a look-alike, or badly aligned")
    if near.q < alpha:
        return Opinion(EXACT if changed == "" else NEAR, "null", changed or "")
    but_for_one = near.but_for_one <= SILENCED
    stands_out = near.conspicuous or but_for_one or (near.without is not None and near.without.conspicuous)
    if far and (near.bend >= least_bend or not stands_out):
        return Opinion(NONE, "null", f"{bent}, as between different people")
    if near.without is not None and near.without.conspicuous:
        less = f"q {near.without.q:.2g} without the patients of the null who may be training patients"
        return Opinion(UNDECIDED, "null", less)
    if but_for_one and not near.conspicuous:
        less = f"p {near.but_for_one:.2g} without the nearest patient of the null, who alone is as near"
        return Opinion(UNDECIDED, "null", less)
    if not near.conspicuous and np.isfinite(near.p_rank):
        return Opinion(NONE, "null", "no nearer than patients who were not copied")
    return Opinion(UNDECIDED, "null", "nearer than most of the null, which cannot tell a copy from chance here")


def by_rating(grade: float) -> Opinion:
    """Judge by what readers said of the very pair.

    Parameters
    ----------
    grade : float
        Their median grade; between two grades the more careful one counts.

    Returns
    -------
    Opinion
        The verdict, with its reason.
    """
    verdict = EXACT if grade >= REPLICA_GRADE + 0.5 else NEAR if grade >= REPLICA_GRADE - 0.5 else NONE
    return Opinion(verdict, "rating", f"rated {grade:g} ({GRADES[int(grade + 0.5)]})")


def more_careful(one: Opinion, other: Opinion) -> Opinion:
    """Choose the verdict that clears less; what both say rests on both.

    Parameters
    ----------
    one, other : Opinion
        Two opinions of one volume.

    Returns
    -------
    Opinion
        The more careful one, with what speaks against it.
    """
    if one.verdict == other.verdict:
        why = "; ".join(text for text in (one.why, other.why) if text)
        return Opinion(one.verdict, f"{one.rule} and {other.rule}", why)
    first, second = sorted((one, other), key=lambda opinion: CAREFUL_ORDER.index(opinion.verdict), reverse=True)
    against = f"by {second.rule} {second.verdict}" + (f" ({second.why})" if second.why else "")
    return Opinion(first.verdict, first.rule, "; ".join(text for text in (first.why, against) if text))
