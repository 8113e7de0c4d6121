"""What is said of the pair on screen: its scores, its segmentations compared, the other candidates."""

from __future__ import annotations

import pandas as pd

from napari_relict.reading.reading_list import Showing
from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.data_models.candidates import candidates_of
from napari_relict.viewer.data_models.scores import Scores
from napari_relict.viewer.jobs.worker import Jobs
from napari_relict.viewer.pair.pair import PairKey
from napari_relict.viewer.review.study_tabs import StudyTabs
from napari_relict.viewer.review.tasks import labels_of
from napari_relict.viewer.review.titles import cell_texts
from napari_relict.viewer.session.session import ReadingSession
from napari_relict.viewer.widgets.reading_panel import ReadingPanel
from napari_relict.viewer.widgets.score_strips import NONE


class AboutPair:
    """Attributes
    ----------
    candidates : of the open synthetic volume, in the order of their numbers.
    """

    def __init__(
        self,
        session: ReadingSession,
        scores: Scores,
        scene: ReviewScene,
        panel: ReadingPanel,
        tabs: StudyTabs,
        jobs: Jobs,
    ) -> None:
        self._session, self._scores, self._scene = session, scores, scene
        self._panel, self._tabs, self._jobs = panel, tabs, jobs
        self.candidates: list[Showing] = []
        self._labelled: PairKey | None = None

    def show_scores(self, *, loading: bool) -> None:
        """Strips, verdict and labels, if the session shows scores now.

        Parameters
        ----------
        loading : the scene still shows the pair before.
        """
        pair = self._session.pair
        if self._session.scores_visible and pair is not None:
            strips = self._scores.strips(pair, others=self._session.names_visible)
            self._panel.strips.show_scores(strips, self._scores.verdict(pair))
            self.compare_labels(loading=loading)
        else:
            self._panel.strips.hide_scores(*([] if self._scores.measures else [NONE]))
            self._tabs.labels.hide_scores()
            self._labelled = None

    def compare_labels(self, *, loading: bool) -> None:
        """Scores of the segmentations as they are shown; worked out once a pair."""
        images = self._scene.images
        if images is None or loading or not self._session.scores_visible or self._labelled == images.key:
            return
        if self._tabs.currentWidget() is not self._tabs.labels:  # surfaces take a second: only where they are looked at
            return
        self._labelled = images.key
        self._jobs.start(labels_of, images, done=self._on_labels)

    def _on_labels(self, found: tuple[PairKey, pd.DataFrame]) -> None:
        key, table = found
        if key == self._labelled:
            sides = cell_texts(key, blinded=self._session.blinded)
            self._tabs.labels.set_scores(table, sides.left_side, sides.right_side)

    def show_candidates(self) -> None:
        """Numbers of the candidates, with those on screen and to be rated marked."""
        session, pair = self._session, self._session.pair
        if pair is None:
            return
        listed = session.order[session.position]
        to_rate = listed if listed.synthetic == pair.synthetic else None
        # In an order by the pair of the list, so that looking at a candidate does not renumber them.
        reader = session.reader if session.blinded else None
        self.candidates = candidates_of(self._scores, to_rate or pair, reader=reader)
        names = [one.training for one in self.candidates]
        places = [None if one is None or one.training not in names else names.index(one.training)
                  for one in (pair, to_rate)]  # fmt: skip
        self._panel.candidates.show_candidates(len(names) if session.may_visit(pair.synthetic) else 1, *places)

    def said_by_others(self) -> list[str]:
        """In a consensus round readers see what each of them said."""
        pair = self._session.pair
        if self._session.round != "consensus" or pair is None:
            return []
        return self._scores.said_of(pair)
