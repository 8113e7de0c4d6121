"""The reading room put together: session, scene, widgets, keys and the jobs behind them.

`Review` listens to the session and redraws; widgets and keys name actions; actions go to the session or the
scene. Volumes are read and thresholds computed in jobs; layers are touched here, on the main thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
from qtpy.QtWidgets import QTabWidget, QWidget

from napari_relict.errors import RelictError
from napari_relict.viewer.calibrator import Calibrator
from napari_relict.viewer.flicker import Flicker
from napari_relict.viewer.jobs import Jobs
from napari_relict.viewer.pairs import PairImages, PairKey, PairStore
from napari_relict.viewer.planes import Plane
from napari_relict.viewer.room import Room
from napari_relict.viewer.scene import CellTexts, ReviewScene
from napari_relict.viewer.scores import Scores
from napari_relict.viewer.session import CONFIDENCES, GRADES, ReadingSession, swapped_sides
from napari_relict.viewer.shortcuts import Shortcuts
from napari_relict.viewer.volumes_beside import VolumesBeside
from napari_relict.viewer.widgets.calibration_panel import CalibrationPanel
from napari_relict.viewer.widgets.help import show_help
from napari_relict.viewer.widgets.ink import ink_for
from napari_relict.viewer.widgets.matches_table import PairsTable, matches_frame, reading_frame
from napari_relict.viewer.widgets.reading_panel import ReadingPanel

STUDY_DOCK = "Study"


class Review:
    """One reading session on one viewer, from `start` to `close`."""

    def __init__(self, viewer: Any, study: Any, session: ReadingSession, scores: Scores) -> None:
        self.viewer, self.study, self.session, self.scores = viewer, study, session, scores
        self.panel = ReadingPanel(study.settings.name, list(study.settings.criteria))
        self.jobs = Jobs(self.panel)
        self.jobs.failed.connect(self._on_error)
        self.store = PairStore(study)
        self.scene = ReviewScene(viewer)
        self.reading_list, self.matches, self.calibration = PairsTable(), PairsTable(), CalibrationPanel()
        self.tabs = QTabWidget()
        self.tabs.addTab(self.reading_list, "Reading list")
        self.tabs.addTab(self.matches, "Matches")
        self.tabs.addTab(self.calibration, "Calibration")
        self._registered = True
        self.flicker = Flicker(self.scene, self.panel)
        self.volumes = VolumesBeside(self.scene)
        self._shown: PairKey | None = None
        self._calibrator = Calibrator(study, self.jobs)
        self._shortcuts: Shortcuts | None = None
        self._room = Room()
        self._actions = self._make_actions()

    @property
    def loading(self) -> bool:
        return self._shown != self._wanted()

    @property
    def idle(self) -> bool:
        """Nothing is being read or computed."""
        return not self.jobs.busy and not self.loading

    def start(self, window: QWidget) -> None:
        """Take the window: dock the study, hide what is in the way, switch keys on, open the first pair."""
        add_dock = self.viewer.window.add_dock_widget
        add_dock(self.tabs, name=STUDY_DOCK, area="bottom", add_vertical_stretch=False)
        self._room.make(window, side=self.panel, bottom=self.tabs)
        self._shortcuts = Shortcuts(window, self.act)
        self.session.pair_changed.connect(self._on_pair)
        self.session.state_changed.connect(self._on_state)
        self.session.ratings_changed.connect(self._recalibrate)
        self.session.said.connect(self.panel.say)
        self._calibrator.calibrated.connect(self._on_calibrated)
        self._calibrator.failed.connect(self._on_error)
        self.panel.asked.connect(self.act)
        self.panel.rating.criterion_toggled.connect(self.session.toggle_criterion)
        self.panel.rating.comment_changed.connect(self.session.set_comment)
        self.panel.rating.comment_left.connect(self._to_keys)
        self.reading_list.opened.connect(self._on_list_row)
        self.matches.opened.connect(self._on_match_row)
        self.viewer.events.theme.connect(self._on_theme)
        self._set_ink()
        self._fill_matches()
        self.calibration.set_rows(self.scores.calibrated(self.study.ratings()))
        self._on_pair()
        self._on_state()
        self._to_keys()

    def close(self) -> None:
        """Give the window back as it was."""
        self.jobs.close()
        self.viewer.events.theme.disconnect(self._on_theme)
        for signal in (self.session.pair_changed, self.session.state_changed, self.session.ratings_changed,
                       self.session.said):  # fmt: skip
            signal.disconnect()
        if self._shortcuts is not None:
            self._shortcuts.close()
            self._shortcuts = None
        self.flicker.stop()
        self.volumes.close()
        self.scene.close()
        if self.tabs.parent() is not None:
            self.viewer.window.remove_dock_widget(self.tabs)
        self.tabs.deleteLater()
        self.panel.setParent(None)
        self.panel.deleteLater()
        self._room.give_back()

    def act(self, action: str) -> None:
        """Do what a key or a button stands for."""
        if self.loading and action not in _WITHOUT_PICTURES:
            self.panel.say("Wait until both volumes are shown")
            return
        try:
            self._actions[action]()
        except RelictError as error:
            self._on_error(error)

    # Showing ----------------------------------------------------------------------------------------------
    def _wanted(self) -> PairKey | None:
        return None if self.session.pair is None else self._key(self.session.pair)

    def _key(self, pair: Any) -> PairKey:
        swapped = self.session.blinded and swapped_sides(self.session.reader, pair)
        return PairKey(pair.synthetic, pair.training, self.scores.mirrored(pair), swapped, self._registered)

    def _on_pair(self) -> None:
        self.panel.say("")
        wanted = self._wanted()
        if wanted is None:
            self.panel.say("The study has no matches yet: run napari-relict match")
            return
        images = self.store.get(wanted)
        if images is not None:
            self._show(images)
        else:
            self.jobs.start(self.store.load, wanted, done=self._on_loaded)
        self._mark_row()

    def _on_loaded(self, images: PairImages) -> None:
        if images.key == self._wanted():
            self._show(images)
            self._on_state()

    def _show(self, images: PairImages) -> None:
        self.scene.show(images, cell_texts(images.key, blinded=self.session.blinded))
        self._shown = images.key
        upcoming = self.session.upcoming()
        if upcoming is not None and self.store.get(self._key(upcoming)) is None:
            # A fault in a pair nobody looks at yet is said when it is opened.
            self.jobs.start(self.store.load, self._key(upcoming), done=_nothing, failed=_nothing)

    def _on_state(self) -> None:
        self.panel.show_session(self.session, looked_at=self._name_of_pair(), loading=self.loading)
        self._show_scores()
        blinded = "names and scores hidden" if self.session.blinded else "double-click opens a pair"
        self.reading_list.set_frame(reading_frame(self.session), note=blinded)
        self._mark_row()

    def _show_scores(self) -> None:
        if self.session.scores_visible and self.session.pair is not None:
            pair = self.session.pair
            self.panel.strips.show_scores(self.scores.strips(pair), self.scores.verdict(pair))
        else:
            self.panel.strips.hide_scores()

    def _name_of_pair(self) -> str:
        session = self.session
        if session.pair is None:
            return "No pairs"
        if not session.rateable:
            rank = self.scores.rank(session.pair)
            return f"{session.pair.synthetic} – {session.pair.training}, rank {rank}"
        name = f"Pair {session.position + 1} of {len(session.order)}"
        return f"{name}, blinded" if session.blinded else f"{name}: {session.pair.synthetic}"

    def _mark_row(self) -> None:
        """Mark the open pair in both tables."""
        if not self.session.order:
            return
        self.reading_list.select_row(self.session.position)
        frame, pair = self.matches.model.frame, self.session.pair
        if len(frame):
            here = (frame["synthetic"] == pair.synthetic) & (frame["training"] == pair.training)
            if here.any():
                self.matches.select_row(int(here.to_numpy().argmax()))

    def _fill_matches(self) -> None:
        if self.session.blinded:
            self.tabs.setTabEnabled(1, False)
            self.tabs.setTabToolTip(1, "Hidden while reading blinded")
            return
        titles = {measure.name: measure.title for measure in self.scores.measures}
        frame = matches_frame(self.scores.matches, self.scores.verdicts)
        self.matches.set_frame(frame, titles, note="double-click opens a match; click a heading to sort")

    # Acting -------------------------------------------------------------------------------------------------
    def _make_actions(self) -> dict[str, Callable[[], Any]]:
        session, scene = self.session, self.scene
        actions: dict[str, Callable[[], Any]] = {
            "comment": self.panel.rating.focus_comment, "proceed": session.proceed, "undo": session.undo,
            "amend": session.amend, "back": session.back, "next": session.next, "later": session.review_later,
            "volume": scene.toggle_3d, "overlay": scene.outlines.toggle, "label": scene.outlines.next,
            "frame": scene.frame,
            "slice_up": partial(scene.step, 1), "slice_down": partial(scene.step, -1),
            "slice_up_5": partial(scene.step, 5), "slice_down_5": partial(scene.step, -5),
            "crosshair": scene.pointer.toggle, "jump": self._jump, "rendering": scene.next_rendering,
            "volumes_beside": lambda: self.volumes.toggle(self.panel.window()),
            "window_next": scene.windows.next, "window_reset": scene.windows.reset,
            "registered": self.toggle_registered, "compare_next": scene.third.next_mode,
            "ab": self.flicker.swap, "flicker": self.flicker.toggle,
            "swipe_left": partial(scene.third.move_split, -0.05), "swipe_right": partial(scene.third.move_split, 0.05),
            "mark": scene.marker.mark_point, "unmark": scene.marker.unmark,
            "help": self._help,
        }  # fmt: skip
        actions |= {f"grade_{n}": partial(session.set_grade, n) for n in GRADES}
        actions |= {f"confidence_{n}": partial(session.set_confidence, n) for n in CONFIDENCES}
        actions |= {f"criterion_{n}": partial(self._criterion, n) for n in range(1, 6)}
        actions |= {str(plane): partial(scene.set_plane, plane) for plane in Plane}
        return actions

    def toggle_registered(self) -> None:
        """The right-hand volume registered onto the left one, or as it lies: loaded anew, slice and zoom stay."""
        if self.scene.images is not None and not self.scene.images.alignable:
            self.panel.say("No registration of this pair is known")
            return
        self._registered = not self._registered
        self._on_pair()

    def _jump(self) -> None:
        if not self.scene.pointer.jump():
            self.panel.say("No difference")

    def _criterion(self, number: int) -> None:
        criteria = list(self.study.settings.criteria)
        if number <= len(criteria):
            self.session.toggle_criterion(criteria[number - 1])

    def _help(self) -> None:
        show_help(self.panel)

    def _to_keys(self) -> None:
        """Take the focus out of text fields and tables, so that keys are actions again."""
        self.panel.setFocus()

    def _on_list_row(self, row: pd.Series) -> None:
        self.session.go_to(int(row["pair"]) - 1)
        self._to_keys()

    def _on_match_row(self, row: pd.Series) -> None:
        pair = type(self.session.order[0])(row["synthetic"], row["training"])
        self.session.visit(pair)
        self._to_keys()

    # Thresholds ---------------------------------------------------------------------------------------------
    def _set_ink(self) -> None:
        self.panel.strips.ink = self.calibration.ink = ink_for(str(self.viewer.theme))

    def _on_theme(self) -> None:
        """Painted widgets do not follow napari's style sheet by themselves."""
        self._set_ink()
        self._show_scores()
        self._recalibrate()

    def _recalibrate(self) -> None:
        self.calibration.set_computing()
        self._calibrator.request()

    def _on_calibrated(self, thresholds: pd.DataFrame, ratings: pd.DataFrame) -> None:
        self.scores.thresholds = thresholds
        self.calibration.set_rows(self.scores.calibrated(ratings), computing=self._calibrator.running)
        self._show_scores()

    def _on_error(self, error: Exception) -> None:
        """A faulty file is said in one line; anything else is our bug, raised."""
        if not isinstance(error, RelictError | OSError):
            raise error
        self.panel.say(str(error))


