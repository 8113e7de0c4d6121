"""The commands about quality: quality, quality-study."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_relict.cli.options import Seed, StudyFolder, open_study, say_notes, split_names
from napari_relict.cli.terminal import TerminalProgress, say


class CohortSize(StrEnum):
    """How many volumes are altered."""

    small = "small"
    large = "large"


def quality(
    study: StudyFolder,
    metrics: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="default: all of them", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="of what is drawn")] = 0,
) -> None:
    """Fidelity, diversity, looks and novelty of the synthetic cohort, each beside what real patients give."""
    from napari_relict.experiments.quality import read_notes
    from napari_relict.quality import FAMILIES

    opened = open_study(study)
    with TerminalProgress() as progress:
        table = opened.quality(metrics=split_names(metrics), seed=seed, progress=progress)
    for family, question in FAMILIES.items():
        rows = table[table["family"] == family]
        if rows.empty:
            continue
        say(f"\n{family}: {question}")
        say(f"{'metric':46} {'synthetic (95% interval)':>32}  {'real against real':>30}  standing")
        for row in rows.to_dict("records"):
            say(_line({str(key): value for key, value in row.items()}))
    say(
        f"\nat {int(table['n_synthetic'].max())} synthetic, {int(table['n_training'].max())} training and "
        f"{int(table['n_holdout'].max())} holdout volumes; {len(table)} rows: one in twenty leaves the range of real "
        f"patients by chance. The table: napari-relict export {study} quality --to FILE.csv"
    )
    say_notes(read_notes(opened.folder))


def quality_study(
    study: StudyFolder,
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="default: quality-study in the study", show_default=False)
    ] = None,
    size: Annotated[CohortSize, typer.Option(help="how many volumes are altered: 12 or 28")] = CohortSize.small,
    downstream: Annotated[
        bool, typer.Option("--downstream", help="train a small segmenter on what was altered, too")
    ] = False,
    seed: Seed = 0,
) -> None:
    """Alter real volumes with known strength, and see which metric sees it. A stopped run goes on where it was."""
    from napari_relict.quality.downstream import downstream_said
    from napari_relict.quality.page import best_seen, copying_said, local_said

    opened = open_study(study)
    with TerminalProgress() as progress:
        result = opened.quality_study(to, size=size.value, downstream=downstream, seed=seed, progress=progress)
    say(f"{'alteration':26} {'strength':>14}  clear of 0  metrics that see it  one way  say better")
    for name, strength, clear, seen, steady, better in best_seen(result.table).to_numpy():
        say(f"{name:26} {strength:>14}  {clear:>10}  {seen:>19}  {steady:>7}  {better:>10}")
    for sentence in [*copying_said(result.table), *local_said(result.table)]:
        say(sentence)
    if result.downstream is not None and result.agreement is not None:
        for sentence in downstream_said(result.agreement, result.downstream):
            say(sentence)
    say(f"wrote {result.folder / 'index.html'}, heat-map.png, heat-map.svg and sensitivity.csv")
    say_notes(result.notes)


def _line(row: dict[str, Any]) -> str:
    """One metric: name and space, value with interval, range of real patients, standing."""
    name = ", ".join(part for part in (row["title"], row["space"]) if part)
    if row["value"] != row["value"] or row["value"] is None:
        return f"{name:46.46} {'':>32}  {'':>30}  {row['standing']}: {row['note']}"
    value = f"{_number(row['value'])} ({_number(row['low'])} to {_number(row['high'])})"
    floor = f"{_number(row['floor'])} ({_number(row['floor_low'])} to {_number(row['floor_high'])})"
    return f"{name:46.46} {value:>32}  {floor:>30}  {row['standing']}"


def _number(value: float) -> str:
    return f"{value:.3g}"
