"""A reading session: whose it is, which pair is open, what has been said about it, what may be seen.

No Qt, no napari. Everything that changes a study goes through `Study.rate` and `Study.undo`; a rating is
durable when `lock` returns. The scores of a pair may be shown once its rating is locked (`scores_visible`).
Where the reader stopped is kept too (`keep`), so that a session goes on with the very pair and draft.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

import pandas as pd
from psygnal import Signal

from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.reading.reading_list import Showing
from napari_relict.viewer.session.draft import CONFIDENCES, GRADES, Draft, drafts_of
from napari_relict.viewer.session.filters import FILTERS, Filter, undecided_first
from napari_relict.viewer.session.stopwatch import Stopwatch, time_left
from napari_relict.viewer.source import ReviewSource


class ReadingSession:
    """One reader going through one study's reading list.

    Parameters
    ----------
    study : the open study, or a reader kit.
    reader : name under which ratings are stored; also the seed of the order and of the sides.
    blinded : hide names and scores until a rating is locked, and swap the sides at random. A consensus never is.
    round : `first`, `second` or `consensus`.
    clock : seconds, for the time spent on a pair.
    """

    pair_changed = Signal()  # another pair is open
    state_changed = Signal()  # draft, lock, progress: redraw what is written
    ratings_changed = Signal()  # the study holds one rating more or less
    said = Signal(str)  # a line for the reader

    def __init__(
        self,
        study: ReviewSource,
        reader: str,
        *,
        blinded: bool = True,
        round: str = "first",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.study, self.reader, self.round = study, reader.strip() or "reader", round
        self.blinded = blinded and round != "consensus"  # where readers' own words are shown, nothing is blinded
        self.session = uuid.uuid4().hex
        self.order: list[Showing] = list(study.reading_list(self.reader, round))
        if not self.blinded and round != "consensus":
            self.order = undecided_first(self.order, study.verdicts())
        self.later: set[Showing] = set()
        self.filter: Filter = FILTERS[0]
        self.draft = Draft()
        #: Where the reader looks (plane, slices); kept and given back, not understood here.
        self.view: dict[str, Any] = {}
        self._watch = Stopwatch(clock)
        self._spent: list[float] = []
        self._rated: dict[Showing, Draft] = {}
        self._begun: dict[Showing, Draft] = {}  # drafts of pairs that were left before they were locked
        self._elsewhere: list[Any] = []  # drafts of pairs that are not on the list, as they were kept
        self._revealed: set[Hashable] = set()
        self._has_scores = bool(study.measures())  # a reading kit has none to be unblinded by
        self._position = 0
        self._visiting: Showing | None = None
        self._amending = False
        self._read_ratings()
        self._resume()

    # What is open -----------------------------------------------------------------------------------------
    @property
    def pair(self) -> Showing | None:
        """The open pair; None when the reading list is empty."""
        if self._visiting is not None:
            return self._visiting
        return self.order[self._position] if self.order else None

    @property
    def position(self) -> int:
        return self._position

    @property
    def locked(self) -> bool:
        """The open pair has a stored rating that is not being changed."""
        return self.pair in self._rated and not self._amending

    @property
    def rateable(self) -> bool:
        """Only pairs of the reading list are rated; other candidates may be looked at."""
        return self._visiting is None and bool(self.order) and not self.paused

    @property
    def visiting(self) -> bool:
        """The open pair is another candidate, not the one to be rated."""
        return self._visiting is not None

    @property
    def paused(self) -> bool:
        return self._watch.stopped

    @property
    def scores_visible(self) -> bool:
        """Of a candidate looked at beside a pair of the list: when they are of that pair."""
        if not self.blinded:
            return True
        base = self.order[self._position] if self.order else None
        return base is not None and (base in self._rated or base in self._revealed)

    @property
    def names_visible(self) -> bool:
        """Names stay hidden through a blinded session: shown once, they would unblind pairs to come."""
        return not self.blinded

    @property
    def swapped(self) -> bool:
        return self.blinded and self.pair is not None and self.pair.swapped

    def progress(self) -> tuple[int, int]:
        """How many showings of the list are rated, and how many there are."""
        return sum(pair in self._rated for pair in self.order), len(self.order)

    def seconds_left(self) -> float | None:
        """At the reader's usual pace; None before there is one."""
        done, total = self.progress()
        return time_left(self._spent, total - done)

    def rating_of(self, pair: Showing) -> Draft | None:
        return self._rated.get(pair)

    def upcoming(self) -> Showing | None:
        """The pair that is likely to be asked for next, to be loaded ahead."""
        following = self._next_open(self._position)
        if following is None and self._position + 1 < len(self.order):
            following = self._position + 1
        return None if following is None else self.order[following]

    # Saying something about it ----------------------------------------------------------------------------
    def set_grade(self, grade: int) -> None:
        if grade not in GRADES:
            raise ValueError(f"a grade is one of {sorted(GRADES)}, not {grade}")
        if self._may_change():
            self.draft.grade = grade
            self._changed()

    def set_confidence(self, confidence: int) -> None:
        if confidence not in CONFIDENCES:
            raise ValueError(f"a confidence is one of {sorted(CONFIDENCES)}, not {confidence}")
        if self._may_change():
            self.draft.confidence = None if self.draft.confidence == confidence else confidence
            self._changed()

    def toggle_criterion(self, name: str) -> None:
        if self._may_change():
            self.draft.criteria ^= {name}
            self._changed()

    def set_comment(self, text: str) -> None:
        """Keep the comment. Emits nothing: the field it is typed into must not be rewritten meanwhile."""
        if self.rateable and not self.locked:
            self.draft.comment = text

    def add_region(self, region: MarkedRegion) -> None:
        if self._may_change():
            self.draft.regions.append(region)
            self._changed()

    def remove_region(self) -> None:
        """Take the last marked region back."""
        if self._may_change() and self.draft.regions:
            self.draft.regions.pop()
            self._changed()

    def lock(self) -> bool:
        """Store the rating. True when it is in the study; scores may be shown from now on."""
        if not self.rateable or self.locked:
            return False
        draft, pair = self.draft, self.order[self._position]
        if draft.grade is None:
            self.said.emit("Choose a grade first: keys 1 to 4")
            return False
        seconds = self._watch.seconds()
        self.study.rate(
            replace(pair, swapped=self.swapped),
            draft.grade,
            reader=self.reader,
            session=self.session,
            round=self.round,
            confidence=draft.confidence,
            criteria=[name for name in self.study.settings.criteria if name in draft.criteria],
            comment=draft.comment,
            regions=draft.regions,
            seconds=round(seconds, 3),
            order_index=self._position,
            # Once the scores of a pair were seen, a new rating of it is no longer a blinded one.
            blinded=self.blinded and not (self._has_scores and pair in self._revealed),
        )
        self._spent.append(seconds)
        self._rated[pair] = draft
        self._revealed.add(pair)
        self._amending = False
        self.later.discard(pair)
        self.said.emit(f"Saved: {draft.grade} {GRADES[draft.grade]}")
        self._changed()
        self.ratings_changed.emit()
        return True

    def amend(self) -> None:
        """Open a locked rating for a change; the new one is stored beside the old one when locked."""
        if self.rateable and self.locked:
            self._amending = True
            self._watch.restart()
            self.draft = self._rated[self.order[self._position]].copy()
            self._revealed.add(self.pair)
            self._changed()

    def undo(self) -> None:
        """Take the reader's last rating of this round back and open its pair."""
        mine = self._mine(self.study.standing_ratings())
        if len(mine):
            last = mine.iloc[-1]
            if (last["synthetic"], last["training"], bool(last["repeat"])) not in {_key(pair) for pair in self.order}:
                self.said.emit("Your last rating is of a pair that is no longer on the list: not taken back")
                return
        taken = self.study.undo(reader=self.reader, session=self.session, round=self.round)
        if taken is None:
            self.said.emit("Nothing to undo")
            return
        self._read_ratings()
        where = [i for i, pair in enumerate(self.order) if _key(pair) == _key(taken)]
        if where:
            self._open(where[0])
            self._watch.restart()
        self.said.emit("Last rating taken back")
        self.ratings_changed.emit()

    # Going from pair to pair ------------------------------------------------------------------------------
    def proceed(self) -> None:
        """One key for the whole way: lock what is chosen; when it is locked, go to the next open pair."""
        if self.rateable and not self.locked:
            self.lock()
            return
        following = self._next_open(self._position)
        if following is None and self._visiting is not None:
            following = self._position
        if following is None:
            done, total = self.progress()
            self.said.emit("All pairs are rated" if done == total else f"None left under '{self.filter.title}'")
        else:
            self._open(following)

    def next(self) -> None:
        self._step(1)

    def back(self) -> None:
        if self._visiting is not None:
            self.go_to(self._position)
        else:
            self._step(-1)

    def go_to(self, position: int) -> None:
        if 0 <= position < len(self.order):
            self._open(position)

    def may_visit(self, synthetic: str) -> bool:
        """Beside another candidate it shows which volume stays: the synthetic one. Blinded readers may look at
        candidates of a volume once all of its pairs are rated."""
        return not self.blinded or all(pair in self._rated for pair in self.order if pair.synthetic == synthetic)

    def visit(self, synthetic: str, training: str) -> None:
        """Look at any match. A pair of the list is opened to be rated; blinded readers see no names here either."""
        there = [i for i, pair in enumerate(self.order) if (pair.synthetic, pair.training) == (synthetic, training)]
        here = self._position if self._position in there else None
        if there:
            if here is None or self.visiting:
                self.go_to(there[0] if here is None else here)
            return
        if not self.may_visit(synthetic):
            self.said.emit("Other candidates can be opened once all pairs of this volume are rated")
            return
        base = self.order[self._position] if self.order else None
        swapped = base.swapped if base is not None and base.synthetic == synthetic else False
        self._open(self._position, visiting=Showing(synthetic, training, swapped=swapped))

    def review_later(self) -> None:
        """Put the open pair off; it comes back when all others are rated."""
        if self.rateable and not self.locked:
            self.later.add(self.order[self._position])
            self.said.emit("Put off: it comes back at the end")
            following = self._next_open(self._position)
            if following is not None and following != self._position:
                self._open(following)
            else:
                self._changed()

    def set_filter(self, name: str) -> None:
        """Go through a part of the list only (see `FILTERS`), beginning with its first pair."""
        chosen = next(one for one in FILTERS if one.name == name)
        self.filter = chosen
        listed = self.listed()
        self.said.emit("" if listed else f"No pairs under '{chosen.title}'")
        if listed and self._position not in listed:
            self._open(listed[0])
        else:
            self.state_changed.emit()

    def next_filter(self) -> None:
        """The next filter that has pairs."""
        names = [one.name for one in FILTERS if self.filter is one or self._passing(one)]
        self.set_filter(names[(names.index(self.filter.name) + 1) % len(names)])

    def listed(self) -> list[int]:
        """Places of the list that pass the filter."""
        return self._passing(self.filter)

    def pause(self) -> None:
        """Stop the clock, or go on; nothing is rated meanwhile."""
        if self.paused:
            self._watch.start()
        else:
            self._watch.stop()
        self.keep()
        self.state_changed.emit()

    def keep(self) -> None:
        """Remember in the study where the reader is, and what is said but not locked yet."""
        if self.order:
            self.study.keep_reading_state(self.reader, self.round, self.state())

    def state(self) -> dict[str, Any]:
        """What `keep` keeps."""
        drafts = [[list(_key(pair)), draft.to_json()] for pair, draft in self._unlocked().items()]
        return {
            "open": list(_key(self.order[self._position])),
            "drafts": drafts + self._elsewhere,
            "later": [list(_key(pair)) for pair in self.order if pair in self.later],
            "seconds": round(self._watch.seconds(), 3),
            "view": self.view,
        }

    # Inside -----------------------------------------------------------------------------------------------
    def _resume(self) -> None:
        """Open the list where this reader left it."""
        state = self.study.reading_state(self.reader, self.round) or {}
        by_key = {_key(pair): place for place, pair in enumerate(self.order)}
        put_off = [by_key.get(_as_key(one)) for one in state.get("later", ())]
        self.later = {self.order[place] for place in put_off if place is not None} - set(self._rated)
        self.view = dict(state.get("view") or {})
        for key, draft in state.get("drafts", ()):
            if _as_key(key) in by_key:
                self._begun[self.order[by_key[_as_key(key)]]] = Draft.from_json(draft)
            else:  # of a pair that is off the list now, and may come back
                self._elsewhere.append([key, draft])
        place = by_key.get(_as_key(state["open"])) if "open" in state else None
        if place is not None and self.order[place] not in self._rated:
            self._open(place)
            self._watch.restart(float(state.get("seconds") or 0.0))
            return
        first = self._next_open(-1 if place is None else place)
        self._open(0 if first is None else first)

    def _changed(self) -> None:
        self.state_changed.emit()

    def _unlocked(self) -> dict[Showing, Draft]:
        """What was said but not locked: of the open pair, and of those left before."""
        begun = dict(self._begun)
        if self.order and not self.visiting and not self.locked and not self.draft.empty:
            begun[self.order[self._position]] = self.draft
        return begun

    def _may_change(self) -> bool:
        if self.paused:
            self.said.emit("Paused: P goes on")
        elif self.locked:
            self.said.emit("This rating is locked: U changes it, Ctrl+Z takes the last one back")
        return self.rateable and not self.locked

    def _open(self, position: int, visiting: Showing | None = None) -> None:
        self._begun = self._unlocked()
        if position != self._position:  # time spent on other candidates is time spent on the pair
            self._watch.restart()
        self._position, self._visiting, self._amending = position, visiting, False
        pair = self.pair
        if pair is None or self.visiting:
            self.draft = Draft()
        else:
            begun = self._begun.pop(pair, None)
            self._amending = begun is not None and pair in self._rated  # a change that was begun goes on
            self.draft = begun or self._rated.get(pair) or Draft()
        self.pair_changed.emit()
        self._changed()

    def _step(self, by: int) -> None:
        """To the neighbour in the list, among those that pass the filter."""
        places = [place for place in self.listed() if (place - self._position) * by > 0]
        if places:
            self._open(min(places, key=lambda place: abs(place - self._position)))

    def _passing(self, one: Filter) -> list[int]:
        return [place for place, pair in enumerate(self.order) if one.keeps(self._rated.get(pair), pair in self.later)]

    def _next_open(self, position: int) -> int | None:
        """Index of the next unrated pair after `position`, around the end; those put off come last."""
        n = len(self.order)
        listed = set(self.listed())
        around = [(position + step) % n for step in range(1, n + 1)] if n else []
        waiting = [i for i in around if self.order[i] not in self._rated and i in listed]
        prompt = [i for i in waiting if self.order[i] not in self.later]
        return next(iter(prompt or waiting), None)

    def _read_ratings(self) -> None:
        """This reader's ratings in the study, so that a session goes on where the last one stopped."""
        mine = self._mine(self.study.standing_ratings())
        stored = drafts_of(mine)
        self._rated = {pair: stored[_key(pair)] for pair in self.order if _key(pair) in stored}
        self._spent = [float(seconds) for seconds in mine["seconds"].dropna()]
        # Whatever was ever rated has shown its scores, taken back or not, in this session or an earlier one.
        events = self._mine(self.study.rating_events()).query("kind == 'rate'")
        seen = {(row.synthetic, row.training, bool(row.repeat)) for row in events.itertuples()}
        self._revealed |= {pair for pair in self.order if _key(pair) in seen}

    def _mine(self, ratings: pd.DataFrame) -> pd.DataFrame:
        """Of this reader in this round."""
        return ratings[(ratings["reader"] == self.reader) & (ratings["round"] == self.round)]


def _key(pair: Showing) -> tuple[str, str, bool]:
    return pair.synthetic, pair.training, pair.repeat


def _as_key(stored: Any) -> tuple[str, str, bool]:
    synthetic, training, repeat = stored
    return str(synthetic), str(training), bool(repeat)
