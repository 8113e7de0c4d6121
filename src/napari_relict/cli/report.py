"""The command `report`, and `demo`, which ends in one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_relict.cli.match import say_summary
from napari_relict.cli.options import Risk, StudyFolder, open_study
from napari_relict.cli.review import open_viewer
from napari_relict.cli.terminal import TerminalProgress, has_screen, say, under_virtual_screen

if TYPE_CHECKING:
    from napari_relict.study import Study


def report(
    study: StudyFolder,
    risk: Risk = 0.05,
) -> None:
    """Write report.html into the study: one page, to be read, printed or sent."""
    from napari_relict.report import write_report

    say(f"wrote {write_report(open_study(study), risk)}")


def demo(
    study: Annotated[Path, typer.Argument(metavar="[STUDY]", help="folder to make the demo in")] = Path("demo-study"),
    window: Annotated[bool, typer.Option(help="open the viewer when there is a screen")] = True,
) -> None:
    """Real volumes -> study -> matches -> viewer (pictures and report without a screen)."""
    from napari_relict.demo.study import ct_study, head_study
    from napari_relict.report import write_report

    look = has_screen() and window
    with TerminalProgress() as progress:
        heads = head_study(study, progress)
    say_summary(heads)
    say(f"report: {write_report(heads)}")
    if look:
        say("opening the viewer; when you close it, the CT study is made too (Ctrl-C leaves it out)")
        open_viewer(heads.folder, None, True)
    with TerminalProgress() as progress:
        bodies = ct_study(study, progress)
    say_summary(bodies)
    say(f"report: {write_report(bodies)}")
    if not look:
        _pictures(heads)
        say(f"No window was opened: pictures lie in {heads.folder / 'pictures'}.")
    say(f"To look at them on a screen: napari-relict review {study}, napari-relict review {study / 'ct'}")


def _pictures(study: Study) -> None:
    """Pictures of the nearest pairs, and of the real window where one can be opened off-screen."""
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
