"""Reading lists: which pairs a reader is shown, in which order, on which side, and which of them twice.

Everything here follows from the pairs, the settings, the reader's name and the round, so a list made again is the same.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from napari_relict.errors import UsageError
from napari_relict.records.settings import ReadingSettings

ROUNDS = ("first", "second", "consensus")
FEWEST_FOR_REPEATS = 5  # in a shorter list a repeat would be recognised
LEAST_GAP = 5  # places between a pair and its repeat


@dataclass(frozen=True)
class Pair:
    """A synthetic volume and the training volume it is compared with."""

    synthetic: str
    training: str


@dataclass(frozen=True)
class Showing:
    """One time that a pair is shown to a reader.

    Attributes
    ----------
    repeat : a hidden repeat of a pair shown earlier in the same round.
    swapped : blinded readers see the synthetic volume on the right.
    """

    synthetic: str
    training: str
    repeat: bool = False
    swapped: bool = False

    @property
    def pair(self) -> Pair:
        return Pair(self.synthetic, self.training)


def known_round(round: str) -> str:
    """The round's name.

    Raises
    ------
    UsageError : there is no such round.
    """
    if round not in ROUNDS:
        raise UsageError(f"no round '{round}'; there are {', '.join(ROUNDS)}")
    return round


def plan(
    pairs: Sequence[Pair], likely: Collection[Pair], settings: ReadingSettings, reader: str, round: str
) -> list[Showing]:
    """The list of one reader for the first or the second round.

    Parameters
    ----------
    pairs : all pairs of the study that are to be read, most conspicuous first.
    likely : those of them that the scores call copies.

    Raises
    ------
    UsageError : the settings name the readers, and this is none of them.
    """
    own = own_pairs(pairs, likely, settings, reader)
    return _with_repeats(reading_order(own, reader, round), settings.repeats, reader, round)


def own_pairs(pairs: Sequence[Pair], likely: Collection[Pair], settings: ReadingSettings, reader: str) -> list[Pair]:
    """The anchors and the reader's share of the other pairs; all pairs where the settings name no readers.

    The others are dealt along the score order, a card to each reader a round, so that no reader gets the easy ones.

    Raises
    ------
    UsageError : the settings name the readers, and this is none of them.
    """
    if not settings.readers:
        return list(pairs)
    if reader not in settings.readers:
        raise UsageError(f"'{reader}' is not among the readers of study.toml: {', '.join(settings.readers)}")
    common = anchors(pairs, likely, settings.anchors)
    rest = [pair for pair in pairs if pair not in common]
    mine = set(common)
    size = len(settings.readers)
    for start in range(0, len(rest), size):
        dealt = rest[start : start + size]
        names = _generator("deal", *[name for pair in dealt for name in (pair.synthetic, pair.training)])
        turns = [settings.readers[place] for place in names.permutation(size)]
        mine |= {pair for pair, whose in zip(dealt, turns, strict=False) if whose == reader}
    return [pair for pair in pairs if pair in mine]


def anchors(pairs: Sequence[Pair], likely: Collection[Pair], count: int) -> set[Pair]:
    """Pairs that every reader rates: half of them likely copies where there are enough, each half spread over the
    score order. They follow from the study's own pairs, not from a reader."""
    if count >= len(pairs):
        return set(pairs)
    called = [pair for pair in pairs if pair in likely]
    others = [pair for pair in pairs if pair not in likely]
    of_called = min(len(called), max(count // 2, count - len(others)))
    return {*_spread(called, of_called), *_spread(others, count - of_called)}


def reading_order(pairs: Sequence[Pair], reader: str, round: str) -> list[Pair]:
    """The pairs in the reader's own order; another one in each round."""
    order = _shuffled(pairs, reader, round)
    if round != ROUNDS[0] and len(order) > 1 and order == _shuffled(pairs, reader, ROUNDS[0]):
        order = [*order[1:], order[0]]  # a few pairs may fall in the same order by chance
    return order


def is_swapped(pair: Pair, repeat: bool, reader: str, round: str) -> bool:
    """Whether the synthetic volume is on the right; the same at every visit of the same showing."""
    return _digest("side", reader, round, pair.synthetic, pair.training, str(int(repeat)))[0] % 2 == 1


def _shuffled(pairs: Sequence[Pair], reader: str, round: str) -> list[Pair]:
    # Sorted first: scores that change the order they come in leave the reader's order as it is.
    ordered = sorted(pairs, key=lambda pair: (pair.synthetic, pair.training))
    return [ordered[place] for place in _generator("order", reader, round).permutation(len(ordered))]


def _with_repeats(order: Sequence[Pair], share: float, reader: str, round: str) -> list[Showing]:
    """The list with hidden repeats in its second part, each at least max(5, a quarter of the list) after the first."""
    count = min(max(1, int(share * len(order) + 0.5)), len(order) // 2)
    if share <= 0 or len(order) < FEWEST_FOR_REPEATS:
        count = 0
    random = _generator("repeats", reader, round)
    length = len(order) + count
    gap = max(LEAST_GAP, math.ceil(length / 4))
    places = np.arange(max(math.ceil(length / 2), gap), length)
    slots = {int(random.choice(stretch)) for stretch in np.array_split(places, count)} if count else set()
    left = iter(order)
    shown: list[tuple[Pair, bool]] = []
    again: set[Pair] = set()
    for place in range(length):
        if place in slots:
            earlier = [pair for pair, repeat in shown[: place - gap + 1] if not repeat and pair not in again]
            # A short list with many repeats may have none that far back: then the one shown longest ago.
            longest_ago = [pair for pair, repeat in shown if not repeat and pair not in again][:1]
            pair = (earlier or longest_ago)[int(random.integers(len(earlier or longest_ago)))]
            again.add(pair)
            shown.append((pair, True))
        else:
            shown.append((next(left), False))
    return [
        Showing(pair.synthetic, pair.training, repeat, is_swapped(pair, repeat, reader, round))
        for pair, repeat in shown
    ]


def _spread(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """One pair out of each of `count` stretches of the list."""
    stretches = np.array_split(np.arange(len(pairs)), count) if count else []
    return [
        min((pairs[place] for place in stretch), key=lambda pair: _digest("anchor", pair.synthetic, pair.training))
        for stretch in stretches
    ]


def _digest(*words: str) -> bytes:
    return hashlib.sha256("\0".join(words).encode()).digest()


def _generator(*words: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(_digest(*words)[:8], "big"))
