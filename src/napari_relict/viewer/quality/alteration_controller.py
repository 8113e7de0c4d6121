"""Alterations played on a volume of the open pair: the altered volume beside itself, in the cells of the pair.

The pair is not shown meanwhile, so it cannot be rated; any way to another pair ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from napari_relict.errors import RelictError
from napari_relict.quality.alterations import ALTERATIONS
from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.jobs.debounced import Recomputing
from napari_relict.viewer.jobs.worker import Jobs
from napari_relict.viewer.pair.alteration_preview import Altered, Player, Seen, playable, strength_in_words
from napari_relict.viewer.pair.text import CellTexts, elided
from napari_relict.viewer.quality.encoder_similarity import FeatureEye
from napari_relict.viewer.widgets.alterations_panel import AlterationsPanel

if TYPE_CHECKING:
    from napari_relict.study import Study


if TYPE_CHECKING:
    from napari_relict.reading.reading_list import Showing
    from napari_relict.viewer.data_models.scores import Scores


@dataclass(frozen=True)
class Asked:
    """What is to be played: one volume, one alteration, one strength."""

    cohort: str
    name: str
    alteration: str
    strength: float

    def same_volume(self, other: Asked) -> bool:
        """Only the strength may differ."""
        return replace(self, strength=0.0) == replace(other, strength=0.0)


class Playing:
    """`active` while an altered volume is on screen."""

    ended = Signal()  # the pair is to be shown again

    def __init__(self, study: Study, scene: ReviewScene, scores: Scores, panel: AlterationsPanel, jobs: Jobs) -> None:
        self._study, self._scene, self._scores, self._panel = study, scene, scores, panel
        self.active = False
        self._been_there = False  # the slices were taken to what changed
        self._pair: Showing | None = None
        self._asked: Asked | None = None
        self._player: tuple[Asked, Player] | None = None
        self._eye: FeatureEye | None = None
        self._shown: tuple[Altered, Player] | None = None
        self._altering = Recomputing(self._alter, jobs)
        self._looking = Recomputing(self._look, jobs)
        self._altering.computed.connect(self._on_altered)
        self._looking.computed.connect(self._on_looked)
        for one in (self._altering, self._looking):
            one.failed.connect(self._on_failed)
        panel.chosen.connect(self._on_chosen)
        panel.moved.connect(self._on_moved)
        panel.left.connect(self.end)

    def set_pair(self, pair: Showing, labelled: bool) -> None:
        """Another pair is open: its volumes can be altered from now on."""
        if pair != self._pair:
            self._panel.set_volumes(pair.synthetic, pair.training)
            self._panel.set_alterations(playable(labelled))
            self._pair, self._been_there = pair, False

    def stop(self) -> None:
        """No altered volume is shown any more; whoever calls sees to what is shown instead."""
        self.active, self._asked, self._shown = False, None, None
        self._panel.rest()

    def end(self) -> None:
        """Back to the pair."""
        if self.active:
            self.stop()
            self.ended.emit()

    # In threads -------------------------------------------------------------------------------------------
    def _alter(self) -> tuple[Asked, Player, Altered] | None:
        asked = self._asked
        if asked is None:
            return None
        if self._player is None or not self._player[0].same_volume(asked):
            volume = self._study.volume(asked.cohort, asked.name)
            self._player = asked, Player(volume, ALTERATIONS[asked.alteration], asked.name)
        player = self._player[1]
        return asked, player, player.at(asked.strength)

    def _look(self) -> tuple[Altered, Seen] | None:
        shown = self._shown
        if self._eye is None:
            self._eye = FeatureEye(self._study)
        if shown is None or not self._eye.name:
            return None
        altered, player = shown
        value = self._eye.compare(player.before.image, altered.after, player.before.spacing)
        return altered, Seen(self._eye.name, self._eye.title, True, 1.0, value)

    # On the main thread -----------------------------------------------------------------------------------
    def _on_chosen(self) -> None:
        self._been_there = False
        self._on_moved()

    def _on_moved(self) -> None:
        if self._pair is None or self._scene.images is None:
            return
        cohort, alteration = self._panel.volume.currentData(), self._panel.alteration
        if alteration is None:
            return
        self.active = True
        self._asked = Asked(cohort, getattr(self._pair, cohort), alteration.name, self._panel.value())
        self._panel.say("computing …")
        self._altering.request()

    def _on_altered(self, found: tuple[Asked, Player, Altered] | None) -> None:
        if found is None or found[0] != self._asked:  # something else is wanted by now
            return
        asked, player, altered = found
        self._shown = altered, player
        base = f" with a {player.alteration.base}" if player.alteration.base else ""
        left = f"{asked.cohort.capitalize()}  {elided(asked.name, 18 if base else 26)}{base}"
        words = strength_in_words(player.alteration, altered.strength)
        difference = "Difference  unaltered − altered"
        self._scene.show(altered.images, CellTexts(left, f"Altered: {words}", difference, "unaltered", "altered"))
        if altered.place is not None and not self._been_there:  # what changed is on the slices from the start
            self._been_there = True
            self._scene.viewer.dims.set_current_step((0, 1, 2), altered.place)
        self._panel.show_seen(altered.strength, altered.seen, self._strangers())
        self._looking.request()

    def _on_looked(self, found: tuple[Altered, Seen] | None) -> None:
        if found is None or self._shown is None or found[0] is not self._shown[0]:
            return
        altered, seen = found
        pairs = [one for one in altered.seen if one.pair]
        looks = [one for one in altered.seen if not one.pair]
        self._panel.show_seen(altered.strength, [*pairs, seen, *looks], self._strangers())

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, RelictError | OSError):
            raise error
        self._panel.say(str(error))

    def _strangers(self) -> dict[str, tuple[float, float]]:
        """Range of 95% of unrelated patients, each with the nearest training volume, by measure."""
        found = {}
        for measure in self._scores.measures:
            null = self._scores.null_scores(measure.name)
            null = null[np.isfinite(null)]
            if null.size:
                low, high = np.quantile(null, (0.025, 0.975))
                found[measure.name] = float(low), float(high)
        return found
