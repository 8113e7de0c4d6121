"""The command line. Each command is a few calls of `Study`; errors become one line each and an exit status.

Exit status: 0 done; 1 data at fault (said in one line a file; the rest was done); 2 wrong usage.

A command's docstring is its help text, which is why it is one line; its options say the rest.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from napari_relict.cli.decisions import calibrate, next_, release, rules
from napari_relict.cli.encoders import encoders
from napari_relict.cli.match import match
from napari_relict.cli.memorisation import memorisation_study
from napari_relict.cli.new import new
from napari_relict.cli.quality import quality, quality_study
from napari_relict.cli.report import demo, report
from napari_relict.cli.review import agreement, collect, kit, review
from napari_relict.cli.segment import segment
from napari_relict.cli.tables import export, import_
from napari_relict.cli.terminal import say_errors
from napari_relict.cli.train import train
from napari_relict.errors import RelictError
from napari_relict.version import __version__

app = typer.Typer(
    help="Is any of these synthetic volumes a copy of a patient?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    demo, new, match, calibrate, export, import_, report, review, kit, collect, agreement, rules, next_, release,
    train, encoders, segment, quality, quality_study, memorisation_study,
):  # fmt: skip
    app.command(command.__name__.rstrip("_").replace("_", "-"))(command)  # import_ and next_ are words of Python's

INTERRUPTED = 130  # status of what Ctrl-C stopped


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `napari-relict`.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after `napari-relict`; those of the process where none are given.

    Raises
    ------
    SystemExit
        Always, with the exit status.
    """
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
    """Print the version where it is asked for."""
    if show:
        print(__version__)
        raise typer.Exit
