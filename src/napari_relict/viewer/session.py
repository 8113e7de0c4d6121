"""A reading session: whose it is, which pair is open, what has been said about it, what may be seen.

No Qt, no napari. Everything that changes a study goes through `Study.rate` and `Study.undo`; a rating is
durable when `lock` returns. The scores of a pair may be shown once its rating is locked (`scores_visible`).
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from psygnal import Signal

GRADES = {1: "different", 2: "similar", 3: "near replica", 4: "exact replica"}
#: Of the five steps a study can store, three are on keys; ends and middle keep their meaning.
CONFIDENCES = {1: "low", 3: "medium", 5: "high"}


@dataclass
class Draft:
    """What the reader has said so far about the open pair; not yet in the study."""

    grade: int | None = None
    confidence: int | None = None
    criteria: set[str] = field(default_factory=set)
    comment: str = ""


class ReadingSession:
    """One reader going through one study's reading list.

    Parameters
    ----------
    study : the open study.
    reader : name under which ratings are stored; also the seed of the order and of the sides.
    blinded : hide names and scores until a rating is locked, and swap the sides at random.
    clock : seconds, for the time spent on a pair.
    """

    pair_changed = Signal()  # another pair is open
    state_changed = Signal()  # draft, lock, progress: redraw what is written
    ratings_changed = Signal()  # the study holds one rating more or less
    said = Signal(str)  # a line for the reader

    def __init__(
        self, study: Any, reader: str, *, blinded: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.study, self.reader, self.blinded = study, reader.strip() or "reader", blinded
        self.session = uuid.uuid4().hex
        self.order: list[Any] = list(study.reading_list(self.reader))
        self.later: set[Any] = set()
        self.draft = Draft()
        self._clock = clock
        self._rated: dict[Any, Draft] = self._stored()
        self._revealed: set[Any] = set()
        self._position = 0
        self._visiting: Any = None
        self._amending = False
        self._opened_at = clock()
        first = self._next_open(-1)
        self._open(0 if first is None else first)

    # What is open -----------------------------------------------------------------------------------------
    @property
    def pair(self) -> Any:
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
        """Only pairs of the reading list are rated; a lower-ranked match may be looked at."""
        return self._visiting is None and bool(self.order)

    @property
    def scores_visible(self) -> bool:
        return not self.blinded or self.locked or self.pair in self._revealed

    @property
    def names_visible(self) -> bool:
        """Names stay hidden through a blinded session: shown once, they would unblind pairs to come."""
        return not self.blinded

    @property
    def swapped(self) -> bool:
        return self.blinded and self.pair is not None and swapped_sides(self.reader, self.pair)

    def progress(self) -> tuple[int, int]:
        """How many pairs of the list are rated, and how many there are."""
        return sum(pair in self._rated for pair in self.order), len(self.order)

    def rating_of(self, pair: Any) -> Draft | None:
        return self._rated.get(pair)

    def upcoming(self) -> Any:
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
            self.state_changed.emit()

    def set_confidence(self, confidence: int) -> None:
        if confidence not in CONFIDENCES:
            raise ValueError(f"a confidence is one of {sorted(CONFIDENCES)}, not {confidence}")
        if self._may_change():
            self.draft.confidence = None if self.draft.confidence == confidence else confidence
            self.state_changed.emit()

    def toggle_criterion(self, name: str) -> None:
        if self._may_change():
            self.draft.criteria ^= {name}
            self.state_changed.emit()

    def set_comment(self, text: str) -> None:
        """Keep the comment. Emits nothing: the field it is typed into must not be rewritten meanwhile."""
        if self.rateable and not self.locked:
            self.draft.comment = text

    def lock(self) -> bool:
        """Store the rating. True when it is in the study; scores may be shown from now on."""
        if not self.rateable or self.locked:
            return False
        draft, pair = self.draft, self.pair
        if draft.grade is None:
            self.said.emit("Choose a grade first: keys 1 to 4")
            return False
        ordered = [name for name in self.study.settings.criteria if name in draft.criteria]
        self.study.rate(
            pair,
            draft.grade,
            reader=self.reader,
            session=self.session,
            confidence=draft.confidence,
            criteria=ordered,
            comment=draft.comment,
            seconds=round(self._clock() - self._opened_at, 3),
            order_index=self._position,
            # Once the scores of a pair were seen, a new rating of it is no longer a blinded one.
            blinded=self.blinded and pair not in self._revealed,
            swapped=self.swapped,
        )
        self._rated[pair] = draft
        self._revealed.add(pair)
        self._amending = False
        self.later.discard(pair)
        self.said.emit(f"Saved: {draft.grade} {GRADES[draft.grade]}")
        self.state_changed.emit()
        self.ratings_changed.emit()
        return True

    def amend(self) -> None:
        """Open a locked rating for a change; the new one is stored beside the old one when locked."""
        if self.rateable and self.locked:
            self._amending = True
            self._opened_at = self._clock()
            old = self._rated[self.pair]
            self.draft = Draft(old.grade, old.confidence, set(old.criteria), old.comment)
            self._revealed.add(self.pair)
            self.state_changed.emit()

    def undo(self) -> None:
        """Take the reader's last rating back and open its pair."""
        pair = self.study.undo(reader=self.reader, session=self.session)
        if pair is None:
            self.said.emit("Nothing to undo")
            return
        self._rated = self._stored()
        if pair in self.order:
            self._open(self.order.index(pair))
        self.said.emit("Last rating taken back")
        self.ratings_changed.emit()

    # Going from pair to pair ------------------------------------------------------------------------------
    def proceed(self) -> None:
        """One key for the whole way: lock what is chosen; when it is locked, go to the next open pair."""
        if self.rateable and not self.locked:
            self.lock()
            return
        following = self._next_open(self._position)
        if following is None:
            self.said.emit("All pairs are rated")
        else:
            self._open(following)

    def next(self) -> None:
        self.go_to(self._position + 1)

    def back(self) -> None:
        self.go_to(self._position if self._visiting is not None else self._position - 1)

    def go_to(self, position: int) -> None:
        if 0 <= position < len(self.order):
            self._open(position)

    def visit(self, pair: Any) -> None:
        """Look at any match. Refused while blinded: it would show names and scores."""
        if pair in self.order:
            self.go_to(self.order.index(pair))
        elif self.blinded:
            self.said.emit("Other matches can be opened when reading unblinded")
        else:
            self._open(self._position, visiting=pair)

    def review_later(self) -> None:
        """Put the open pair off; it comes back when all others are rated."""
        if self.rateable and not self.locked:
            self.later.add(self.pair)
            self.said.emit("Put off: it comes back at the end")
            following = self._next_open(self._position)
            if following is not None and following != self._position:
                self._open(following)
            else:
                self.state_changed.emit()

    # Inside -----------------------------------------------------------------------------------------------
    def _may_change(self) -> bool:
        if self.locked:
            self.said.emit("This rating is locked: U changes it, Ctrl+Z takes the last one back")
        return self.rateable and not self.locked

    def _open(self, position: int, visiting: Any = None) -> None:
        self._position, self._visiting, self._amending = position, visiting, False
        stored = self._rated.get(self.pair)
        self.draft = stored or Draft()
        self._opened_at = self._clock()
        self.pair_changed.emit()
        self.state_changed.emit()

    def _next_open(self, position: int) -> int | None:
        """Index of the next unrated pair after `position`, around the end; those put off come last."""
        n = len(self.order)
        around = [(position + step) % n for step in range(1, n + 1)] if n else []
        waiting = [i for i in around if self.order[i] not in self._rated]
        prompt = [i for i in waiting if self.order[i] not in self.later]
        return next(iter(prompt or waiting), None)

    def _stored(self) -> dict[Any, Draft]:
        """This reader's ratings in the study, so that a session goes on where the last one stopped."""
        ratings = self.study.ratings()
        mine = ratings[ratings["reader"] == self.reader] if len(ratings) else ratings
        by_names = {(row.synthetic, row.training): row for row in mine.itertuples()}
        stored = {}
        for pair in self.order:
            row = by_names.get((pair.synthetic, pair.training))
            if row is not None:
                confidence = None if pd.isna(row.confidence) else int(row.confidence)
                stored[pair] = Draft(int(row.grade), confidence, criteria_of(row.criteria), row.comment or "")
        return stored


def criteria_of(stored: str | None) -> set[str]:
    """Criteria as the study keeps them: one text, separated by semicolons."""
    return {name for name in (stored or "").split("; ") if name}


def swapped_sides(reader: str, pair: Any) -> bool:
    """Whether this reader sees the synthetic volume of this pair on the right; the same at every visit."""
    seed = "\0".join([reader, pair.synthetic, pair.training]).encode()
    return hashlib.sha256(seed).digest()[0] % 2 == 1
