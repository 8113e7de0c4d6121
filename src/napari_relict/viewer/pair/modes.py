"""Ways to compare two volumes in the third cell, and what is written over and under each. No napari."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    DIFFERENCE = "difference"
    CHECKERBOARD = "checkerboard"
    SWIPE = "swipe"
    OVERLAY = "overlay"
    AB = "A/B"


#: What is drawn in volumes too; the others are of slices, and give way to the difference there.
IN_3D = (Mode.DIFFERENCE, Mode.AB)


def next_mode(mode: Mode) -> Mode:
    modes = list(Mode)
    return modes[(modes.index(mode) + 1) % len(modes)]


def drawn(mode: Mode, in_3d: bool) -> Mode:
    """What the cell really shows of the mode that was asked for."""
    return mode if not in_3d or mode in IN_3D else Mode.DIFFERENCE


def title(mode: Mode, difference: str, left: str, right: str, *, on_right: bool, in_3d: bool) -> str:
    """Title of the third cell.

    Parameters
    ----------
    difference : its title while it shows the difference.
    left, right : what the two sides are called.
    on_right : A/B shows the right-hand volume.
    """
    if drawn(mode, in_3d) is not mode:
        return f"Difference  ({mode} in 2D)"  # the sides are named in the legend; all of it would not fit
    if mode is Mode.DIFFERENCE:
        return difference
    if mode is Mode.AB:
        side, name = ("Right", right) if on_right else ("Left", left)
        return f"A/B  {side}" if name == side.lower() else f"A/B  {side}: {name}"
    between = {Mode.CHECKERBOARD: "/", Mode.SWIPE: "|", Mode.OVERLAY: "+"}[mode]
    return f"{mode.capitalize()}  {left} {between} {right}"


def legend(mode: Mode, left: str, right: str, *, outlines: bool) -> tuple[str, str]:
    """What orange (left) and blue (right) mean; colours are repeated in words or shapes."""
    if mode is Mode.DIFFERENCE:
        also = ", or only there" if outlines else ""
        return f"▲ {left}: brighter{also}", f"▼ {right}: brighter{also}"
    if mode is Mode.OVERLAY:
        return f"▲ orange: {left}", f"▼ blue: {right}; grey: both alike"
    if mode is Mode.SWIPE:
        also = ", outline only there" if outlines else ""
        return f"◀ {left}: before the line{also}", f"▶ {right}: after it{also}"
    if not outlines:
        return "", ""
    return f"▲ {left}: outline only there", f"▼ {right}: outline only there"
