"""p-values and ratings -> one verdict for each synthetic volume, with the evidence in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

EXACT, NEAR, NONE = "exact replica", "near replica", "no replica"
VERDICTS = (EXACT, NEAR, NONE)
# Grades that readers give, and what they call them. There is no neutral grade.
GRADES: Mapping[int, str] = {1: "different", 2: "similar", 3: "near replica", 4: "exact replica"}
REPLICA_GRADE = 3


@dataclass(frozen=True)
class Verdict:
    """What is said of one synthetic volume.

    Attributes
    ----------
    p_value : from ranks. q_value : Benjamini-Hochberg of what verdicts rest on: p, or the tail's upper end below it.
    p_tail, p_tail_low, p_tail_high : see `napari_relict.calibration.tail`; NaN where no tail was asked for or fitted.
    """

    synthetic: str
    training: str
    verdict: str
    p_value: float
    q_value: float
    probability: float
    evidence: str
    p_tail: float = float("nan")
    p_tail_low: float = float("nan")
    p_tail_high: float = float("nan")


def decide(
    *,
    synthetic: str,
    training: str,
    p: float,
    q: float,
    probability: float,
    alpha: float,
    changed: str | None,
    another: str,
    grade: float | None,
    same_voxels: bool,
    evidence: str,
    tail: tuple[float, float, float] = (float("nan"),) * 3,
) -> Verdict:
    """The verdict on one synthetic volume and its nearest training volume.

    Equal stored voxels are an exact replica, whatever anyone says. Else the reader is the reference: a rated pair
    gets what was said of it. Without a rating, q < alpha makes a replica, unless the anatomy is another patient's; it
    is exact when nothing of the anatomy was changed.

    Parameters
    ----------
    changed : what of the anatomy was changed, in words; empty when nothing was, None when nobody looked.
    another : what shows that the anatomy is another patient's, in words; empty when nothing does.
    grade : median grade of the readers who rated the pair, or None.
    tail : p beyond the null's resolution with its interval: p, low, high.
    """
    if same_voxels:
        name = EXACT
        evidence = f"the stored voxels are those of {training}, bit for bit; {evidence}"
    elif grade is not None and np.isfinite(grade):
        name = EXACT if grade >= REPLICA_GRADE + 0.5 else NEAR if grade >= REPLICA_GRADE - 0.5 else NONE
        evidence = f"rated {grade:g} ({GRADES[int(grade + 0.5)]}); {evidence}"
    elif np.isfinite(q) and q < alpha and another:
        name = NONE
        evidence += f"; nearer than the null allows, but {another}: a look-alike"
    elif np.isfinite(q) and q < alpha:
        name = EXACT if changed == "" else NEAR
        evidence += f"; {changed}" if changed else ""
    else:
        name = NONE
    return Verdict(synthetic, training, name, p, q, probability, evidence, *tail)
