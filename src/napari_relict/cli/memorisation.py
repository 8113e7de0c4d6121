"""The command `memorisation-study`: where memorisation comes from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_relict.cli.options import Device, Seed, StudyFolder, open_study, say_notes
from napari_relict.cli.terminal import TerminalProgress, say
from napari_relict.jobs.executors import workers


class Preset(StrEnum):
    """How large volumes and networks are."""

    cpu = "cpu"
    gpu = "gpu"


def memorisation_study(
    study: StudyFolder,
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="default: memorisation-study in the study", show_default=False)
    ] = None,
    preset: Annotated[Preset, typer.Option(help="small volumes and networks, or real ones (many hours)")] = Preset.cpu,
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
    seed: Seed = 0,
    device: Annotated[Device, typer.Option(help="where generators are trained")] = Device.cpu,
) -> None:
    """Train generators on the study's volumes, and see what makes them copy. A stopped run goes on where it was."""
    from napari_relict.memorisation import control_said, table_of

    opened = open_study(study)
    with TerminalProgress() as progress:
        result = opened.memorisation_study(
            to, preset=preset.value, repeats=repeats, processes=processes or (1 if device != Device.cpu else workers()),
            seed=seed, device=device.value, progress=progress,
        )  # fmt: skip
    say(f"{'factor':28} {'level':18} {'N_copies':>20} {'called':>7} {'N_mem':>20}")
    for row in table_of(result.directions).itertuples(index=False):
        say(f"{row[0]:28.28} {row[1]:18.18} {row[2]:>20} {row[3]:>7} {row[4]:>20}")
    for sentence in (control_said(result.runs), *(effect.said for effect in result.directions)):
        if sentence:
            say(sentence)
    say(f"wrote {result.folder / 'index.html'}, factors.svg, runs.csv and rules.csv")
    say_notes(result.notes)
