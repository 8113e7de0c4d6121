"""The reading room put together: session, scene, widgets, keys and the jobs behind them.

`Review` listens to the session and redraws; widgets and keys name actions; actions go to the session or the
scene. Volumes are read and thresholds computed in jobs; layers are touched here, on the main thread.
"""

from __future__ import annotations

import sqlite3
from functools import cache, partial
from typing import Any

import pandas as pd
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from napari_relict.errors import RelictError
from napari_relict.study.reading import Showing
from napari_relict.study.regions import MarkedRegion
from napari_relict.viewer.actions import OF_THE_PAIR, WHILE_PAUSED, WITHOUT_PICTURES, actions_of
from napari_relict.viewer.background import agreement_of, calibration_of, labels_of, rules_of
from napari_relict.viewer.candidates import candidates_of
from napari_relict.viewer.curtain import Curtain
from napari_relict.viewer.flicker import Flicker
from napari_relict.viewer.jobs import Jobs
from napari_relict.viewer.pairs import PairImages, PairKey, PairStore
from napari_relict.viewer.place import go_back_to, place_of
from napari_relict.viewer.playing import Playing
from napari_relict.viewer.pointer import Found
from napari_relict.viewer.quality import Quality
from napari_relict.viewer.recomputing import Recomputing
from napari_relict.viewer.room import Room
from napari_relict.viewer.scene import ReviewScene
from napari_relict.viewer.scores import Scores
from napari_relict.viewer.session import ReadingSession
from napari_relict.viewer.shortcuts import Shortcuts
from napari_relict.viewer.study_tabs import StudyTabs
from napari_relict.viewer.titles import cell_texts, name_of_pair
from napari_relict.viewer.volumes_beside import VolumesBeside
from napari_relict.viewer.widgets.help import show_help
from napari_relict.viewer.widgets.ink import ink_for
from napari_relict.viewer.widgets.reading_panel import ReadingPanel
from napari_relict.viewer.widgets.score_strips import NONE

STUDY_DOCK = "Study"
KEEP_AFTER = 400  # ms after a change, the draft is kept