_WITHOUT_PICTURES = {"back", "next", "help", "comment", "undo"}


def cell_texts(key: PairKey, *, blinded: bool) -> CellTexts:
    """Titles of the cells. The right one is said to be mirrored where it is, whichever volume it shows."""
    also = "  (mirrored)" if key.mirrored else ""
    if blinded:
        return CellTexts("Left", f"Right{also}", "Difference  left − right", "left", "right")
    names = {"synthetic": key.synthetic, "training": key.training}
    left, right = ("training", "synthetic") if key.swapped else ("synthetic", "training")
    on_left = f"{left.capitalize()}  {elided(names[left], 26)}"
    on_right = f"{right.capitalize()}  {elided(names[right], 18 if also else 26)}{also}"
    return CellTexts(on_left, on_right, f"Difference  {left} − {right}", left, right)


def elided(name: str, longest: int) -> str:
    """A name that fits over its cell; names of one study differ at their ends."""
    return name if len(name) <= longest else f"{name[: longest // 3]}…{name[-(longest - longest // 3 - 1) :]}"


def prepare(study: Any, reader: str, blinded: bool) -> tuple[ReadingSession, Scores]:
    """What a review needs from the study, read in a worker."""
    return ReadingSession(study, reader, blinded=blinded), Scores(study)


def _nothing(outcome: object) -> None:
    """A pair loaded ahead stays in the store; nobody waits for it."""
