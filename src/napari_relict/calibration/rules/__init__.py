"""Rules that say which synthetic volumes are copies: published ones by name, and our own."""

from napari_relict.calibration.rules.evidence import Evidence
from napari_relict.calibration.rules.outcome import Number, Outcome
from napari_relict.calibration.rules.registry import RULES, Rule

__all__ = ["RULES", "Evidence", "Number", "Outcome", "Rule"]
