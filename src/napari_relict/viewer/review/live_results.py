"""What follows from the ratings in a review: thresholds, verdicts, agreement and what published rules say."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
from psygnal import Signal

from napari_relict.decisions.judging import JudgedStudy
from napari_relict.viewer.data_models.scores import Scores
from napari_relict.viewer.jobs.debounced import Recomputing
from napari_relict.viewer.jobs.worker import Jobs
from napari_relict.viewer.review.study_tabs import StudyTabs
from napari_relict.viewer.review.tasks import agreement_of, calibration_of, rules_of


class Deciding:
    """Has everything worked out in threads, one computation of a kind at a time, and shows it in the tabs.

    Parameters
    ----------
    failed : called with an error.
    """

    changed = Signal()  # other thresholds and verdicts are in the scores

    def __init__(
        self, study: JudgedStudy, scores: Scores, tabs: StudyTabs, jobs: Jobs, failed: Callable[[Exception], None]
    ) -> None:
        self._study, self._scores, self._tabs, self._jobs = study, scores, tabs, jobs
        self._calibration = Recomputing(partial(calibration_of, study), jobs)
        self._agreement = Recomputing(partial(agreement_of, study), jobs)
        self._calibration.computed.connect(self._on_calibrated)
        self._agreement.computed.connect(self._on_agreement)
        for one in (self._calibration, self._agreement):
            one.failed.connect(failed)
        tabs.calibration.rules_asked.connect(self._request_rules)

    def start(self) -> None:
        """Show what the study knows already; agreement is worked out."""
        self._tabs.calibration.set_rows(self._scores.calibrated())
        self._say()
        self._request_agreement()

    def request(self) -> None:
        """Everything anew, after a change of the ratings."""
        if self._scores.measures:  # a reading kit has none
            self._tabs.calibration.set_computing()
            self._calibration.request()
        self._request_agreement()

    def _request_rules(self) -> None:
        """They rest on the match alone, so once is enough."""
        self._jobs.start(rules_of, self._study, done=self._tabs.calibration.set_rules)

    def _request_agreement(self) -> None:
        """Statistics take a moment (they are resampled); blinded readers are not shown them."""
        if self._tabs.is_open(self._tabs.agreement):
            self._agreement.request()

    def _say(self) -> None:
        """Cautions tell how near volumes are as a whole: nothing for blinded readers."""
        self._tabs.calibration.set_said(self._scores.said if self._tabs.is_open(self._tabs.matches) else [])

    def _on_agreement(self, found: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
        self._tabs.agreement.show_agreement(*found[:2])
        self._scores.standing = found[2]

    def _on_calibrated(self, found: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[str]]) -> None:
        self._scores.thresholds, self._scores.verdicts, self._scores.rated, self._scores.said = found
        self._tabs.fill(self._scores)
        self._tabs.calibration.set_rows(self._scores.calibrated(), computing=self._calibration.running)
        self._say()
        self.changed.emit()
