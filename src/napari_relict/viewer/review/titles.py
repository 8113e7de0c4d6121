"""What is written over cells and panel about a pair, as far as the reader may know it."""

from __future__ import annotations

from napari_relict.viewer.data_models.scores import Scores
from napari_relict.viewer.pair.pair import PairKey
from napari_relict.viewer.pair.text import CellTexts, elided
from napari_relict.viewer.session.session import ReadingSession


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


def name_of_pair(session: ReadingSession, scores: Scores) -> str:
    """The open pair's place in the list, and its names where they may be seen."""
    if session.pair is None:
        return "No pairs"
    name = f"Pair {session.position + 1} of {len(session.order)}"
    if session.visiting and not session.blinded:
        return f"{session.pair.synthetic} – {session.pair.training}, rank {scores.rank(session.pair)}"
    if session.visiting:
        return f"{name}: another candidate"
    return f"{name}, blinded" if session.blinded else f"{name}: {session.pair.synthetic}"
