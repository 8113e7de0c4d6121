"""The dock under the canvas: reading list, matches, map, labels, calibration, agreement, quality, alterations."""

from __future__ import annotations

from qtpy.QtWidgets import QTabWidget, QWidget

from napari_relict.viewer.data_models.scores import Scores
from napari_relict.viewer.session.session import ReadingSession
from napari_relict.viewer.widgets.agreement_panel import AgreementPanel
from napari_relict.viewer.widgets.alterations_panel import AlterationsPanel
from napari_relict.viewer.widgets.calibration_panel import CalibrationPanel
from napari_relict.viewer.widgets.ink import Ink
from napari_relict.viewer.widgets.labels_table import LabelsTable
from napari_relict.viewer.widgets.matches_table import PairsTable, matches_frame
from napari_relict.viewer.widgets.quality_panel import QualityPanel
from napari_relict.viewer.widgets.reading_list import ReadingList
from napari_relict.viewer.widgets.study_map import StudyMap


class StudyTabs(QTabWidget):
    """What a session says of the whole study. Blinded readers see of it what cannot unblind them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reading_list, self.matches, self.map = ReadingList(), PairsTable(), StudyMap()
        self.labels, self.calibration, self.agreement = LabelsTable(), CalibrationPanel(), AgreementPanel()
        self.quality, self.alterations = QualityPanel(), AlterationsPanel()
        self._verdicts: dict[str, str] = {}  # by synthetic volume, as far as the reader may see them
        for widget, title in (
            (self.reading_list, "Reading list"), (self.labels, "Labels"), (self.matches, "Matches"), (self.map, "Map"),
            (self.calibration, "Calibration"), (self.agreement, "Agreement"), (self.quality, "Quality"),
            (self.alterations, "Alterations"),
        ):  # fmt: skip
            self.addTab(widget, title)
        self.tabBar().setAccessibleName("The study")

    def hide_from_blinded(self, session: ReadingSession) -> None:
        """Close what names pairs or tells what others said of them."""
        # Which volumes lie near the training cohort, and names, are scores like any other.
        hidden: list[QWidget] = [self.matches, self.map, self.quality, self.alterations] if session.blinded else []
        if session.blinded and session.round != "consensus":
            hidden.append(self.agreement)
        for widget in hidden:
            self.close_tab(widget, "Hidden while reading blinded")
        self.calibration.close_up.unrated_visible = not session.blinded
        if session.blinded:  # how many are copies is told by scores that are hidden, too
            self.calibration.close_rules("Hidden while reading blinded")

    def close_tab(self, widget: QWidget, why: str) -> None:
        where = self.indexOf(widget)
        self.setTabEnabled(where, False)
        self.setTabToolTip(where, why)

    def is_open(self, widget: QWidget) -> bool:
        return self.isTabEnabled(self.indexOf(widget))

    def fill(self, scores: Scores) -> None:
        """Matches and map of the study, where they may be seen."""
        if not self.is_open(self.matches):
            return
        self._verdicts = dict(zip(scores.verdicts["synthetic"], scores.verdicts["verdict"], strict=True))
        titles = {measure.name: measure.title for measure in scores.measures}
        frame = matches_frame(scores.matches, scores.verdicts)
        self.matches.set_frame(frame, titles, note="double-click opens a match; click a heading to sort")
        self.map.show_scores(scores)

    def show_session(self, session: ReadingSession) -> None:
        note = "names and scores hidden" if session.blinded else "double-click opens a pair"
        self.reading_list.show_session(session, note, self._verdicts)

    def mark(self, synthetic: str, training: str) -> None:
        """Mark the open pair in matches and map."""
        frame = self.matches.model.frame
        if not len(frame):
            return
        here = (frame["synthetic"] == synthetic) & (frame["training"] == training)
        if here.any():
            self.matches.select_row(int(here.to_numpy().argmax()))
        self.map.mark(synthetic)

    def set_ink(self, ink: Ink) -> None:
        self.calibration.ink = self.map.ink = ink
        self.quality.set_ink(ink)
        self.alterations.set_ink(ink)
