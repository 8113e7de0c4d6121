"""The command about rules. Part of the command line (see `cli.py`)."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from napari_relict.cli_reading import StudyFolder
from napari_relict.errors import UsageError
from napari_relict.terminal import say

commands = typer.Typer(rich_markup_mode=None)


@commands.command()
def rules(
    study: StudyFolder,
    cut: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE=NUMBER", help="for a rule that has no cut; repeatable", show_default=False),
    ] = None,
) -> None:  # fmt: skip
    """What published rules, and our own, call copies; from what the last match stored."""
    from napari_relict.study import Study
    from napari_relict.study.published_rules import judge_by_rules

    table = judge_by_rules(Study.open(study), cuts=dict(map(_cut, cut or [])))
    for row in table.to_dict("records"):
        say(_line({str(key): value for key, value in row.items()}))


def _cut(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name.strip(), float(number)
    except ValueError:
        raise UsageError(f"--cut {text}: give RULE=NUMBER, e.g. correlation=0.9") from None


def _line(row: dict[str, Any]) -> str:
    """One rule in words."""
    head = f"{row['rule']}: {row['title']} ({row['source']}): "
    if not row["estimated_on"]:
        return f"{head}{row['note']}"
    called = "calls no single volumes"
    if row["share"] == row["share"]:
        interval = f"95% interval {row['low']:.1%} to {row['high']:.1%}"
        called = f"{row['called']} called copies, {row['share']:.1%} ({interval})"
    return head + "; ".join(part for part in (called, row["note"], f"estimated on {row['estimated_on']}") if part)