class Review:
    """One reading session on one viewer, from `start` to `close`."""

    def __init__(self, viewer: Any, study: Any, session: ReadingSession, scores: Scores) -> None:
        self.viewer, self.study, self.session, self.scores = viewer, study, session, scores
        self.panel = ReadingPanel(study.settings.name, list(study.settings.criteria))
        self.jobs = Jobs(self.panel)
        self.jobs.failed.connect(self._on_error)
        self.store = PairStore(study)
        self.scene = ReviewScene(viewer)
        self.tabs = StudyTabs()
        self.candidates: list[Showing] = []
        self._curtain = Curtain(viewer)
        self._keep_soon = QTimer(self.panel)
        self._keep_soon.setSingleShot(True)
        self._keep_soon.setInterval(KEEP_AFTER)
        self._keep_soon.timeout.connect(self._start_keeping)
        self._keeping = Recomputing(session.keep, self.jobs)
        self._registered = True
        self._mirrored = cache(study.mirrored)
        self.flicker = Flicker(self.scene, self.panel)
        self.volumes = VolumesBeside(self.scene)
        self.quality = Quality(study, self.tabs.quality, self.jobs)
        self.playing = Playing(study, self.scene, scores, self.tabs.alterations, self.jobs)
        self._shown: PairKey | None = None
        self._labelled: PairKey | None = None
        self._calibration = Recomputing(partial(calibration_of, study), self.jobs)
        self._agreement = Recomputing(partial(agreement_of, study), self.jobs)
        self._shortcuts: Shortcuts | None = None
        self._room = Room()
        self._actions = actions_of(self)

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
        self._calibration.computed.connect(self._on_calibrated)
        self._agreement.computed.connect(self._on_agreement)
        for one in (self._calibration, self._agreement, self._keeping):
            one.failed.connect(self._on_error)
        self.panel.asked.connect(self.act)
        self.panel.rating.criterion_toggled.connect(self.session.toggle_criterion)
        self.panel.rating.comment_changed.connect(self.session.set_comment)
        self.panel.rating.comment_changed.connect(self._on_place)
        self.viewer.dims.events.current_step.connect(self._on_place)
        self.tabs.currentChanged.connect(self._on_tab)
        self.panel.rating.comment_left.connect(self._to_keys)
        tabs = self.tabs
        tabs.reading_list.opened.connect(self._on_list_row)
        tabs.reading_list.part_chosen.connect(self._on_part)
        tabs.matches.opened.connect(self._on_match_row)
        tabs.agreement.opened.connect(self._on_match_row)
        tabs.map.opened.connect(self._on_names)
        tabs.labels.label_chosen.connect(self._on_label)
        tabs.calibration.rules_asked.connect(self._request_rules)
        self.quality.opened.connect(self._on_quality_volume)
        self.playing.ended.connect(self._on_pair)
        self.scene.marker.marked.connect(self._on_marked)
        self.panel.strips.opened.connect(self._on_candidate_name)
        self.viewer.events.theme.connect(self._on_theme)
        self._set_ink()
        tabs.hide_from_blinded(self.session)
        if self.session.blinded and set(self.scores.standing["reader"]) - {self.session.reader}:
            tabs.close_tab(tabs.calibration, "Hidden while reading blinded: others have rated too")
        if not self.scores.measures:
            for tab in (tabs.calibration, tabs.quality):
                tabs.close_tab(tab, "A reading kit has no scores")
        tabs.fill(self.scores)
        tabs.calibration.set_rows(self.scores.calibrated(self.study.ratings()))
        self._request_agreement()
        self._on_pair()
        self._on_state()
        self._to_keys()

    def close(self) -> None:
        """Give the window back as it was; where the reader stopped is kept."""
        self._keep()
        self.viewer.dims.events.current_step.disconnect(self._on_place)
        self._keep_soon.stop()
        self.jobs.close()
        self._curtain.draw(False)
        self.viewer.events.theme.disconnect(self._on_theme)
        for signal in (self.session.pair_changed, self.session.state_changed, self.session.ratings_changed,
                       self.session.said):  # fmt: skip
            signal.disconnect()
        if self._shortcuts is not None:
            self._shortcuts.close()
            self._shortcuts = None
        self.quality.stop()
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
        if action not in WHILE_PAUSED and self._is_paused():
            return
        if self.playing.active and action in OF_THE_PAIR:
            self.panel.say("An altered volume is on screen: 'Back to the pair' first")
            return
        if self.loading and action not in WITHOUT_PICTURES:
            self.panel.say("Wait until both volumes are shown")
            return
        try:
            self._actions[action]()
        except RelictError as error:
            self._on_error(error)

    # Showing ----------------------------------------------------------------------------------------------
    def _wanted(self) -> PairKey | None:
        return None if self.session.pair is None else self._key(self.session.pair)

    def _key(self, pair: Showing) -> PairKey:
        swapped = self.session.blinded and pair.swapped
        mirrored = self._mirrored(pair.synthetic, pair.training)
        return PairKey(pair.synthetic, pair.training, mirrored, swapped, self._registered, self.session.blinded)

    def _on_pair(self) -> None:
        self.playing.stop()
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

    def _on_loaded(self, images: PairImages) -> None:
        if images.key == self._wanted() and not self.session.paused:  # nothing comes up behind the curtain
            self._show(images)
            self._on_state()

    def _show(self, images: PairImages) -> None:
        first = self._shown is None
        self.scene.show(images, cell_texts(images.key, blinded=self.session.blinded))
        self._shown = images.key
        if first:
            go_back_to(self.scene, self.session.view)
        self.scene.marker.show(self.session.draft.regions)
        self._offer_alterations()
        upcoming = self.session.upcoming()
        if upcoming is not None and self.store.get(self._key(upcoming)) is None:
            # A fault in a pair nobody looks at yet is said when it is opened.
            self.jobs.start(self.store.load, self._key(upcoming), done=_nothing, failed=_nothing)

    def _on_state(self) -> None:
        session = self.session
        if session.paused:
            self.volumes.close()
        elif self._curtain.drawn:
            self._curtain.draw(False)
            self._on_pair()  # what came while it was drawn
        self._curtain.draw(session.paused, "Paused")
        self.panel.show_session(session, looked_at=name_of_pair(session, self.scores), loading=self.loading)
        self._show_candidates()
        self._show_scores()
        self.tabs.show_session(session)
        self.panel.show_others(self._said_by_others())
        if session.pair is not None:
            self.tabs.mark(session.pair.synthetic, session.pair.training)
        if self.scene.marker.regions != session.draft.regions:
            self.scene.marker.show(session.draft.regions)
        self._keep_soon.start()

    def _show_scores(self) -> None:
        pair = self.session.pair
        if self.session.scores_visible and pair is not None:
            strips = self.scores.strips(pair, others=self.session.names_visible)
            self.panel.strips.show_scores(strips, self.scores.verdict(pair))
            self._compare_labels()
        else:
            self.panel.strips.hide_scores(*([] if self.scores.measures else [NONE]))
            self.tabs.labels.hide_scores()
            self._labelled = None

    def _on_tab(self) -> None:
        tabs = self.tabs
        if tabs.currentWidget() is tabs.quality:
            self.quality.show()
        if tabs.currentWidget() is not tabs.alterations:
            self.playing.end()
        self._offer_alterations()
        self._compare_labels()

    def _offer_alterations(self) -> None:
        """Of the pair on screen, once somebody looks at them."""
        pair, images = self.session.pair, self.scene.images
        if pair is not None and images is not None and self.tabs.currentWidget() is self.tabs.alterations:
            self.playing.set_pair(pair, images.left_labels is not None)

    def _compare_labels(self) -> None:
        """Scores of the segmentations as they are shown; worked out once a pair."""
        images = self.scene.images
        if images is None or self.loading or not self.session.scores_visible or self._labelled == images.key:
            return
        if self.tabs.currentWidget() is not self.tabs.labels:  # surfaces take a second: only where they are looked at
            return
        self._labelled = images.key
        self.jobs.start(labels_of, images, done=self._on_labels)

    def _on_labels(self, found: tuple[PairKey, pd.DataFrame]) -> None:
        key, table = found
        if key == self._labelled:
            sides = cell_texts(key, blinded=self.session.blinded)
            self.tabs.labels.set_scores(table, sides.left_side, sides.right_side)

    def _show_candidates(self) -> None:
        session, pair = self.session, self.session.pair
        if pair is None:
            return
        listed = session.order[session.position]
        to_rate = listed if listed.synthetic == pair.synthetic else None
        # In an order by the pair of the list, so that looking at a candidate does not renumber them.
        reader = session.reader if session.blinded else None
        self.candidates = candidates_of(self.scores, to_rate or pair, reader=reader)
        names = [one.training for one in self.candidates]
        places = [None if one is None or one.training not in names else names.index(one.training)
                  for one in (pair, to_rate)]  # fmt: skip
        self.panel.candidates.show_candidates(len(names) if session.may_visit(pair.synthetic) else 1, *places)

    def _said_by_others(self) -> list[str]:
        """In a consensus round readers see what each of them said."""
        pair = self.session.pair
        if self.session.round != "consensus" or pair is None:
            return []
        return self.scores.said_of(pair)

    # Acting -------------------------------------------------------------------------------------------------
    def toggle_registered(self) -> None:
        """The right-hand volume registered onto the left one, or as it lies: loaded anew, slice and zoom stay."""
        if self.scene.images is not None and not self.scene.images.alignable:
            self.panel.say("No registration of this pair is known")
            return
        self._registered = not self._registered
        self._on_pair()

    def toggle_volumes(self) -> None:
        """Volumes in 3D below the slices, and away again."""
        self.volumes.toggle(self.panel.window())

    def jump(self) -> None:
        """To the next largest difference; they are looked for in a job."""
        search = self.scene.pointer.search()
        if search is None:
            self._go_to_difference()
        else:
            self.panel.say("Looking for the largest difference …")
            self.jobs.start(search, done=self._on_differences)

    def _on_differences(self, found: Found) -> None:
        if self.scene.pointer.keep(found):  # else another pair, window or label is shown by now
            self._go_to_difference()

    def _go_to_difference(self) -> None:
        self.panel.say("" if self.scene.pointer.jump() else "No difference")

    def open_candidate(self, number: int) -> None:
        """Open the candidate of this number (from 1) of the open synthetic volume."""
        if number <= len(self.candidates):
            one = self.candidates[number - 1]
            self.session.visit(one.synthetic, one.training)

    def toggle_criterion(self, number: int) -> None:
        criteria = list(self.study.settings.criteria)
        if number <= len(criteria):
            self.session.toggle_criterion(criteria[number - 1])

    def help(self) -> None:
        show_help(self.panel)

    def _keep(self) -> None:
        """Where the reader is, and what is said but not locked, goes into the study: now."""
        self._keep_soon.stop()
        self.session.view = place_of(self.scene) or self.session.view
        try:
            self.session.keep()
        except (RelictError, OSError, sqlite3.Error) as error:
            self.panel.say(f"Where you are could not be kept: {error}")

    def _start_keeping(self) -> None:
        """The same, in a thread: the disk may be slow, or busy with a match."""
        self.session.view = place_of(self.scene) or self.session.view
        if self.session.order:
            self._keeping.request()

    def _on_place(self) -> None:
        self._keep_soon.start()

    def _on_label(self, label: int) -> None:
        self.scene.outlines.inspect(label)
        self._to_keys()

    def _on_marked(self, region: MarkedRegion) -> None:
        """What may not be marked now is taken off the scene again."""
        images = self.scene.images
        if self.playing.active:
            self.panel.say("Marks are of the pair: 'Back to the pair' first")
        elif images is not None and not self.loading:  # else the scene still shows the pair before
            left = "training" if images.key.swapped else "synthetic"
            # Places are those of the left volume; where the right one lies otherwise, its places are not.
            if region.on not in (left, "both") and images.alignable and not images.registered:
                self.panel.say("Register the right volume first (T): as it lies, a place in it is another one")
            else:
                self.session.add_region(region)
        if self.scene.marker.regions != self.session.draft.regions:
            self.scene.marker.show(self.session.draft.regions)

    def _to_keys(self) -> None:
        """Take the focus out of text fields and tables, so that keys are actions again."""
        self.panel.setFocus()

    def _is_paused(self) -> bool:
        if self.session.paused:
            self.panel.say("Paused: P goes on")
        return self.session.paused

    def _on_list_row(self, row: pd.Series) -> None:
        if self._is_paused():
            return
        self.session.go_to(int(row["pair"]) - 1)
        self._to_keys()

    def _on_match_row(self, row: pd.Series) -> None:
        self._on_names(row["synthetic"], row["training"])

    def _on_names(self, synthetic: str, training: str) -> None:
        if self._is_paused():
            return
        self.session.visit(synthetic, training)
        self._to_keys()

    def _on_quality_volume(self, synthetic: str, training: str) -> None:
        """Beside the training volume that the metric means, or else beside its first match."""
        training = training or next(iter(self.scores.candidates(synthetic)), "")
        if training:
            self._on_names(synthetic, training)

    def _on_candidate_name(self, training: str) -> None:
        if self.session.pair is not None and self.session.names_visible:
            self._on_names(self.session.pair.synthetic, training)

    def _on_part(self, name: str) -> None:
        if self._is_paused():
            return
        self.session.set_filter(name)
        self._to_keys()

    # Thresholds ---------------------------------------------------------------------------------------------
    def _set_ink(self) -> None:
        ink = ink_for(str(self.viewer.theme))
        self.panel.strips.ink = ink
        self.tabs.set_ink(ink)

    def _on_theme(self) -> None:
        """Painted widgets do not follow napari's style sheet by themselves."""
        self._set_ink()
        self._show_scores()
        self.tabs.fill(self.scores)
        self._recalibrate()

    def _recalibrate(self) -> None:
        if self.scores.measures:  # a reading kit has none
            self.tabs.calibration.set_computing()
            self._calibration.request()
        self._request_agreement()

    def _request_rules(self) -> None:
        """They rest on the match alone, so once is enough."""
        self.jobs.start(rules_of, self.study, done=self.tabs.calibration.set_rules)

    def _request_agreement(self) -> None:
        """Statistics take a moment (they are resampled); blinded readers are not shown them."""
        if self.tabs.is_open(self.tabs.agreement):
            self._agreement.request()

    def _on_agreement(self, found: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
        self.tabs.agreement.show_agreement(*found[:2])
        self.scores.standing = found[2]

    def _on_calibrated(self, found: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
        self.scores.thresholds, self.scores.verdicts, ratings = found
        self.tabs.fill(self.scores)
        if self.session.pair is not None:
            self.tabs.mark(self.session.pair.synthetic, self.session.pair.training)
        self.tabs.calibration.set_rows(self.scores.calibrated(ratings), computing=self._calibration.running)
        self._show_scores()

    def _on_error(self, error: Exception) -> None:
        """A faulty file is said in one line; anything else is our bug, raised."""
        if not isinstance(error, RelictError | OSError):
            raise error
        self.panel.say(str(error))


def _nothing(outcome: object) -> None:
    """A pair loaded ahead stays in the store; nobody waits for it."""
