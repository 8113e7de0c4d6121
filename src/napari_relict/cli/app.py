"""The command line. Each command is a few calls of `Study`; errors become one line each and an exit status.

Exit status: 0 done; 1 data at fault (said in one line a file; the rest was done); 2 wrong usage.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_relict.cli.deciding import commands as deciding_commands
from napari_relict.cli.encoders import commands as encoder_commands
from napari_relict.cli.memorisation import commands as memorisation_commands
from napari_relict.cli.quality import commands as quality_commands
from napari_relict.cli.reading import StudyFolder, open_viewer
from napari_relict.cli.reading import commands as reading_commands
from napari_relict.cli.rules import commands as rules_commands
from napari_relict.cli.segment import commands as segmenting_commands
from napari_relict.cli.terminal import TerminalProgress, has_screen, say, say_errors
from napari_relict.cli.train import commands as training_commands
from napari_relict.errors import RelictError, UsageError
from napari_relict.version import __version__

if TYPE_CHECKING:
    from napari_relict.study import Study

app = typer.Typer(
    help="Is any of these synthetic volumes a copy of a patient?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(reading_commands)
app.add_typer(rules_commands)
app.add_typer(deciding_commands)
app.add_typer(training_commands)
app.add_typer(encoder_commands)
app.add_typer(segmenting_commands)
app.add_typer(quality_commands)
app.add_typer(memorisation_commands)

Folder = Annotated[Path | None, typer.Option(metavar="DIR", show_default=False)]


class Modality(StrEnum):
    mr = "mr"
    ct = "ct"


class Table(StrEnum):
    matches = "matches"
    ratings = "ratings"
    verdicts = "verdicts"
    thresholds = "thresholds"
    labels = "labels"
    agreement = "agreement"
    quality = "quality"


class Importable(StrEnum):
    ratings = "ratings"


INTERRUPTED = 130  # status of what Ctrl-C stopped


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `napari-relict`."""
    try:
        app(arguments)
    except RelictError as error:
        say_errors([error])
        sys.exit(error.exit_status)
    except SystemExit as left:
        if left.code == INTERRUPTED:  # Typer leaves with it after Ctrl-C, without a word
            print("stopped; run the same command again to go on from here", file=sys.stderr)
        raise


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="print the version and stop")] = False,
) -> None:
    if show:
        print(__version__)
        raise typer.Exit


@app.command()
def demo(
    study: Annotated[Path, typer.Argument(metavar="[STUDY]", help="folder to make the demo in")] = Path("demo-study"),
    window: Annotated[bool, typer.Option(help="open the viewer when there is a screen")] = True,
) -> None:
    """Real volumes -> study -> matches -> viewer (pictures and report without a screen)."""
    from napari_relict.demo.study import ct_study, head_study

    look = has_screen() and window
    with TerminalProgress() as progress:
        heads = head_study(study, progress)
    _summary(heads)
    say(f"report: {_report(heads)}")
    if look:
        say("opening the viewer; when you close it, the CT study is made too (Ctrl-C leaves it out)")
        open_viewer(heads.folder, None, True)
    with TerminalProgress() as progress:
        bodies = ct_study(study, progress)
    _summary(bodies)
    say(f"report: {_report(bodies)}")
    if not look:
        _pictures(heads)
        say(f"No window was opened: pictures lie in {heads.folder / 'pictures'}.")
    say(f"To look at them on a screen: napari-relict review {study}, napari-relict review {study / 'ct'}")


@app.command()
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
    for note in made.notes:
        print(f"napari-relict: note: {note}", file=sys.stderr)
    _finish(made)


@app.command()
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
    opened = _open(study)
    chosen = None if measures is None else [name.strip() for name in measures.split(",") if name.strip()]
    with TerminalProgress() as progress:
        opened.match(measures=chosen, top=top, device=device, scheduler=scheduler, progress=progress)
    _summary(opened)
    _finish(opened)


