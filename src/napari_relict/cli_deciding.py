"""The commands that come after verdicts: release. Part of the command line (see `cli.py`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_relict.cli_reading import StudyFolder
from napari_relict.terminal import say

commands = typer.Typer(rich_markup_mode=None)


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
