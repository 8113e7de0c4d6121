"""The command `match`, and the few lines that say what a study has come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from napari_relict.cli.options import StudyFolder, open_study, split_names
from napari_relict.cli.terminal import TerminalProgress, say, stop_at_problems

if TYPE_CHECKING:
    from napari_relict.study import Study


def match(
    study: StudyFolder,
    top: Annotated[
        int | None, typer.Option(metavar="K", min=1, help="nearest patients kept", show_default=False)
    ] = None,
    measures: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="default: those of study.toml", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda: where encoders and the search's products run")] = "cpu",
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="of a Dask scheduler whose workers do the work", show_default=False),
    ] = None,
) -> None:
    """Find the nearest training volumes of every synthetic volume. A stopped run goes on where it was."""
    opened = open_study(study)
    with TerminalProgress() as progress:
        opened.match(measures=split_names(measures), top=top, device=device, scheduler=scheduler, progress=progress)
    say_summary(opened)
    stop_at_problems(opened.problems)


def say_summary(study: Study) -> None:
    """Say what a data steward wants to know first, in a few lines.

    Parameters
    ----------
    study : Study
        A matched study.
    """
    from napari_relict.calibration.verdicts import EXACT, NEAR, NONE, UNDECIDED
    from napari_relict.measures.registry import deciders

    duplicates = study.duplicates()
    apart = duplicates[~duplicates["same_patient"]]
    for row in apart.to_dict("records"):
        same = "the same voxels" if row["same_voxels"] else f"NCC {row['ncc']:.3f}"
        where = "inside the training cohort" if row["cohort"] == "training" else "in holdout and training"
        say(f"duplicate {where}: {row['volume']} and {row['training']} ({same})")
    counts = study.verdicts()["verdict"].value_counts()
    null = study.null(deciders(study.measures())[0].name)
    say(
        f"{counts.sum()} synthetic volumes: "
        + ", ".join(
            f"{counts.get(name, 0)} {words}"
            for name, words in (
                (EXACT, "exact replicas"), (NEAR, "near replicas"), (UNDECIDED, "undecided"), (NONE, "no replica")
            )
        )
        + f" (rule: {study.settings.verdicts.rule}; false discovery rate {study.settings.alpha:g}; null: "
        f"{null.described}, smallest p by ranks {null.resolution:.3g})"
    )  # fmt: skip
    for line in study.cautions():
        say(f"caution: {line}")
    if study.expected_errors():
        say(study.expected_errors())
    if counts.get(UNDECIDED, 0):
        say("undecided: neither shown to be copies nor to be none; look at them (review --unblinded shows them first)")
