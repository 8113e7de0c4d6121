"""Arguments and options that several commands share, and what commands do with what was given."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_relict.study import Study

StudyFolder = Annotated[Path, typer.Argument(metavar="STUDY", help="folder of the study", show_default=False)]
Risk = Annotated[float, typer.Option(help="share of replicas among the volumes that are cleared")]
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="of all that is drawn")]


class Device(StrEnum):
    """Where networks run."""

    cpu = "cpu"
    cuda = "cuda"


class Round(StrEnum):
    """The reading lists a reader may be given."""

    first = "first"
    second = "second"
    consensus = "consensus"


def open_study(folder: Path) -> Study:
    """Open a study; imported here, so that `--help` does not wait for it.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the study.

    Returns
    -------
    Study
        The study.

    Raises
    ------
    UsageError
        There is no study in `folder`.
    """
    from napari_relict.study import Study

    return Study.open(folder)


def split_names(text: str | None) -> list[str] | None:
    """Take a list of names apart.

    Parameters
    ----------
    text : str or None
        Names with commas between them, as given on the command line.

    Returns
    -------
    list of str or None
        The names without blanks around them; None where none were given.
    """
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def say_notes(notes: Iterable[str]) -> None:
    """Write notes to stderr.

    Parameters
    ----------
    notes : iterable of str
        One sentence each.
    """
    for note in notes:
        print(f"napari-relict: note: {note}", file=sys.stderr)
