"""The commands that bring tables out of a study and into it: export, import."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_relict.cli.options import StudyFolder, open_study
from napari_relict.cli.terminal import say


class Table(StrEnum):
    """What can be written to a file."""

    matches = "matches"
    ratings = "ratings"
    verdicts = "verdicts"
    thresholds = "thresholds"
    labels = "labels"
    agreement = "agreement"
    quality = "quality"


class Importable(StrEnum):
    """What can be read from a file."""

    ratings = "ratings"


def export(
    study: StudyFolder,
    table: Annotated[Table, typer.Argument(show_default=False)],
    to: Annotated[
        Path,
        typer.Option(metavar="FILE", help=".csv, .parquet or .json; a folder for labels, too", show_default=False),
    ],
) -> None:
    """Write a table of the study to a file."""
    open_study(study).export(table.value, to)
    say(f"wrote {to}")


def import_(
    study: StudyFolder,
    table: Annotated[Importable, typer.Argument(show_default=False)],
    source: Annotated[Path, typer.Option("--from", metavar="FILE", show_default=False)],
) -> None:
    """Append ratings from a file. Doing it twice changes nothing."""
    say(f"{open_study(study).import_ratings(source)} new {table.value} from {source}")
