"""The command `segment`: label maps for cohorts that have none."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_relict.cli.options import StudyFolder, open_study
from napari_relict.cli.terminal import TerminalProgress, say, stop_at_problems


class Segmenter(StrEnum):
    """What can make label maps."""

    deepbet = "deepbet"
    tissue = "tissue"
    ct_thresholds = "ct-thresholds"
    bundle = "bundle"
    totalsegmentator = "totalsegmentator"


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
    opened = open_study(study)
    with TerminalProgress() as progress:
        problems = opened.segment(
            segmenter.value, cohorts=cohort or (), bundle=bundle, device=device, progress=progress
        )
    for name, folders in opened.settings.cohorts.items():
        say(f"{name}: {folders.segmentations or 'no segmentations'}")
    say(f"Next: napari-relict match {study}")
    stop_at_problems(problems)
