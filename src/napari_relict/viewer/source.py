"""What the viewer reads from: a study, or a reading kit, which knows less."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from napari_relict.calibration import NullScores
from napari_relict.measures import Measure
from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.reading.reading_list import Showing
from napari_relict.records.reader import SettingsForReading
from napari_relict.volumes.cohort import PreparedVolume


class VolumeSource(Protocol):
    """Prepared volumes by cohort (`synthetic`, `training`) and name."""

    def volume(self, cohort: str, name: str) -> PreparedVolume: ...


class ReviewSource(VolumeSource, Protocol):
    """What studies and reading kits both answer; see `ReadingSource` for what each call does."""

    folder: Path

    @property
    def settings(self) -> SettingsForReading: ...

    def close(self) -> None: ...

    # What is shown ------------------------------------------------------------------------------------------
    def reading_list(self, reader: str, round: str = "first") -> list[Showing]: ...
    def alignment(self, synthetic: str, training: str) -> np.ndarray | None: ...
    def mirrored(self, synthetic: str, training: str) -> bool: ...

    # What is said -------------------------------------------------------------------------------------------
    def rate(
        self,
        showing: Showing,
        grade: int,
        *,
        reader: str,
        session: str,
        round: str = "first",
        confidence: int | None = None,
        criteria: Sequence[str] = (),
        comment: str = "",
        regions: Sequence[MarkedRegion] = (),
        seconds: float | None = None,
        order_index: int | None = None,
        blinded: bool = True,
    ) -> str: ...
    def undo(self, *, reader: str, session: str, round: str = "first") -> Showing | None: ...
    def reading_state(self, reader: str, round: str) -> dict[str, Any] | None: ...
    def keep_reading_state(self, reader: str, round: str, state: dict[str, Any]) -> None: ...
    def rating_events(self) -> pd.DataFrame: ...
    def standing_ratings(self) -> pd.DataFrame: ...
    def agreement(self) -> pd.DataFrame: ...
    def disagreements(self) -> pd.DataFrame: ...

    # What is computed: empty in a kit -----------------------------------------------------------------------
    def measures(self) -> list[Measure]: ...
    def matches(self) -> pd.DataFrame: ...
    def verdicts(self) -> pd.DataFrame: ...
    def thresholds(self) -> pd.DataFrame: ...
    def null(self, measure: str) -> NullScores: ...


def made_for(source: ReviewSource) -> tuple[str, str] | None:
    """Reader and round of a reading kit, which knows them itself; None of a study."""
    maker: tuple[str, str] | None = getattr(source, "made_for", None)
    return maker
