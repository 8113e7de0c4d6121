"""The feature level of one pair: its similarity among the null's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_relict.study import Study


@dataclass(frozen=True)
class FeatureStrip:
    """Where the similarity of one pair lies.

    Attributes
    ----------
    title : str
        Of the encoder.
    value : float
        Of this pair; NaN where it is not known.
    null : numpy.ndarray of shape (patients,)
        Each with the nearest training volume.
    source : str
        What the patients of the null are, in a word.
    others : numpy.ndarray of shape (synthetic volumes,)
        The other synthetic volumes with theirs.
    cut, low, high : float, optional
        Threshold from ratings and its 95% interval; NaN where there is none.
    """

    title: str
    value: float
    null: np.ndarray
    source: str
    others: np.ndarray
    cut: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")

    @property
    def said(self) -> str:
        """The strip in words."""
        if not np.isfinite(self.value):
            return "not known"
        scores = self.null[np.isfinite(self.null)]
        return f"{self.value:.3f}, closer than {int((self.value > scores).sum())} of {len(scores)} ({self.source})"


def feature_strip(study: Study, synthetic: str, value: float) -> FeatureStrip | None:
    """Lay out the strip of the study's first encoder.

    Parameters
    ----------
    study : Study
        The study.
    synthetic : str
        Name of the pair's synthetic volume.
    value : float
        Similarity of the pair.

    Returns
    -------
    FeatureStrip or None
        None where the last match used no encoder.
    """
    measure = next((candidate for candidate in study.measures() if candidate.level == "feature"), None)
    if measure is None:
        return None
    null, cuts = study.null(measure.name), study.thresholds().set_index("measure")
    columns = ("threshold", "threshold_low", "threshold_high") if measure.name in cuts.index else ()
    ends = [float(cuts[name].loc[measure.name]) for name in columns]
    others = study.nearest()[measure.name].drop(synthetic, errors="ignore").to_numpy(float)
    source = "training" if null.weaker else "holdout"
    return FeatureStrip(measure.title, value, null.scores, source, others, *ends)


def draw_strip(ax: Any, strip: FeatureStrip) -> None:
    """Draw a strip: similarity upwards, the null's patients as dashes, synthetic volumes beside them, this pair marked.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    strip : FeatureStrip
        What to draw.
    """
    random = np.random.default_rng(0)
    ax.plot(random.uniform(-0.2, 0.2, len(strip.null)), strip.null, "_", color="#555555", markersize=8)
    ax.plot(1 + random.uniform(-0.2, 0.2, len(strip.others)), strip.others, "o", color="#9db7cc", markersize=2.5)
    if np.isfinite(strip.value):
        ax.plot([1], [strip.value], "D", color="#d55e00", markersize=6)
        ax.annotate(
            f"{strip.value:.3f}", (1, strip.value), (0, -11), textcoords="offset points", ha="center", fontsize=7
        )
    if np.isfinite(strip.cut):
        ax.axhspan(strip.low, strip.high, color="#cccccc", alpha=0.6, linewidth=0)
        ax.axhline(strip.cut, color="black", linewidth=1)
    ax.set_xlim(-0.5, 1.5)
    ax.set_xticks([0, 1], [strip.source, "synthetic"], fontsize=7, rotation=30, ha="right", rotation_mode="anchor")
    ax.tick_params(axis="y", labelsize=7)
    ax.set_ylabel(f"{strip.title}, closest similarity (up is closer)", fontsize=7, labelpad=2)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
