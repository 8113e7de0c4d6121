"""The page of a quality study: the heat map, and what it says in words, from the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from napari_relict.quality.downstream import TASKS, downstream_said
from napari_relict.quality.sensitivity import SEEN

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "img{max-width:100%}table{border-collapse:collapse}td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;"
    "text-align:left}"
)


def metric_words(title: str, space: str) -> str:
    """Write a metric as the page calls it.

    Parameters
    ----------
    title, space : str
        Of the metric and of its space; the latter may be empty.

    Returns
    -------
    str
        In words.
    """
    return title + (f" ({space.replace('_', ' ')})" if space else "")


def copying_said(table: pd.DataFrame) -> list[str]:
    """Say whether metrics get better as more training volumes are copied.

    A metric counts as better or worse where the interval of its change at the largest share leaves out 0.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `napari_relict.experiments.sensitivity_study`.

    Returns
    -------
    list of str
        Sentences.
    """
    copied = table[table["alteration"] == "copied"]
    if copied.empty:
        return []
    most = copied[copied["strength"] == copied["strength"].max()]
    share = f"{copied['strength'].max():.0%}"
    better: list[str] = []
    warned: list[str] = []
    silent: list[str] = []
    for row in most.itertuples():
        if row.better == "as real" or not np.isfinite(row.worse):
            continue
        name = metric_words(str(row.title), str(row.space))
        clear = row.low > 0 or row.high < 0
        said = f"{name}: {row.before:.3g} to {row.after:.3g}, {abs(row.worse):.1f} standard deviations"
        if row.family == "novelty":
            if clear and row.worse > 0:
                warned.append(said)
            else:
                silent.append(name)
        elif clear and row.worse < 0:
            steady = bool(row.monotone)
            better.append(said + ("" if steady else ", not at every share"))
    sentences = []
    if better:
        sentences.append(
            f"Metrics that call a cohort better when {share} of it are copies of training volumes: "
            f"{'; '.join(better)}. They reward copying."
        )
    else:
        sentences.append(f"No metric of fidelity or diversity got clearly better with {share} copied volumes here.")
    if warned:
        sentences.append(f"Metrics of novelty that warn of it: {'; '.join(warned)}.")
    if silent:
        sentences.append(f"Metrics of novelty that did not clearly see it: {', '.join(silent)}.")
    return sentences


def local_said(table: pd.DataFrame) -> list[str]:
    """Say which alterations of anatomy no metric sees, and which metric sees each best, at the largest strength.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `napari_relict.experiments.sensitivity_study`.

    Returns
    -------
    list of str
        Sentences.
    """
    local = table[(table["kind"] == "local") & (table["family"] != "novelty")]
    unseen, seen = [], []
    for name, group in local.groupby("words", sort=False):
        strongest = group[group["strength"] == group["strength"].max()]
        strongest = strongest[np.isfinite(strongest["worse"])]
        if strongest.empty:
            continue
        best = strongest.loc[strongest["worse"].abs().idxmax()]
        words = f"{name} ({best['said']})"
        if abs(best["worse"]) < SEEN:
            unseen.append(words)
        else:
            count = int((strongest["worse"].abs() >= SEEN).sum())
            metric = metric_words(str(best["title"]), str(best["space"]))
            most = f"most of all {metric}, {abs(best['worse']):.1f} standard deviations"
            seen.append(f"{words}: {count} of {len(strongest)} metrics; {most}")
    sentences = []
    if unseen:
        sentences.append(
            f"Changes of anatomy that no metric of quality saw (none moved by {SEEN:g} standard deviations): "
            f"{', '.join(unseen)}."
        )
    if seen:
        sentences.append(f"Changes of anatomy that some saw: {'; '.join(seen)}.")
    return sentences


def best_seen(table: pd.DataFrame) -> pd.DataFrame:
    """Count for each alteration at its largest strength the metrics that change, see it, and go one way with strength.

    A change clear of 0 is one in the same volumes; seen is what stands out from how real cohorts differ.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `napari_relict.experiments.sensitivity_study`.

    Returns
    -------
    pandas.DataFrame
        One row an alteration.
    """
    rows = []
    for words, group in table.groupby("words", sort=False):
        strongest = group[group["strength"] == group["strength"].max()]
        computed = strongest[np.isfinite(strongest["worse"])]
        rows.append(
            {
                "alteration": words,
                "strength": strongest["said"].iloc[0],
                "changes clear of 0": int(((computed["low"] > 0) | (computed["high"] < 0)).sum()),
                "metrics that see it": f"{int((computed['worse'].abs() >= SEEN).sum())} of {len(computed)}",
                "of these, one way with strength": int(
                    ((computed["worse"].abs() >= SEEN) & computed["monotone"]).sum()
                ),
                "say it got better": int((computed["worse"] <= -SEEN).sum()),
            }
        )
    return pd.DataFrame(rows)


def write_page(
    table: pd.DataFrame,
    folder: Path,
    notes: Sequence[str],
    label: int | None,
    downstream: pd.DataFrame | None = None,
    agreement: pd.DataFrame | None = None,
) -> Path:
    """Write `index.html` beside the heat map and the table.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `napari_relict.experiments.sensitivity_study`.
    folder : pathlib.Path
        Where it goes.
    notes : sequence of str
        What was left out, in words.
    label : int or None
        Of the structure that was enlarged and mirrored; None where there is none.
    downstream, agreement : pandas.DataFrame, optional
        Of `quality.downstream`; left out where they were not asked for.

    Returns
    -------
    pathlib.Path
        The page.
    """
    first = table.iloc[0]
    many = int(table.loc[table["kind"] == "cohort", "n_volumes"].max()) if (table["kind"] == "cohort").any() else 0
    how = (
        f"{first['n_volumes']} real volumes ({many} where the cohort itself is altered) were altered and compared "
        f"with {first['n_training']} training volumes of other patients before and after, {first['n_holdout']} more "
        "standing in as a holdout. A change is given in standard deviations of the same metric between real patients, "
        "dealt out at random at the same sizes: below about two it is what real cohorts differ by anyway."
    )
    if label is not None:
        how += f" The structure that was enlarged and mirrored has the label {label}."
    task = [] if downstream is None or agreement is None else downstream_said(agreement, downstream)
    lists = [("Copying", copying_said(table)), ("Anatomy", local_said(table)), ("Downstream task", task)]
    lists.append(("Left out", list(notes)))
    body = [f"<h1>Which metric sees what</h1><p>{escape(how)}</p>"]
    for title, sentences in lists:
        if sentences:
            body.append(f"<h2>{title}</h2>" + "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences))
    body.append("<h2>All of it</h2>" + best_seen(table).to_html(index=False, border=0))
    body.append('<p><a href="heat-map.svg"><img src="heat-map.svg" alt="heat map"></a></p>')
    if agreement is not None:
        body.append("<h2>Metrics beside the downstream task</h2>" + _agreement_table(agreement))
    body.append('<p>Every number with its interval: <a href="sensitivity.csv">sensitivity.csv</a>.</p>')
    page = folder / "index.html"
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Quality study</title><style>{STYLE}</style>'
    page.write_text(f"{head}<body>{''.join(body)}</body></html>\n", encoding="utf-8")
    return page


def _agreement_table(agreement: pd.DataFrame) -> str:
    """Spearman's rho of each metric with the loss of Dice in each task."""
    rows = [
        {
            "metric": metric_words(str(row.title), str(row.space)),
            "task": TASKS[str(row.task)],
            "Spearman's rho (95% interval)": f"{row.rho:.2f} ({row.low:.2f} to {row.high:.2f})",
        }
        for row in agreement.itertuples()
    ]
    how = "Over alterations at their strengths; 1: the metric orders them as the task does. "
    files = '<a href="agreement.csv">agreement.csv</a>, <a href="downstream.csv">downstream.csv</a>'
    return f"<p>{how}{files}</p>" + pd.DataFrame(rows).to_html(index=False, border=0)
