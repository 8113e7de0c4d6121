"""The command `new`: a study made of folders of volumes."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_relict.cli.options import StudyFolder, say_notes
from napari_relict.cli.terminal import say, stop_at_problems
from napari_relict.errors import UsageError

Folder = Annotated[Path | None, typer.Option(metavar="DIR", show_default=False)]


class Modality(StrEnum):
    """What the volumes were taken with."""

    mr = "mr"
    ct = "ct"


def new(
    study: StudyFolder,
    training: Annotated[Path, typer.Option(metavar="DIR", help="training volumes", show_default=False)],
    synthetic: Annotated[Path, typer.Option(metavar="DIR", help="synthetic volumes", show_default=False)],
    holdout: Folder = None,
    training_segmentations: Folder = None,
    synthetic_segmentations: Folder = None,
    holdout_segmentations: Folder = None,
    patients: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="columns volume,patient", show_default=False)
    ] = None,
    modality: Annotated[
        Modality | None, typer.Option(help="default: as the first training volume looks", show_default=False)
    ] = None,
    spacing: Annotated[
        str | None,
        typer.Option(metavar="MM", help="of the common grid; one number or Z,Y,X", show_default=False),
    ] = None,
    shape: Annotated[
        str | None, typer.Option(metavar="Z,Y,X", help="voxels of the common grid", show_default=False)
    ] = None,
) -> None:
    """Make a study of folders of volumes. Nothing in them is changed."""
    from napari_relict.study import Study

    made = Study.create(
        study,
        training=training,
        synthetic=synthetic,
        holdout=holdout,
        training_segmentations=training_segmentations,
        synthetic_segmentations=synthetic_segmentations,
        holdout_segmentations=holdout_segmentations,
        patients=patients,
        modality=None if modality is None else modality.value,
        spacing=_numbers(spacing, "--spacing", float),
        shape=_numbers(shape, "--shape", int, alone=False),
    )
    grid = made.settings.grid
    say(
        f"made {made.folder}: {made.settings.modality.upper()}, grid {'x'.join(map(str, grid.shape))} voxels of "
        f"{'x'.join(f'{mm:g}' for mm in grid.spacing)} mm (z, y, x). Next: napari-relict match {study}"
    )
    if holdout is None:
        say("without --holdout, p-values rest on the training patients themselves: weaker evidence")
    say_notes(made.notes)
    stop_at_problems(made.problems)


def _numbers(text: str | None, option: str, kind: Callable[[str], Any], alone: bool = True) -> Any:
    if text is None:
        return None
    try:
        values = tuple(kind(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) == 1 and alone:
        return values[0]
    if len(values) != 3:
        raise UsageError(f"{option} {text}: give {'one number or ' if alone else ''}three, as Z,Y,X")
    return values
