"""The commands about readers: review, kit, collect, agreement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_relict.cli.options import Round, StudyFolder, open_study, say_notes
from napari_relict.cli.terminal import TerminalProgress, has_screen, say
from napari_relict.errors import UsageError


def review(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY", help="folder of the study, or of a reading kit", show_default=False)
    ],
    reader: Annotated[str | None, typer.Option(metavar="NAME", help="who rates", show_default=False)] = None,
    unblinded: Annotated[bool, typer.Option("--unblinded", help="show names and scores at once")] = False,
    round: Annotated[
        Round | None, typer.Option(help="default: first, or the kit's; consensus: what readers disagree on",
                                   show_default=False)
    ] = None,
) -> None:  # fmt: skip
    """Open the viewer: pairs side by side, to be rated."""
    from napari_relict.study import Kit, open_reading

    opened = open_reading(study)
    chosen = None if round is None else round.value
    if isinstance(opened, Kit):
        whose, which = opened.made_for
        if (reader or whose).strip() != whose or (chosen or which) != which:
            raise UsageError(f"{study}: this kit was made for {whose}, {which} round")
        if unblinded:
            raise UsageError(f"{study}: a kit holds no names and no scores; leave --unblinded out")
        reader, chosen = whose, which
    elif opened.matches().empty:
        raise UsageError(f"{study}: nothing was matched yet; run: napari-relict match {study}")
    if reader is not None and not opened.reading_list(reader, chosen or "first"):
        said = "no pairs on which readers disagree" if chosen == "consensus" else "no pairs to read"
        raise UsageError(f"{study}: there are {said}")
    if not has_screen():
        raise UsageError("no screen to open a window on; run this where there is one, or under xvfb-run")
    open_viewer(study, reader, not unblinded, chosen or "first")


def kit(
    study: StudyFolder,
    reader: Annotated[str, typer.Option(metavar="NAME", help="who will read it", show_default=False)],
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="default: in the study, under kits", show_default=False)
    ] = None,
    round: Annotated[Round, typer.Option(help="which reading list")] = Round.first,
) -> None:
    """Make a folder with only what one reader must see, to be read on another computer."""
    from napari_relict.study import Kit

    opened = open_study(study)
    with TerminalProgress() as progress:
        folder = opened.make_kit(reader, to, round=round.value, progress=progress)
    say(
        f"made {folder}: {len(Kit.open(folder).items())} items for {reader.strip()}, {round.value} round. There:"
        f" napari-relict review FOLDER. When it came back: napari-relict collect {study} FOLDER"
    )


def collect(
    study: StudyFolder,
    kit: Annotated[Path, typer.Argument(metavar="KIT", help="folder of a kit that came back", show_default=False)],
) -> None:
    """Bring the ratings of a kit into the study. Doing it twice changes nothing."""
    opened = open_study(study)
    say(f"{opened.collect(kit)} new ratings and undos from {kit}")
    say_notes(opened.notes)


def agreement(study: StudyFolder) -> None:
    """How far readers agree, with themselves and with each other, and on which pairs they do not."""
    opened = open_study(study)
    table = opened.agreement()
    if table.empty:
        say("nothing to compare: no pair was rated twice, by one reader or by two")
    for (kind, readers), rows in table.groupby(["kind", "readers"], sort=False):
        say(f"{kind}: {readers}")
        for row in rows.to_dict("records"):
            say(f"  {_line({str(key): value for key, value in row.items()})}")
    apart = opened.disagreements()
    for row in apart.to_dict("records"):
        settled = "settled by consensus" if row["consensus"] else "no consensus yet"
        say(f"disagreement: {row['synthetic']} and {row['training']}: {row['grades']} ({settled})")
    if len(apart) and not apart["consensus"].all():
        say(f"settle them together: napari-relict review {study} --round consensus")


def open_viewer(folder: Path, reader: str | None, blinded: bool, round: str = "first") -> None:
    """Open the window and stay until it is closed.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the study, or of a reading kit.
    reader : str or None
        Who rates; the window asks where none is given.
    blinded : bool
        Names and scores stay hidden until a pair is rated.
    round : str, default: "first"
        The reading list: first, second or consensus.

    Raises
    ------
    UsageError
        There is no Qt binding.
    """
    try:
        from napari_relict.viewer.plugin import run_review
    except ImportError as error:  # no Qt binding: the core works without one
        raise UsageError(
            f"the viewer cannot start ({error}); install napari with a Qt binding: pip install 'napari[all]'"
        ) from error
    run_review(folder, reader=reader, blinded=blinded, round=round)


def _line(row: dict[str, Any]) -> str:
    """One statistic in words: what, value, interval, how many pairs, note."""
    percent = str(row["statistic"]).startswith("percentage")

    def written(value: float) -> str:
        return f"{value:.0f}%" if percent else f"{value:.2f}"

    parts = ["undefined" if row["value"] != row["value"] else written(row["value"])]
    if row["low"] == row["low"]:
        parts.append(f"(95% interval {written(row['low'])} to {written(row['high'])})")
    parts.append(f"on {row['pairs']} pair{'s' * (row['pairs'] != 1)}")
    return f"{row['statistic']}: {' '.join(parts)}" + (f"; {row['note']}" if row["note"] else "")
