"""What the null says of synthetic volumes: p by score and by gap, q, and what is wrong with the null."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_relict.calibration.fusing import Fused, fused, fused_statistics
from napari_relict.calibration.guards import NullOutlier, groups_differ, nearer_as_a_whole, null_outliers
from napari_relict.calibration.null import TIES_LEFT_OUT, q_values
from napari_relict.calibration.predictive_tail import FEWEST_PATIENTS


@dataclass(frozen=True)
class NullPatients:
    """The null, one row a patient.

    Attributes
    ----------
    scores : numpy.ndarray of shape (patients, levels)
        Larger is closer; NaN where a level is missing.
    gaps : numpy.ndarray of shape (patients, levels)
        How much farther the second nearest training patient lies; NaN likewise.
    left_out : numpy.ndarray of bool, shape (patients,)
        Training patients that were searched against the others.
    """

    scores: np.ndarray
    gaps: np.ndarray
    left_out: np.ndarray

    def __len__(self) -> int:
        """Count the patients."""
        return len(self.scores)

    @property
    def ties(self) -> int:
        """See `napari_relict.calibration.null.TIES_LEFT_OUT`."""
        return TIES_LEFT_OUT if self.left_out.any() else 1

    def only(self, which: np.ndarray) -> NullPatients:
        """Take some of the patients.

        Parameters
        ----------
        which : numpy.ndarray of bool, shape (patients,)
            Or places.

        Returns
        -------
        NullPatients
            Those patients.
        """
        return NullPatients(self.scores[which], self.gaps[which], self.left_out[which])


@dataclass(frozen=True)
class AgainstNull:
    """What the null says, arrays (synthetic,).

    Attributes
    ----------
    p : numpy.ndarray
        What q rests on: the smaller one of score and gap, doubled where there are both.
    p_rank : numpy.ndarray
        By ranks alone.
    smallest : numpy.ndarray
        What ranks could give at best.
    q : numpy.ndarray
        Of `p`, by Benjamini and Hochberg.
    decided_by_score, decided_by_gap : numpy.ndarray
        Index of the level that is most conspicuous by either; -1 where there is none.
    by_gap : numpy.ndarray
        The gap was the more conspicuous of the two.
    statistics, null_statistics : numpy.ndarray
        Of what p rests on, on the null's scale: (synthetic,) and (patients,); see
        `napari_relict.calibration.fusing.fused_statistics`.
    groups_differ : bool
        Holdout and left-out patients are unlike; the larger p counts.
    nearer_as_a_whole : bool
        So are volumes that are not conspicuous; scores do not count, but gap and `steadfast` levels.
    outliers : tuple of NullOutlier
        Patients of the null who may be training patients.
    but_for_one : numpy.ndarray
        P without the one nearest patient of the null, who may be a training patient whom nobody can name: a small null
        has no tail to tell him by. NaN where outliers are named, or too few are left.
    without : AgainstNull, optional
        What the null says without the outliers; None where there are none.
    """

    p: np.ndarray
    p_rank: np.ndarray
    smallest: np.ndarray
    q: np.ndarray
    decided_by_score: np.ndarray
    decided_by_gap: np.ndarray
    by_gap: np.ndarray
    statistics: np.ndarray
    null_statistics: np.ndarray
    groups_differ: bool
    nearer_as_a_whole: bool
    outliers: tuple[NullOutlier, ...]
    but_for_one: np.ndarray
    without: AgainstNull | None = None

    @property
    def decided(self) -> np.ndarray:
        """Index of the most conspicuous level; -1 where there is none."""
        return np.where(self.by_gap, self.decided_by_gap, self.decided_by_score)


def against_null(
    scores: np.ndarray,
    gaps: np.ndarray,
    null: NullPatients,
    *,
    steadfast: Sequence[bool] = (),
    tail: bool = True,
    sharpen: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> AgainstNull:
    """Judge synthetic volumes by the null alone.

    A copy is near its patient, and its patient stands alone: the next nearest one is as far off as strangers are. So
    score and gap are tested apart, in the same way, and p = min(1, 2 min(p_score, p_gap)). The gap withstands a
    generator whose volumes are nearer than new patients to everybody.

    Parameters
    ----------
    scores, gaps : numpy.ndarray of shape (synthetic, levels)
        Larger is closer; NaN where a level is missing.
    null : NullPatients
        The patients who were not copied.
    steadfast : sequence of bool, default: ()
        (levels,), levels of `scores` that count even where volumes are nearer as a whole, unless they are shifted
        themselves.
    tail : bool, default: True
        Whether the predictive tail speaks beyond the null.
    sharpen : callable, optional
        Another tail in its place: called with p by ranks, scores and the null's scores.

    Returns
    -------
    AgainstNull
        What the null says of every synthetic volume.
    """
    judged = _against(scores, gaps, null, steadfast, tail, sharpen)
    near = fused_statistics(null.scores, null.scores)[1]
    outliers = null_outliers(near, null.ties)
    kept = np.ones(len(null), bool)
    if not outliers:
        if np.isfinite(near).sum() <= FEWEST_PATIENTS:
            return judged
        kept[int(np.nanargmax(near))] = False
        return replace(judged, but_for_one=_against(scores, gaps, null.only(kept), steadfast, tail, sharpen).p)
    kept[[outlier.place for outlier in outliers]] = False
    without = against_null(scores, gaps, null.only(kept), steadfast=steadfast, tail=tail, sharpen=sharpen)
    # Without the first ones, others may stand out.
    outliers += _placed(without.outliers, kept)
    return replace(judged, outliers=tuple(outliers), without=without.without or without)


def _against(
    scores: np.ndarray,
    gaps: np.ndarray,
    null: NullPatients,
    steadfast: Sequence[bool],
    tail: bool,
    sharpen: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None,
) -> AgainstNull:
    """By this null as it is, whoever is in it."""
    statistics, rivals = fused_statistics(scores, null.scores)
    shifted = _shifted(statistics, rivals, null.left_out)
    counting = np.array(scores, float)
    if shifted:
        steady = np.zeros(scores.shape[1], bool) if not len(steadfast) else np.asarray(steadfast, bool)
        columns = zip(scores.T, null.scores.T, strict=True)
        steady &= ~np.array([_shifted(own, others, null.left_out) for own, others in columns], bool)
        counting[:, ~steady] = np.nan
    by_score, differ = _by_groups(counting, null.scores, null, tail)
    if sharpen is not None:
        by_score = replace(by_score, p=sharpen(by_score.p_rank, counting, null.scores))
    by_gap, gaps_differ = _by_groups(gaps, null.gaps, null, tail)
    both = np.isfinite(by_score.p) & np.isfinite(by_gap.p)
    times = np.where(both, 2.0, 1.0)
    p = np.minimum(1.0, times * np.fmin(by_score.p, by_gap.p))
    p_rank = np.minimum(1.0, times * np.fmin(by_score.p_rank, by_gap.p_rank))
    gap_first = np.isfinite(by_gap.p) & ~(by_score.p <= by_gap.p)
    if shifted and np.isfinite(null.gaps).any():  # what counts of copies has to be steadfast too
        statistics, rivals = fused_statistics(gaps, null.gaps)
    return AgainstNull(
        p,
        p_rank,
        times * np.fmax(by_score.smallest, by_gap.smallest),
        q_values(p),
        by_score.decided,
        by_gap.decided,
        gap_first,
        statistics,
        rivals,
        differ or gaps_differ,
        shifted,
        (),
        np.full(len(p), np.nan),
    )


def _shifted(mine: np.ndarray, rivals: np.ndarray, left_out: np.ndarray) -> bool:
    """Whether volumes are nearer as a whole; where the null's two kinds differ, than the nearer of the two."""
    if not groups_differ(rivals, left_out):
        return nearer_as_a_whole(mine, rivals)
    return all(nearer_as_a_whole(mine, rivals[kind]) for kind in (left_out, ~left_out))


def _placed(outliers: Sequence[NullOutlier], kept: np.ndarray) -> list[NullOutlier]:
    """Outliers of a part of the null, by their places in the whole."""
    places = np.flatnonzero(kept)
    return [NullOutlier(int(places[outlier.place]), outlier.p) for outlier in outliers]


def _by_groups(own: np.ndarray, rivals: np.ndarray, null: NullPatients, tail: bool) -> tuple[Fused, bool]:
    """Against all patients of the null; where its two kinds are unlike, the larger p of the two."""
    if not groups_differ(fused_statistics(rivals, rivals)[1], null.left_out):
        return fused(own, rivals, ties=null.ties, tail=tail), False
    holdout = fused(own, rivals[~null.left_out], tail=tail)
    left_out = fused(own, rivals[null.left_out], ties=TIES_LEFT_OUT, tail=tail)
    first = np.isnan(left_out.p) | (holdout.p >= left_out.p)
    return Fused(
        *(
            np.where(first, one, other)
            for one, other in (
                (holdout.p, left_out.p),
                (holdout.p_rank, left_out.p_rank),
                (holdout.smallest, left_out.smallest),
                (holdout.decided, left_out.decided),
            )
        )
    ), True
