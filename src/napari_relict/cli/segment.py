"""The command that makes label maps. Part of the command line (see `cli.py`)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_relict.cli.reading import StudyFolder
from napari_relict.cli.terminal import TerminalProgress, say, say_errors

commands = typer.Typer(rich_markup_mode=None)


class Segmenter(StrEnum):
    deepbet = "deepbet"
    tissue = "tissue"
    ct_thresholds = "ct-thresholds"
    bundle = "bundle"
    totalsegmentator = "totalsegmentator"


@commands.command()
def segment(
    study: StudyFolder,
    segmenter: Annotated[Segmenter, typer.Option("--with", help="what makes them", show_default=False)],
    cohort: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="only this cohort; repeatable", show_default=False),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(metavar="DIR", help="the MONAI bundle, for --with bundle", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
) -> None:
    """Make label maps for cohorts that have none, and enter them into study.toml."""
    from napari_relict.study import Study

    opened = Study.open(study)
    with TerminalProgress() as progress:
        problems = opened.segment(
            segmenter.value, cohorts=cohort or (), bundle=bundle, device=device, progress=progress
        )
    for name, folders in opened.settings.cohorts.items():
        say(f"{name}: {folders.segmentations or 'no segmentations'}")
    say(f"Next: napari-relict match {study}")
    if problems:
        say_errors(problems)
        raise typer.Exit(1)
