"""What p-values rest on, as arrays: scores and gaps of the deciding measures, of synthetic volumes and of the null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_relict.calibration import NullScores
from napari_relict.calibration.against_null import AgainstNull, NullPatients, against_null
from napari_relict.calibration.null import location_and_scale
from napari_relict.calibration.pareto_tail import sharpened, tail_p_values
from napari_relict.measures import Measure
from napari_relict.records.settings import VerdictSettings


@dataclass(frozen=True)
class DecidingScores:
    """Attributes
    ----------
    names : of the synthetic volumes, in the order of all rows. measures : in the order of all columns.
    scores, gaps : (synthetic, measures), larger is closer, as p-values weigh them; NaN where unknown.
    null : the same of the null's patients. nulls : where they are from, by measure.
    """

    names: Sequence[str]
    measures: Sequence[Measure]
    scores: np.ndarray
    gaps: np.ndarray
    null: NullPatients
    nulls: Mapping[str, NullScores]

    def z(self) -> np.ndarray:
        """(synthetic, measures): how far beyond the null's centre each score lies, in its standard deviations."""
        return self._scaled(self.scores)

    def null_z(self) -> np.ndarray:
        """(patients, measures): the same of the null's patients."""
        return self._scaled(self.null.scores)

    def _scaled(self, scores: np.ndarray) -> np.ndarray:
        scales = [location_and_scale(column) for column in self.null.scores.T]
        return np.column_stack([(s - centre) / scale for s, (centre, scale) in zip(scores.T, scales, strict=True)])

    def judged(self, settings: VerdictSettings) -> AgainstNull:
        """What the null says of the synthetic volumes."""
        return against_null(
            self.scores,
            self.gaps,
            self.null,
            steadfast=[measure.steadfast for measure in self.measures],
            tail=settings.tail == "predictive",
            sharpen=_by_pareto if settings.tail == "pareto" else None,
        )


def deciding_scores(
    nearest: pd.DataFrame, gaps: pd.DataFrame, nulls: Mapping[str, NullScores], measures: Sequence[Measure]
) -> DecidingScores:
    """Arrays of stored scores.

    Parameters
    ----------
    nearest, gaps : synthetic volumes by measures, see `napari_relict.records.reader.Stored`.
    """
    patients = max((len(nulls[measure.name].scores) for measure in measures), default=0)
    left_out = next((nulls[measure.name].from_training for measure in measures), np.zeros(0, bool))
    return DecidingScores(
        [str(name) for name in nearest.index],
        measures,
        np.column_stack([measure.weight(nearest[measure.name].to_numpy(float)) for measure in measures]),
        np.column_stack([gaps.reindex(nearest.index)[measure.name].to_numpy(float) for measure in measures]),
        NullPatients(
            np.column_stack([measure.weight(nulls[measure.name].scores) for measure in measures]),
            np.column_stack([_or_unknown(nulls[measure.name].gaps, patients) for measure in measures]),
            left_out,
        ),
        nulls,
    )


def _or_unknown(values: np.ndarray | None, count: int) -> np.ndarray:
    return np.full(count, np.nan) if values is None else values


def _by_pareto(p: np.ndarray, scores: np.ndarray, null: np.ndarray) -> np.ndarray:
    return sharpened(p, tail_p_values(scores, null))
