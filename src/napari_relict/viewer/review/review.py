"""The reading room put together: session, scene, widgets, keys and the jobs behind them.

`Review` listens to the session and redraws; widgets and keys name actions; actions go to the session or the
scene. Volumes are read and thresholds computed in jobs; layers are touched here, on the main thread.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from qtpy.QtWidgets import QWidget

from napari_relict.errors import RelictError
from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.reading.reading_list import Showing
from napari_relict.viewer.canvas.crosshair import Found
from napari_relict.viewer.canvas.curtain import Curtain
from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.canvas.viewpoint import go_back_to
from napari_relict.viewer.data_models.scores import Scores
from napari_relict.viewer.jobs.worker import Jobs
from napari_relict.viewer.pair.pair import PairImages, PairKey, PairStore
from napari_relict.viewer.quality.alteration_controller import Playing
from napari_relict.viewer.quality.controller import Quality
from napari_relict.viewer.review.actions import OF_THE_PAIR, WHILE_PAUSED, WITHOUT_PICTURES, actions_of
from napari_relict.viewer.review.autosave import Keeping
from napari_relict.viewer.review.flicker import Flicker
from napari_relict.viewer.review.live_results import Deciding
from napari_relict.viewer.review.navigation import Opening
from napari_relict.viewer.review.pair_info import AboutPair
from napari_relict.viewer.review.shortcuts import Shortcuts
from napari_relict.viewer.review.study_tabs import StudyTabs
from napari_relict.viewer.review.titles import cell_texts, name_of_pair
from napari_relict.viewer.review.volume_dock import VolumesBeside
from napari_relict.viewer.review.window_layout import Room
from napari_relict.viewer.session.session import ReadingSession
from napari_relict.viewer.source import ReviewSource
from napari_relict.viewer.widgets.help import show_help
from napari_relict.viewer.widgets.ink import ink_for
from napari_relict.viewer.widgets.reading_panel import ReadingPanel

if TYPE_CHECKING:
    from napari_relict.study import Study

STUDY_DOCK = "Study"


class Review:
    """One reading session on one viewer, from `start` to `close`."""

    def __init__(self, viewer: Any, study: ReviewSource, session: ReadingSession, scores: Scores) -> None:
        self.viewer, self.study, self.session, self.scores = viewer, study, session, scores
        self.panel = ReadingPanel(study.settings.name, list(study.settings.criteria))
        self.jobs = Jobs(self.panel)
        self.jobs.failed.connect(self._on_error)
        self.store = PairStore(study)
        self.scene = ReviewScene(viewer)
        self.tabs = StudyTabs()
        self._curtain = Curtain(viewer)
        self.keeping = Keeping(session, self.scene, self.jobs, self.panel, self._on_error)
        self.about = AboutPair(session, scores, self.scene, self.panel, self.tabs, self.jobs)
        self._opening = Opening(session, scores, self._is_paused, self._to_keys)
        whole = cast("Study", study)  # what only a study answers is closed to readers of a kit
        self._deciding = Deciding(whole, scores, self.tabs, self.jobs, self._on_error)
        self._registered = True
        self._mirrored = cache(study.mirrored)
        self.flicker = Flicker(self.scene, self.panel)
        self.volumes = VolumesBeside(self.scene)
        self.quality = Quality(whole, self.tabs.quality, self.jobs)
        self.playing = Playing(whole, self.scene, scores, self.tabs.alterations, self.jobs)
        self._shown: PairKey | None = None
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
        self.session.ratings_changed.connect(self._deciding.request)
        self.session.said.connect(self.panel.say)
        self._deciding.changed.connect(self._on_decided)
        self.panel.asked.connect(self.act)
        self.panel.rating.criterion_toggled.connect(self.session.toggle_criterion)
        self.panel.rating.comment_changed.connect(self.session.set_comment)
        self.panel.rating.comment_changed.connect(self.keeping.soon)
        self.viewer.dims.events.current_step.connect(self._on_place)
        self.tabs.currentChanged.connect(self._on_tab)
        self.panel.rating.comment_left.connect(self._to_keys)
        tabs, opening = self.tabs, self._opening
        tabs.reading_list.opened.connect(opening.list_row)
        tabs.reading_list.part_chosen.connect(opening.part)
        tabs.matches.opened.connect(opening.match_row)
        tabs.agreement.opened.connect(opening.match_row)
        tabs.map.opened.connect(opening.names)
        tabs.labels.label_chosen.connect(self._on_label)
        self.quality.opened.connect(opening.quality_volume)
        self.playing.ended.connect(self._on_pair)
        self.scene.marker.marked.connect(self._on_marked)
        self.panel.strips.opened.connect(opening.candidate_name)
        self.viewer.events.theme.connect(self._on_theme)
        self._set_ink()
        tabs.hide_from_blinded(self.session)
        if self.session.blinded and set(self.scores.standing["reader"]) - {self.session.reader}:
            tabs.close_tab(tabs.calibration, "Hidden while reading blinded: others have rated too")
        if not self.scores.measures:
            for tab in (tabs.calibration, tabs.quality):
                tabs.close_tab(tab, "A reading kit has no scores")
        tabs.fill(self.scores)
        self._deciding.start()
        self._on_pair()
        self._on_state()
        self._to_keys()

    def close(self) -> None:
        """Give the window back as it was; where the reader stopped is kept."""
        self.panel.say(self.keeping.now())
        self.viewer.dims.events.current_step.disconnect(self._on_place)
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
        self.about.show_candidates()
        self.about.show_scores(loading=self.loading)
        self.tabs.show_session(session)
        self.panel.show_others(self.about.said_by_others())
        if session.pair is not None:
            self.tabs.mark(session.pair.synthetic, session.pair.training)
        self.scene.marker.show(session.draft.regions)
        self.keeping.soon()

    def _on_tab(self) -> None:
        tabs = self.tabs
        if tabs.currentWidget() is tabs.quality:
            self.quality.show()
        if tabs.currentWidget() is not tabs.alterations:
            self.playing.end()
        self._offer_alterations()
        self.about.compare_labels(loading=self.loading)

    def _offer_alterations(self) -> None:
        """Of the pair on screen, once somebody looks at them."""
        pair, images = self.session.pair, self.scene.images
        if pair is not None and images is not None and self.tabs.currentWidget() is self.tabs.alterations:
            self.playing.set_pair(pair, images.left_labels is not None)

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
        if number <= len(self.about.candidates):
            one = self.about.candidates[number - 1]
            self.session.visit(one.synthetic, one.training)

    def toggle_criterion(self, number: int) -> None:
        criteria = list(self.study.settings.criteria)
        if number <= len(criteria):
            self.session.toggle_criterion(criteria[number - 1])

    def help(self) -> None:
        show_help(self.panel)

    def _on_place(self) -> None:
        self.keeping.soon()

    def _on_label(self, label: int) -> None:
        self.scene.pointer.inspect(label)
        self._to_keys()

    def _on_marked(self, region: MarkedRegion) -> None:
        """The session keeps marks, and the scene shows those of the session; not everything may be marked."""
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

    def _to_keys(self) -> None:
        """Take the focus out of text fields and tables, so that keys are actions again."""
        self.panel.setFocus()

    def _is_paused(self) -> bool:
        if self.session.paused:
            self.panel.say("Paused: P goes on")
        return self.session.paused

    def _on_decided(self) -> None:
        if self.session.pair is not None:
            self.tabs.mark(self.session.pair.synthetic, self.session.pair.training)
        self.about.show_scores(loading=self.loading)

    def _set_ink(self) -> None:
        ink = ink_for(str(self.viewer.theme))
        self.panel.strips.ink = ink
        self.tabs.set_ink(ink)

    def _on_theme(self) -> None:
        """Painted widgets do not follow napari's style sheet by themselves."""
        self._set_ink()
        self.about.show_scores(loading=self.loading)
        self.tabs.fill(self.scores)
        self._deciding.request()

    def _on_error(self, error: Exception) -> None:
        """A faulty file is said in one line; anything else is our bug, raised."""
        if not isinstance(error, RelictError | OSError):
            raise error
        self.panel.say(str(error))


def _nothing(outcome: object) -> None:
    """A pair loaded ahead stays in the store; nobody waits for it."""
