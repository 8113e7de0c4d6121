"""How good a synthetic cohort is by the usual metrics, and what those metrics see when real volumes are altered."""

from napari_relict.quality.evaluating import evaluate
from napari_relict.quality.registry import FAMILIES, METRICS, Metric, Needs

__all__ = ["FAMILIES", "METRICS", "Metric", "Needs", "evaluate"]
