"""Scores and ratings -> p-values, thresholds, verdicts."""

from napari_relict.calibration.fusing import fused_p_values
from napari_relict.calibration.null import NullScores, q_values
from napari_relict.calibration.thresholds import FEWEST_RATINGS, Threshold, best_threshold
from napari_relict.calibration.verdicts import Verdict

__all__ = [
    "FEWEST_RATINGS",
    "NullScores",
    "Threshold",
    "Verdict",
    "best_threshold",
    "fused_p_values",
    "q_values",
]
