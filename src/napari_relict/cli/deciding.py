"""The commands about what to do next: next, release. Part of the command line (see `cli.py`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_relict.cli.reading import StudyFolder
from napari_relict.cli.terminal import say

commands = typer.Typer(rich_markup_mode=None)


@commands.command("next")
def next_(
    study: StudyFolder,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, help="how many pairs")] = 10,
    measure: Annotated[
        str | None, typer.Option(metavar="NAME", help="default: the best one so far", show_default=False)
    ] = None,
    width: Annotated[
        float | None,
        typer.Option(metavar="W", help="also say how many ratings a threshold this precise takes", show_default=False),
    ] = None,
) -> None:
    """Which pairs to rate next so that a threshold gets more precise soonest."""
    from napari_relict.study import Study

    opened = Study.open(study)
    pairs = opened.next_to_rate(count, measure)
    for row in pairs.to_dict("records"):
        known = row["expected_width"] == row["expected_width"]
        expected = f"; interval then about {row['expected_width']:.3g} wide" if known else ""
        say(f"{row['synthetic']} and {row['training']}: {row['why']}{expected}")
    if pairs.empty:
        say("every synthetic volume was rated")
    if width is not None:
        needed = opened.ratings_needed(width, measure)
        say(
            f"{needed.ratings} ratings, interval {needed.width:.3g} wide; about {needed.more:.0f} more "
            f"(95% interval {needed.more_low:.0f} to {needed.more_high:.0f}) for {width:g}: {needed.note}"
        )


@commands.command()
def release(
    study: StudyFolder,
    to: Annotated[Path, typer.Option(metavar="DIR", help="where the two lists go", show_default=False)],
    risk: Annotated[float, typer.Option(help="share of replicas among the volumes that are cleared")] = 0.05,
) -> None:
    """Write withhold.csv and cleared.csv, and say what can be promised of them."""
    from napari_relict.study import Study

    found = Study.open(study).release(risk)
    found.write(to)
    for line in found.said:
        say(line)
    say(f"wrote {to / 'withhold.csv'} and {to / 'cleared.csv'}")