@app.command()
def calibrate(study: StudyFolder) -> None:
    """Thresholds and verdicts from the ratings given so far."""
    opened = _open(study)
    table = opened.calibrate()
    if table.empty:
        say("no thresholds: they need at least two rated replicas and two rated others")
    for row in table.to_dict("records"):
        say(
            f"{row['measure']}: threshold {row['threshold']:.4g} "
            f"(95% interval {row['threshold_low']:.4g} to {row['threshold_high']:.4g}), "
            f"by {row['rule']}, balanced accuracy {row['balanced_accuracy']:.2f} on these ratings "
            f"(95% interval {row['balanced_accuracy_low']:.2f} to {row['balanced_accuracy_high']:.2f}), "
            f"{row['balanced_accuracy_corrected']:.2f} corrected for optimism, "
            f"chance reaches {row['balanced_accuracy_null95']:.2f}; "
            f"AUC {row['auc']:.2f} ({row['auc_low']:.2f} to {row['auc_high']:.2f}); "
            f"{row['n_replicas']} replicas of {row['n_rated']} rated" + (f"; {row['note']}" if row["note"] else "")
        )
    best, fused = opened.best_measure(), opened.fusion()
    if best is not None and best.measures > 1:
        say(
            f"best of {best.measures} measures: {best.measure}, balanced accuracy {best.balanced_accuracy:.2f}, "
            f"{best.balanced_accuracy_corrected:.2f} corrected for this choice too; the best of as many that know "
            f"nothing reaches {best.balanced_accuracy_null95:.2f} (p {best.p_value:.3g})"
        )
    if fused.brier == fused.brier:
        say(
            f"probability ({fused.kind}): Brier score {fused.brier:.3f} (95% interval {fused.brier_low:.3f} to "
            f"{fused.brier_high:.3f}) on ratings it had not seen, {fused.brier_of_share:.3f} by the share of replicas "
            f"alone; {fused.n_replicas} replicas of {fused.n_rated} rated" + (f"; {fused.note}" if fused.note else "")
        )
    _summary(opened)


@app.command()
def export(
    study: StudyFolder,
    table: Annotated[Table, typer.Argument(show_default=False)],
    to: Annotated[
        Path,
        typer.Option(metavar="FILE", help=".csv, .parquet or .json; a folder for labels, too", show_default=False),
    ],
) -> None:
    """Write a table of the study to a file."""
    opened = _open(study)
    opened.export(table.value, to)
    say(f"wrote {to}")


@app.command("import")
def import_(
    study: StudyFolder,
    table: Annotated[Importable, typer.Argument(show_default=False)],
    source: Annotated[Path, typer.Option("--from", metavar="FILE", show_default=False)],
) -> None:
    """Append ratings from a file. Doing it twice changes nothing."""
    opened = _open(study)
    say(f"{opened.import_ratings(source)} new {table.value} from {source}")


@app.command()
def report(
    study: StudyFolder,
    risk: Annotated[float, typer.Option(help="share of replicas among the volumes that are cleared")] = 0.05,
) -> None:
    """Write report.html into the study: one page, to be read, printed or sent."""
    say(f"wrote {_report(_open(study), risk)}")


def _open(folder: Path) -> Study:
    from napari_relict.study import Study

    return Study.open(folder)


def _report(study: Study, risk: float = 0.05) -> Path:
    from napari_relict.report import write_report

    return write_report(study, risk)


def _pictures(study: Study) -> None:
    """Pictures of the nearest pairs, and of the real window where one can be opened off-screen."""
    from napari_relict.cli.terminal import under_virtual_screen
    from napari_relict.report.pictures import write_pair_pictures

    folder = study.folder / "pictures"
    write_pair_pictures(study, folder)
    command = [
        sys.executable,
        "-m",
        "napari_relict.viewer.screenshots",
        str(study.folder),
        "--to",
        str(folder),
    ]
    if not under_virtual_screen(command):
        say("(no picture of the window itself: that needs xvfb-run)")


def _summary(study: Study) -> None:
    """What a data steward wants to know first, in a few lines."""
    duplicates = study.duplicates()
    apart = duplicates[~duplicates["same_patient"]]
    for row in apart.to_dict("records"):
        same = "the same voxels" if row["same_voxels"] else f"NCC {row['ncc']:.3f}"
        where = "inside the training cohort" if row["cohort"] == "training" else "in holdout and training"
        say(f"duplicate {where}: {row['volume']} and {row['training']} ({same})")
    from napari_relict.calibration.verdicts import EXACT, NEAR, NONE, UNDECIDED
    from napari_relict.measures.registry import deciders

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


def _finish(study: Study) -> None:
    if study.problems:
        say_errors(study.problems)
        raise typer.Exit(1)


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
