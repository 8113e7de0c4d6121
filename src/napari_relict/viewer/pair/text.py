"""What is written over the cells of a pair, and names short enough for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CellTexts:
    """What is written over the cells, and what the two sides are called in the legend."""

    left: str
    right: str
    difference: str
    left_side: str
    right_side: str


def elided(name: str, longest: int) -> str:
    """A name that fits over its cell; names of one study differ at their ends."""
    return name if len(name) <= longest else f"{name[: longest // 3]}…{name[-(longest - longest // 3 - 1) :]}"
