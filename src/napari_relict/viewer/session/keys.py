"""Every action of the reading room and its key: buttons, help and shortcuts are made from this one list."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """An action, its key (as Qt writes key sequences), what it does, and its heading in the help."""

    action: str
    key: str
    does: str
    group: str
    #: Arrow keys and Enter keep their own meaning while a table has the focus.
    in_tables: bool = True

    @property
    def shown(self) -> str:
        """The key as it is written on buttons."""
        return _SHOWN.get(self.key, self.key)


_SHOWN = {"Return": "Enter ⏎", "Up": "↑", "Down": "↓", "Left": "←", "Right": "→", "PgUp": "Page ↑", "PgDown": "Page ↓"}

KEYS = (
    Key("grade_1", "1", "Different", "Rate"),
    Key("grade_2", "2", "Similar", "Rate"),
    Key("grade_3", "3", "Near replica", "Rate"),
    Key("grade_4", "4", "Exact replica", "Rate"),
    Key("confidence_1", "Q", "Confidence low", "Rate"),
    Key("confidence_3", "W", "Confidence medium", "Rate"),
    Key("confidence_5", "E", "Confidence high", "Rate"),
    Key("criterion_1", "5", "First criterion", "Rate"),
    Key("criterion_2", "6", "Second criterion", "Rate"),
    Key("criterion_3", "7", "Third criterion", "Rate"),
    Key("criterion_4", "8", "Fourth criterion", "Rate"),
    Key("criterion_5", "9", "Fifth criterion", "Rate"),
    Key("comment", "M", "Write a comment (Esc or Enter leaves it)", "Rate"),
    Key("proceed", "Return", "Lock the rating; once locked, next pair", "Rate", in_tables=False),
    Key("undo", "Ctrl+Z", "Take the last rating back", "Rate"),
    Key("amend", "U", "Change a locked rating", "Rate"),
    Key("back", "B", "Pair before", "Go"),
    Key("next", "N", "Pair after", "Go"),
    Key("later", "L", "Review later: put this pair off to the end", "Go"),
    Key("pause", "P", "Pause, and go on", "Go"),
    Key("filter", "F", "Go through the next part of the list only (all, still to rate, put off, ...)", "Go"),
    Key("candidate_1", "Ctrl+1", "First candidate of this synthetic volume", "Go"),
    Key("candidate_2", "Ctrl+2", "Second candidate", "Go"),
    Key("candidate_3", "Ctrl+3", "Third candidate", "Go"),
    Key("candidate_4", "Ctrl+4", "Fourth candidate", "Go"),
    Key("candidate_5", "Ctrl+5", "Fifth candidate", "Go"),
    Key("axial", "A", "Axial slices", "Look"),
    Key("coronal", "C", "Coronal slices", "Look"),
    Key("sagittal", "S", "Sagittal slices", "Look"),
    Key("volume", "V", "Volumes in 3D, and back", "Look"),
    Key("overlay", "O", "Segmentations on or off", "Look"),
    Key("label", "G", "Outlines of the next label alone, then of all", "Look"),
    Key("frame", "R", "Frame the anatomy again", "Look"),
    Key("crosshair", "I", "Crosshair on or off (click moves it)", "Look"),
    Key("slice_up", "Up", "Slice up (or mouse wheel)", "Look", in_tables=False),
    Key("slice_down", "Down", "Slice down (or mouse wheel)", "Look", in_tables=False),
    Key("slice_up_5", "PgUp", "Five slices up", "Look", in_tables=False),
    Key("slice_down_5", "PgDown", "Five slices down", "Look", in_tables=False),
    Key("volumes_beside", "Shift+V", "Volumes below the slices, on or off", "Look"),
    Key("rendering", "Shift+R", "Volumes as plain maximum, and back", "Look"),
    Key("window_next", "K", "Next window (right drag sets one)", "Look"),
    Key("window_reset", "Shift+K", "Default window (or double right click)", "Look"),
    Key("help", "?", "Show these keys", "Look"),
    Key("registered", "T", "Right volume registered, or as it lies", "Compare"),
    Key("compare_next", "D", "Next way to compare", "Compare"),
    Key("ab", "X", "A/B: the other volume", "Compare"),
    Key("flicker", "Shift+X", "A/B by itself, and stop", "Compare"),
    Key("swipe_left", "Left", "Swipe: line to the left", "Compare", in_tables=False),
    Key("swipe_right", "Right", "Swipe: line to the right", "Compare", in_tables=False),
    Key("jump", "J", "Go to the (next) largest difference", "Compare"),
    Key("mark", "Z", "Mark a point (Shift and drag: a box)", "Compare"),
    Key("unmark", "Shift+Z", "Take the last mark away", "Compare"),
)

BY_ACTION = {key.action: key for key in KEYS}


def shown(action: str) -> str:
    """The key of an action as it is written on its button."""
    return BY_ACTION[action].shown
