"""Our own: p-values against holdout volumes searched in the same way, and a false discovery rate over the set."""

from __future__ import annotations

import numpy as np

from napari_relict.calibration.null import fused_p_values, p_values, q_values
from napari_relict.calibration.rules.arrays import scores
from napari_relict.calibration.rules.outcome import Number, Outcome
from napari_relict.errors import DataError, UsageError

SOURCE = "Benjamini & Hochberg 1995; Bates et al. 2023, arXiv 2104.08279"


def holdout_null(
    closeness: np.ndarray, null: np.ndarray, *, alpha: float = 0.05, estimated_on: str | None = None
) -> Outcome:
    """Copies where the q-value is below `alpha`; see `napari_relict.calibration.null`.

    p-values that share one holdout depend on each other in a way in which Benjamini and Hochberg's procedure keeps its
    false discovery rate, on average over holdouts (Bates, Candès, Lei, Romano & Sesia 2023, "Testing for outliers with
    conformal p-values", Annals of Statistics 51).

    Parameters
    ----------
    closeness : (synthetic, measures), of each volume with its nearest training volume; larger is closer.
    null : (holdout, measures), of holdout volumes with theirs.
    alpha : false discovery rate, above 0 and below 1.
    estimated_on : what the null is made of, in words; holdout volumes when None.

    Raises
    ------
    DataError : not such arrays, or no null. UsageError : alpha is no such rate.
    """
    if not 0 < alpha < 1:
        raise UsageError(f"alpha must lie between 0 and 1, not {alpha:g}")
    closeness, null = (np.asarray(one, np.float64) for one in (closeness, null))
    if closeness.ndim != 2 or null.ndim != 2 or closeness.shape[1] != null.shape[1]:
        raise DataError(
            "scores", f"shapes {closeness.shape} and {null.shape}", "give one row a volume, a column a measure"
        )
    known = int(np.isfinite(null).all(1).sum())
    if not known:
        raise DataError("the null", "no holdout volume has scores", "match a holdout cohort")
    # Fusing one measure gives the same, more slowly.
    p = p_values(scores(closeness[:, 0], "scores", rows=0), null[:, 0]) if closeness.shape[1] == 1 else None
    p = fused_p_values(closeness, null)[0] if p is None else p
    calls = np.nan_to_num(q_values(p), nan=1.0) < alpha
    # So many copies have to be there before the smallest possible p-value gets a q-value below alpha.
    needed = int(np.floor(np.isfinite(p).sum() / ((1 + known) * alpha))) + 1
    return Outcome(
        rule="holdout_null",
        title="q-values against a holdout",
        source=SOURCE,
        estimated_on=estimated_on or f"{known} holdout volumes searched against the same training volumes",
        calls=calls,
        values=p,
        numbers={"smallest possible p": Number(1 / (1 + known)), "false discovery rate": Number(alpha)},
        note=f"nothing can be called unless {needed} volumes or more reach the smallest p" if needed > 1 else "",
    )
