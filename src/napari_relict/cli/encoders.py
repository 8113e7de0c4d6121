"""The command `encoders`: what turns volumes into vectors."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_relict.cli.options import open_study
from napari_relict.cli.terminal import say

WIDTH = 100


def encoders(
    study: Annotated[Path | None, typer.Argument(metavar="[STUDY]", help="list those it defines too")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the same for a program")] = False,
) -> None:
    """What turns volumes into vectors: every kind of encoder, what it needs, and whether it is ready here."""
    entries = [*_of_study(study), *_kinds()] if study is not None else list(_kinds())
    if as_json:
        say(json.dumps(entries, indent=2))
        return
    for entry in entries:
        for line in _lines(entry):
            say(line)


def _kinds() -> Iterator[dict[str, Any]]:
    from napari_relict.encoders.registry import KINDS, readiness

    for kind in KINDS.values():
        yield {
            "kind": kind.name,
            "title": kind.title,
            "state": readiness(kind, None),
            "options": [option for option in ("weights", *kind.options) if option != "ct_window"],
            **asdict(kind.needs),
        }


def _of_study(folder: Path) -> Iterator[dict[str, Any]]:
    from napari_relict.encoders.registry import check_definition, readiness

    study = open_study(folder)
    for name, table in study.settings.encoders.items():
        kind, title = check_definition(name, table)
        weights = study.folder / Path(table["weights"]).expanduser() if table.get("weights") else None
        yield {"name": name, "kind": kind.name, "title": title, "state": readiness(kind, weights), "given": table}


def _lines(entry: dict[str, Any]) -> Iterator[str]:
    """One encoder in words, at most `WIDTH` columns wide."""
    if "name" in entry:
        given = ", ".join(f"{key} = {value!r}" for key, value in entry["given"].items() if key not in ("kind", "title"))
        yield from _wrapped(f"{entry['name']} (this study's, of kind {entry['kind']}): {entry['title']}", "")
        yield from _wrapped(entry["state"], "  state    ")
        yield from _wrapped(given or "nothing but its name", "  given    ")
        return
    channels = f"{entry['channels']} channel{'s' if entry['channels'] > 1 else ''}"
    spacing = (
        "x".join(f"{mm:g}" for mm in entry["spacing"]) + " mm (z, y, x)" if entry["spacing"] else "the grid's spacing"
    )
    padded = f", sides padded to multiples of {entry['divisor']}" if entry["divisor"] > 1 else ""
    hashed = f"; SHA-256 {entry['sha256'][:12]}..." if entry["sha256"] else ""
    yield from _wrapped(f"{entry['kind']}: {entry['title']}", "")
    yield from _wrapped(entry["state"], "  state    ")
    yield from _wrapped(
        f"{entry['dimensions']}D, {channels}, {spacing}{padded}; axes {entry['orientation']}; {entry['intensity']}",
        "  takes    ",
    )
    yield from _wrapped(f"{', '.join(entry['layers'])}; {entry['pooling']}", "  layers   ")
    yield from _wrapped(f"{entry['source']}; licence: {entry['licence']}{hashed}", "  weights  ")
    yield from _wrapped(", ".join(entry["options"]), "  options  ")


def _wrapped(text: str, head: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * max(len(head), 2))
