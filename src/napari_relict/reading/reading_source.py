"""The reading interface: what a reader is shown and what they say of it, the same for a study and a reading kit."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from napari_relict.calibration.agreement import agreement
from napari_relict.reading import ratings, reference
from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.reading.reading_list import Showing, known_round
from napari_relict.records.reader import Stored
from napari_relict.volumes.affines import from_rows


class ReadingSource(Stored):
    """Reading lists, ratings, and what they add up to."""

    @abstractmethod
    def reading_list(self, reader: str, round: str = "first") -> list[Showing]:
        """What this reader is shown, in order; see `napari_relict.reading.reading_list`."""

    def _check_rating(self, showing: Showing, reader: str, round: str) -> None:
        """Refuse what may not be rated here; a study takes what its reading lists hold."""

    # What readers say ----------------------------------------------------------------------------------------

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
    ) -> str:
        """Append a rating; on the disk when this returns. See `napari_relict.reading.ratings.rate`."""
        self._check_rating(showing, reader, round)
        return ratings.rate(
            self._database, showing, grade, reader=reader, session=session, round=round, confidence=confidence,
            criteria=criteria, comment=comment, regions=regions, seconds=seconds, order_index=order_index,
            blinded=blinded,
        )  # fmt: skip

    def undo(self, *, reader: str, session: str, round: str = "first") -> Showing | None:
        """Take back the reader's latest standing rating of the round; what it was of, or None."""
        return ratings.undo(self._database, reader=reader, session=session, round=round)

    def reading_state(self, reader: str, round: str) -> dict[str, Any] | None:
        """What `keep_reading_state` kept last; None when nothing was kept."""
        with self._database.connect() as connection:
            row = connection.execute(
                "SELECT state FROM reading_state WHERE reader = ? AND round = ?", (reader.strip(), round)
            ).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def keep_reading_state(self, reader: str, round: str, state: dict[str, Any]) -> None:
        """Keep where a reader stands (drafts, pairs put off), in place of what was kept before. Anything JSON holds."""
        with self._database.connect() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO reading_state VALUES (?, ?, ?)",
                (reader.strip(), known_round(round), json.dumps(state)),
            )

    # What it adds up to --------------------------------------------------------------------------------------

    def rating_events(self) -> pd.DataFrame:
        """Everything that was ever rated or taken back."""
        return ratings.events(self._database)

    def standing_ratings(self) -> pd.DataFrame:
        """The ratings that stand, one a reader, pair, round and repeat; `regions` as lists of `MarkedRegion`."""
        return ratings.standing(self._database)

    def ratings(self) -> pd.DataFrame:
        """The ratings that count, for calibration and labels: no repeats, of each reader and pair the latest round;
        where a pair has a consensus, that alone."""
        return reference.ratings_that_count(self.standing_ratings())

    def reference_labels(self) -> pd.DataFrame:
        """What the readers say of each pair, one row a pair; columns as in docs/reference/tables.md."""
        return reference.reference_labels(self.standing_ratings())

    def disagreements(self) -> pd.DataFrame:
        """Pairs on which readers disagree: those without a consensus first, the widest apart first.

        synthetic, training, lowest, highest, spread, consensus, grades.
        """
        return reference.disagreements(self.standing_ratings(), self.settings.reading.consensus_from)

    def agreement(self) -> pd.DataFrame:
        """How far readers agree with themselves and each other; see `napari_relict.calibration.agreement`."""
        return agreement(self.standing_ratings())

    # How the two volumes lie ---------------------------------------------------------------------------------

    def alignment(self, synthetic: str, training: str) -> np.ndarray | None:
        """How the pair was aligned.

        Returns
        -------
        float64 (4, 4): mm (x, y, z from the grid's middle) of the synthetic volume, mirrored where the pair is ->
        mm of the training volume; None where the pair was not aligned.
        """
        found = self._frame("SELECT alignment FROM match WHERE synthetic = ? AND training = ?", (synthetic, training))[
            "alignment"
        ]
        values = json.loads(found.iloc[0]) if len(found) else []
        return from_rows(values) if values else None

    def mirrored(self, synthetic: str, training: str) -> bool:
        """True when the pair was compared with left and right of the synthetic volume exchanged."""
        found = self._frame("SELECT mirrored FROM match WHERE synthetic = ? AND training = ?", (synthetic, training))
        return bool(found["mirrored"].any())
