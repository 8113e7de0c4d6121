"""The command about where memorisation comes from. Part of the command line (see `cli.py`)."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_relict.cli.reading import StudyFolder
from napari_relict.cli.terminal import TerminalProgress, say
from napari_relict.cli.train import Device
from napari_relict.jobs.executors import workers

commands = typer.Typer(rich_markup_mode=None)


class Size(StrEnum):
    cpu = "cpu"
    gpu = "gpu"


@commands.command("memorisation-study")
def memorisation_study(
    study: StudyFolder,
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="default: memorisation-study in the study", show_default=False)
    ] = None,
    preset: Annotated[Size, typer.Option(help="small volumes and networks, or real ones (many hours)")] = Size.cpu,
    repeats: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="trainings of each setting; default: cpu 4, gpu 3", show_default=False),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="trainings at a time; default: one a core, 1 on a GPU", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="of all that is drawn")] = 0,
    device: Annotated[Device, typer.Option(help="where generators are trained")] = Device.cpu,
) -> None:
    """Train generators on the study's volumes, and see what makes them copy. A stopped run goes on where it was."""
    from napari_relict.memorisation import control_said, table_of
    from napari_relict.study import Study

    opened = Study.open(study)
    with TerminalProgress() as progress:
        result = opened.memorisation_study(
            to, preset=preset.value, repeats=repeats, processes=processes or (1 if device != Device.cpu else workers()),
            seed=seed, device=device.value, progress=progress,
        )  # fmt: skip
    say(f"{'factor':28} {'level':18} {'N_copies':>20} {'called':>7} {'N_mem':>20}")
    for row in table_of(result.directions).itertuples(index=False):
        say(f"{row[0]:28.28} {row[1]:18.18} {row[2]:>20} {row[3]:>7} {row[4]:>20}")
    for sentence in (control_said(result.runs), *(one.said for one in result.directions)):
        if sentence:
            say(sentence)
    say(f"wrote {result.folder / 'index.html'}, factors.svg, runs.csv and rules.csv")
    for note in result.notes:
        print(f"napari-relict: note: {note}", file=sys.stderr)
