"""The page of a study of memorisation: what each factor did, in words, in plots and in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from napari_relict.calibration.rules import RULES
from napari_relict.memorisation.factor_effects import FactorEffect
from napari_relict.quality.page import STYLE


def how_said(runs: pd.DataFrame) -> str:
    """Say what was done.

    Parameters
    ----------
    runs : pandas.DataFrame
        Of `running.Tables`.

    Returns
    -------
    str
        A few sentences.
    """
    keys = ["kind", "augment", "size", "n_patients", "repeat"]
    trainings, people = runs.groupby(keys).ngroups, int(runs["null_patients"].iloc[0])
    return (
        f"{trainings} generators were trained, and {int(runs['n_synthetic'].iloc[0])} volumes drawn from each at "
        f"{runs['length'].nunique()} lengths of training. A volume is compared with every training volume (mirrored "
        "too, the nearest one after alignment) by the correlation of what is left without the training mean. "
        f"{people} holdout patients, compared with the same training volumes, say how near strangers come. N_copies "
        "and N_mem are estimated from the excess of close volumes over that null (a lower bound); volumes are called "
        "copies where their q-value is below the false discovery rate."
    )


def control_said(runs: pd.DataFrame) -> str:
    """Say whether the judge can tell copies from new patients at the resolution of the autoencoders.

    Parameters
    ----------
    runs : pandas.DataFrame
        Of `running.Tables`.

    Returns
    -------
    str
        Empty without any autoencoder.
    """
    checked = runs.dropna(subset=["control_new"]) if "control_new" in runs else runs.iloc[:0]
    if checked.empty:
        return ""
    new, copies = checked["control_new"], checked["control_copies"]
    return (
        "Check of the judge: at a cut that one holdout patient in twenty exceeds, "
        f"{_range(new)} of holdout volumes seen through a generator's autoencoder were called, "
        f"and {_range(copies)} of its training volumes seen through it: what a generator that shows new patients, "
        "or nothing but training patients, would get."
    )


def table_of(directions: Sequence[FactorEffect]) -> pd.DataFrame:
    """Lay the levels of each factor out as people read them.

    Parameters
    ----------
    directions : sequence of FactorEffect
        What each factor did.

    Returns
    -------
    pandas.DataFrame
        One row a level.
    """
    rows = []
    for effect in directions:
        for point in effect.points:
            row = {
                "factor": effect.title,
                "level": point.level,
                "N_copies (95% interval)": str(point.copies),
                "called": f"{point.called:.0%}",
                "N_mem (95% interval)": str(point.memorised),
                "patients called": f"{point.patients_called:.0%}",
                "as near as strangers": "" if np.isnan(point.as_near) else f"{point.as_near:.0%}",
            }
            rows.append(row | {RULES[name].title: f"{share:.0%}" for name, share in point.published.items()})
    return pd.DataFrame(rows).fillna("")


def write_page(directions: Sequence[FactorEffect], runs: pd.DataFrame, folder: Path, notes: Sequence[str]) -> Path:
    """Write `index.html` beside plots and tables.

    Parameters
    ----------
    directions : sequence of FactorEffect
        What each factor did.
    runs : pandas.DataFrame
        Of `running.Tables`.
    folder : pathlib.Path
        Where it goes.
    notes : sequence of str
        What to keep in mind, in words.

    Returns
    -------
    pathlib.Path
        The page.
    """
    sentences = [effect.said for effect in directions]
    body = [f"<h1>Where copying comes from</h1><p>{escape(how_said(runs))}</p>"]
    body += [f"<p>{escape(sentence)}</p>" for sentence in (control_said(runs), *sentences) if sentence]
    body.append('<p><a href="factors.svg"><img src="factors.svg" alt="copies against each factor"></a></p>')
    body.append(
        "<h2>All levels</h2><p>Shares: of the synthetic volumes, and of the training patients. As near as strangers: "
        "volumes nearer to a training volume than the median holdout patient is; half of them where new patients are "
        "made.</p>"
    )
    body.append(table_of(directions).to_html(index=False, border=0))
    if notes:
        body.append("<h2>To keep in mind</h2>" + "".join(f"<p>{escape(note)}</p>" for note in notes))
    body.append(
        '<p>Every training at every length: <a href="runs.csv">runs.csv</a>; with every published rule: '
        '<a href="rules.csv">rules.csv</a>.</p>'
    )
    page = folder / "index.html"
    head = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Memorisation study</title><style>{STYLE}</style>'
    )
    page.write_text(f"{head}<body>{''.join(body)}</body></html>\n", encoding="utf-8")
    return page


def _range(shares: pd.Series[float]) -> str:
    low, high = float(np.min(shares)), float(np.max(shares))
    return f"{low:.0%}" if low == high else f"{low:.0%} to {high:.0%}"
