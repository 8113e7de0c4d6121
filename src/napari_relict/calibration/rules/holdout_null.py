"""Our own: p-values against patients searched in the same way, and a false discovery rate over the set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_relict.calibration.against_null import NullPatients, against_null
from napari_relict.calibration.predictive_tail import FEWEST_PATIENTS
from napari_relict.calibration.rules.outcome import Number, Outcome
from napari_relict.errors import DataError, UsageError

SOURCE = "Benjamini & Hochberg 1995; Bates et al. 2023, arXiv 2104.08279"


def holdout_null(
    closeness: np.ndarray,
    null: np.ndarray,
    *,
    alpha: float = 0.05,
    estimated_on: str | None = None,
    gaps: np.ndarray | None = None,
    null_gaps: np.ndarray | None = None,
    left_out: np.ndarray | None = None,
    steadfast: Sequence[bool] = (),
    tail: bool = True,
) -> Outcome:
    """Call copies where the q-value is below `alpha`; see `napari_relict.calibration.against_null`.

    p-values that share one holdout depend on each other in a way in which Benjamini and Hochberg's procedure keeps its
    false discovery rate, on average over holdouts (Bates, Candès, Lei, Romano & Sesia 2023, "Testing for outliers with
    conformal p-values", Annals of Statistics 51). That is of ranks; beyond the null p rests on a fitted tail.

    Parameters
    ----------
    closeness : numpy.ndarray of shape (synthetic, measures)
        Of each volume with its nearest training volume; larger is closer.
    null : numpy.ndarray of shape (patients, measures)
        Of patients who were not copied with theirs.
    alpha : float, default: 0.05
        False discovery rate, above 0 and below 1.
    estimated_on : str, optional
        What the null is made of, in words; holdout volumes when None.
    gaps, null_gaps : numpy.ndarray, optional
        How alone the nearest patient stands, like the two above; not looked at when None.
    left_out : numpy.ndarray of bool, shape (patients,), optional
        Training patients who were searched against the others; none when None.
    steadfast : sequence of bool, default: ()
        (measures,), see `against_null`.
    tail : bool, default: True
        Whether the predictive tail speaks beyond the null.

    Returns
    -------
    Outcome
        Calls, with p-values as values.

    Raises
    ------
    DataError
        Not such arrays, or no null.
    UsageError
        Alpha is no such rate.
    """
    if not 0 < alpha < 1:
        raise UsageError(f"alpha must lie between 0 and 1, not {alpha:g}")
    closeness, null = (np.asarray(values, np.float64) for values in (closeness, null))
    if closeness.ndim != 2 or null.ndim != 2 or closeness.shape[1] != null.shape[1]:
        raise DataError(
            "scores", f"shapes {closeness.shape} and {null.shape}", "give one row a volume, a column a measure"
        )
    scored = int(np.isfinite(null).any(1).sum())
    if not scored:
        raise DataError("the null", "no holdout volume has scores", "match a holdout cohort")
    patients = NullPatients(
        null,
        np.full(null.shape, np.nan) if null_gaps is None else null_gaps,
        np.zeros(len(null), bool) if left_out is None else left_out,
    )
    own_gaps = np.full(closeness.shape, np.nan) if gaps is None else gaps
    judged = against_null(closeness, own_gaps, patients, steadfast=steadfast, tail=tail)
    smallest = float(np.nanmin(judged.smallest)) if np.isfinite(judged.smallest).any() else 1.0
    # Without a tail so many copies have to be there before the smallest possible p-value gets a q-value below alpha.
    needed = int(np.floor(np.isfinite(judged.p).sum() * smallest / alpha)) + 1
    silent = needed > 1 and (not tail or scored < FEWEST_PATIENTS)
    return Outcome(
        rule="holdout_null",
        title="q-values against a holdout",
        source=SOURCE,
        estimated_on=estimated_on or f"{scored} holdout volumes searched against the same training volumes",
        calls=np.nan_to_num(judged.q, nan=1.0) < alpha,
        values=judged.p,
        numbers={"smallest p by ranks": Number(smallest), "false discovery rate": Number(alpha)},
        note=f"nothing can be called unless {needed} volumes or more reach the smallest p" if silent else "",
    )
