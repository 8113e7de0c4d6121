from __future__ import annotations

from pathlib import Path

from napari_relict.viewer.pair.modes import Mode
from napari_relict.viewer.session.keys import KEYS

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "keys.md"


def test_the_reference_lists_every_key_and_no_other() -> None:
    lines = REFERENCE.read_text(encoding="utf-8").splitlines()
    rows = [f"| `{key.shown}` | {key.does} |" for key in KEYS]
    assert [row for row in rows if row not in lines] == []
    assert [line for line in lines if line.startswith("| `") and line not in rows] == [
        "| `Shift` and left drag | marks a box |"
    ]


def test_the_reference_names_every_way_to_compare() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    assert [mode for mode in Mode if f"| {mode} |" not in text] == []
