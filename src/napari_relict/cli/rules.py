"""The command about rules. Part of the command line (see `cli.py`)."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from napari_relict.cli.reading import StudyFolder
from napari_relict.cli.terminal import say
from napari_relict.errors import UsageError

commands = typer.Typer(rich_markup_mode=None)


@commands.command()
def rules(
    study: StudyFolder,
    cut: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE=NUMBER", help="for a rule that has no cut; repeatable", show_default=False),
    ] = None,
) -> None:  # fmt: skip
    """What published rules, and our own, call copies; from what the last match stored. Those not applied come last."""
    from napari_relict.decisions.published_rules import judge_by_rules
    from napari_relict.study import Study

    table = judge_by_rules(Study.open(study), cuts=dict(map(_cut, cut or [])))
    rows = [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    for row in [row for row in rows if row["estimated_on"]]:
        for line in _said(row):
            say(line)
    for row in [row for row in rows if not row["estimated_on"]]:
        say(f"{row['rule']}: {row['title']} ({row['source']}): {row['note']}")


def _cut(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name.strip(), float(number)
    except ValueError:
        raise UsageError(f"--cut {text}: give RULE=NUMBER, e.g. correlation=0.9") from None


def _said(row: dict[str, Any]) -> list[str]:
    """One rule that was applied, in words: its name, and below it what it says."""
    called = ""
    if row["share"] == row["share"]:
        interval = f"95% interval {row['low']:.1%} to {row['high']:.1%}"
        words = "called a copy" if row["called"] == 1 else "called copies"
        called = f"{row['called']} {words}, {row['share']:.1%} ({interval})"
    based = "" if row["estimated_on"].startswith("nothing") else f"estimated on {row['estimated_on']}"
    caution = f"caution: {row['caution']}" if row["caution"] else ""
    below = [called, row["note"], based, caution]
    return [f"{row['rule']}: {row['title']} ({row['source']})", *(f"    {one}" for one in below if one)]
