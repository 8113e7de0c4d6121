"""The commands that decide: calibrate, rules, next, release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_relict.cli.match import say_summary
from napari_relict.cli.options import Risk, StudyFolder, open_study
from napari_relict.cli.terminal import say
from napari_relict.errors import UsageError


def calibrate(study: StudyFolder) -> None:
    """Thresholds and verdicts from the ratings given so far."""
    opened = open_study(study)
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
    say_summary(opened)


def rules(
    study: StudyFolder,
    cut: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE=NUMBER", help="for a rule that has no cut; repeatable", show_default=False),
    ] = None,
) -> None:  # fmt: skip
    """What published rules, and our own, call copies; from what the last match stored. Those not applied come last."""
    from napari_relict.decisions.published_rules import judge_by_rules

    table = judge_by_rules(open_study(study), cuts=dict(map(_cut, cut or [])))
    rows = [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    for row in [row for row in rows if row["estimated_on"]]:
        for line in _said(row):
            say(line)
    for row in [row for row in rows if not row["estimated_on"]]:
        say(f"{row['rule']}: {row['title']} ({row['source']}): {row['note']}")


def next_(
    study: StudyFolder,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, help="how many pairs")] = 10,
    measure: Annotated[
        str | None, typer.Option(metavar="NAME", help="default: the best one so far", show_default=False)
    ] = None,
    width: Annotated[
        float | None,
        typer.Option(metavar="W", help="also say how many ratings a threshold this precise takes", show_default=False),
    ] = None,
) -> None:
    """Which pairs to rate next so that a threshold gets more precise soonest."""
    opened = open_study(study)
    pairs = opened.next_to_rate(count, measure)
    for row in pairs.to_dict("records"):
        estimated = row["expected_width"] == row["expected_width"]
        expected = f"; interval then about {row['expected_width']:.3g} wide" if estimated else ""
        say(f"{row['synthetic']} and {row['training']}: {row['why']}{expected}")
    if pairs.empty:
        say("every synthetic volume was rated")
    if width is not None:
        needed = opened.ratings_needed(width, measure)
        say(
            f"{needed.ratings} ratings, interval {needed.width:.3g} wide; about {needed.more:.0f} more "
            f"(95% interval {needed.more_low:.0f} to {needed.more_high:.0f}) for {width:g}: {needed.note}"
        )


def release(
    study: StudyFolder,
    to: Annotated[Path, typer.Option(metavar="DIR", help="where the two lists go", show_default=False)],
    risk: Risk = 0.05,
) -> None:
    """Write withhold.csv and cleared.csv, and say what can be promised of them."""
    lists = open_study(study).release(risk)
    lists.write(to)
    for line in lists.said:
        say(line)
    say(f"wrote {to / 'withhold.csv'} and {to / 'cleared.csv'}")


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
    return [f"{row['rule']}: {row['title']} ({row['source']})", *(f"    {line}" for line in below if line)]
