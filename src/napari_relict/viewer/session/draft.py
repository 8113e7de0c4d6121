"""What a reader has said about one showing of a pair, before and after it is locked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.viewer.session.tables import rows_of

GRADES = {1: "different", 2: "similar", 3: "near replica", 4: "exact replica"}
#: Of the five steps a study can store, three are on keys; ends and middle keep their meaning.
CONFIDENCES = {1: "low", 3: "medium", 5: "high"}


@dataclass
class Draft:
    """Grade and all that goes with it; `None` and empty where nothing was said."""

    grade: int | None = None
    confidence: int | None = None
    criteria: set[str] = field(default_factory=set)
    comment: str = ""
    regions: list[MarkedRegion] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return self == Draft()

    @property
    def noted(self) -> bool:
        """There is something to read or to look at beside the grade."""
        return bool(self.comment or self.regions)

    def copy(self) -> Draft:
        return Draft(self.grade, self.confidence, set(self.criteria), self.comment, list(self.regions))

    def to_json(self) -> dict[str, Any]:
        return {
            "grade": self.grade,
            "confidence": self.confidence,
            "criteria": sorted(self.criteria),
            "comment": self.comment,
            "regions": [region.to_json() for region in self.regions],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Draft:
        return cls(
            stored.get("grade"),
            stored.get("confidence"),
            set(stored.get("criteria") or ()),
            stored.get("comment") or "",
            [MarkedRegion.from_json(one) for one in stored.get("regions") or ()],
        )


def drafts_of(ratings: pd.DataFrame) -> dict[tuple[str, str, bool], Draft]:
    """Stored ratings of one reader and round, by synthetic volume, training volume, and whether it was a repeat."""
    return {
        (row.synthetic, row.training, bool(row.repeat)): Draft(
            int(row.grade),
            None if pd.isna(row.confidence) else int(row.confidence),
            criteria_of(row.criteria),
            row.comment or "",
            list(row.regions),
        )
        for row in rows_of(ratings)
    }


def criteria_of(stored: str | None) -> set[str]:
    """Criteria as the study keeps them: one text, separated by semicolons."""
    return {name for name in (stored or "").split("; ") if name}
