"""Pairs that are opened by a row, a point or a name in a tab or a panel of a review."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from napari_relict.viewer.data_models.scores import Scores
from napari_relict.viewer.session.session import ReadingSession


class Opening:
    """Parameters
    ----------
    paused : whether the session is, which the reader is told then.
    done : called afterwards: keys are actions again.
    """

    def __init__(
        self, session: ReadingSession, scores: Scores, paused: Callable[[], bool], done: Callable[[], None]
    ) -> None:
        self._session, self._scores, self._paused, self._done = session, scores, paused, done

    def list_row(self, row: pd.Series) -> None:
        """Of the reading list, by its place."""
        if not self._paused():
            self._session.go_to(int(row["pair"]) - 1)
            self._done()

    def match_row(self, row: pd.Series) -> None:
        self.names(row["synthetic"], row["training"])

    def names(self, synthetic: str, training: str) -> None:
        if not self._paused():
            self._session.visit(synthetic, training)
            self._done()

    def quality_volume(self, synthetic: str, training: str) -> None:
        """Beside the training volume that the metric means, or else beside its first match."""
        training = training or next(iter(self._scores.candidates(synthetic)), "")
        if training:
            self.names(synthetic, training)

    def candidate_name(self, training: str) -> None:
        """Another candidate of the synthetic volume on screen."""
        if self._session.pair is not None and self._session.names_visible:
            self.names(self._session.pair.synthetic, training)

    def part(self, name: str) -> None:
        """A part of the reading list."""
        if not self._paused():
            self._session.set_filter(name)
            self._done()
