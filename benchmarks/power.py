"""How many copies are called, and how often is a stranger: simulated studies over sizes, margins and distributions.

    python -m benchmarks.power [--studies 40] [--every N]

Scores and gaps are drawn and judged by the product's own code, beside ranks alone, a Pareto tail and published rules.
Writes the section Power of docs/benchmarks.md and docs/images/benchmark-power.png. `--every N` takes every N-th cell,
and all that are plotted.
"""

from __future__ import annotations

import argparse
import itertools
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.page import IMAGES, machine, table, write_section
from benchmarks.power_scenarios import scenarios
from benchmarks.power_studies import PEERS, STRANGERS, TRUTH, cleared, draw, ours

HOLDOUTS = (10, 20, 50, 100, 200, 1000)
SYNTHETIC = (20, 50, 100, 500, 1000)
COPIES = ("0", "1", "2%", "5%", "10%", "50%")
MARGINS = (3, 5, 10, 20)
OURS = "napari-relict"
NOMINAL = 0.05
BLATANT = 10  # SD
MOST_FOR_PARETO = 5  # studies
PLOTTED = (100, "5%")  # synthetic volumes and copies: all cells of these, whatever `--every` says
CLEAN = (100, "0")  # likewise, in so many studies at least, for a false call is rare
CLEAN_STUDIES = 100
FOR_PARETO = (PLOTTED, CLEAN)  # cells: its intervals take seconds with more


def how_many(copies: str, synthetic: int) -> int:
    return max(1, round(float(copies[:-1]) / 100 * synthetic)) if copies.endswith("%") else int(copies)


def cell(studies: int, given: tuple[int, tuple[str, int, int, str, int]]) -> list[dict[str, object]]:
    """One row a method: false discovery proportion, share of copies called and cleared, studies with a false call."""
    number, (kind, holdout, synthetic, copies, margin) = given
    random = np.random.default_rng((2029, number))
    studies = studies if synthetic <= 100 else max(4, studies // 5)  # each has that many more volumes
    if (synthetic, copies) == CLEAN:
        studies = max(studies, CLEAN_STUDIES)
    count = how_many(copies, synthetic)
    sums: dict[str, list[tuple[float, ...]]] = {}
    for study in range(studies):
        drawn = draw(kind, holdout, synthetic, count, margin, random)
        found = ours(drawn)
        calls = {OURS: np.nan_to_num(found.q, nan=1.0) < NOMINAL}
        pareto = (synthetic, copies) in FOR_PARETO and study < MOST_FOR_PARETO
        calls |= {name: rule(drawn) for name, rule in PEERS.items() if pareto or name != "Pareto"}
        for name, called in calls.items():
            wrong, right = int((called & ~drawn.copy).sum()), int((called & drawn.copy).sum())
            missed = undecided = np.nan
            if name == OURS:
                none = cleared(found)
                missed = float((none & drawn.copy).sum() / max(count, 1))
                undecided = float((~none & ~called)[~drawn.copy].mean())
            rates = (wrong / max(wrong + right, 1), right / max(count, 1), missed, wrong > 0, undecided)
            sums.setdefault(name, []).append(rates)
    where = {"kind": kind, "holdout": holdout, "synthetic": synthetic, "copies": copies, "margin": margin}
    return [
        where
        | {"method": name}
        | dict(zip(("fdr", "power", "cleared", "any", "undecided"), np.mean(rows, axis=0), strict=True))
        | {"fdr_se": float(np.std([row[0] for row in rows], ddof=1) / np.sqrt(len(rows)))}
        for name, rows in sums.items()
    ]


def grid(studies: int, every: int) -> pd.DataFrame:
    """All cells; clean studies (0 copies) once, not for each margin."""
    cells = [
        one
        for one in itertools.product(STRANGERS, HOLDOUTS, SYNTHETIC, COPIES, MARGINS)
        if (one[3] != "0" or one[4] == MARGINS[0]) and not (one[3] == "2%" and one[2] <= 50)
    ]
    numbered = list(enumerate(cells))
    chosen = [one for place, one in enumerate(numbered) if place % every == 0 or one[1][2:4] in (PLOTTED, CLEAN)]
    with ProcessPoolExecutor() as pool:
        rows = pool.map(partial(cell, studies), chosen, chunksize=8)
        return pd.DataFrame([row for found in rows for row in found])


def plot(found: pd.DataFrame) -> None:
    """Share of copies called over the size of the holdout, for a data steward: 100 volumes, 5 copies."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    panels = figure.subplots(1, len(MARGINS), sharey=True)
    lines = {OURS: ("o-", "#0072b2"), "Pareto": ("s:", "#cc79a7"), "ranks alone": ("^--", "#d55e00")}
    for axes, margin in zip(panels, MARGINS, strict=True):
        mine = found[(found["margin"] == margin) & (found["synthetic"] == PLOTTED[0])]
        mine = mine[mine["copies"] == PLOTTED[1]]
        for name, (style, colour) in lines.items():
            power = mine[mine["method"] == name].groupby("holdout")["power"].agg(["mean", "min", "max"])
            axes.plot(power.index, power["mean"], style, color=colour, label=name, markersize=5)
            if name == OURS:
                axes.fill_between(power.index, power["min"], power["max"], color=colour, alpha=0.15, linewidth=0)
        axes.set_xscale("log")
        axes.set_xticks(HOLDOUTS, [str(size) for size in HOLDOUTS], fontsize=7, rotation=45)
        axes.minorticks_off()
        axes.set_title(f"{margin} SD nearer than strangers", fontsize=9)
        axes.set_xlabel("holdout patients", fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("share of the copies called", fontsize=8)
    panels[0].set_ylim(-0.03, 1.03)
    panels[0].legend(fontsize=7, frameon=False)
    figure.suptitle(
        "Five copies among 100 synthetic volumes: how many are called (band: the six distributions)", fontsize=9
    )
    figure.savefig(IMAGES / "benchmark-power.png", dpi=150)


def page(found: pd.DataFrame, studies: int, every: int, seconds: float) -> str:
    """The section of docs/benchmarks.md."""
    mine = found[found["method"] == OURS]
    with_copies, clean = mine[mine["copies"] != "0"], mine[mine["copies"] == "0"]
    beyond = with_copies[with_copies["fdr"] - 3 * with_copies["fdr_se"] > NOMINAL]
    blatant = with_copies[(with_copies["margin"] >= BLATANT) & (with_copies["holdout"] >= 20)]
    power = [
        [str(h), *(f"{m['power'].mean():.2f} ({m['power'].min():.2f})" for _, m in of.groupby("margin"))]
        for h, of in with_copies.groupby("holdout")
    ]
    methods = []
    for name, of in found.groupby("method", sort=False):
        some, none = of[of["copies"] != "0"], of[of["copies"] == "0"]
        row = [str(name), f"{none['any'].mean():.3f}", f"{some['fdr'].mean():.3f}", f"{some['fdr'].max():.2f}"]
        methods.append(row + [f"{m['power'].mean():.2f}" for _, m in some.groupby("margin")])
    clean = clean[clean["synthetic"] == CLEAN[0]]
    worst = [
        [str(kind), *(f"{of[of['holdout'] == h]['any'].mean():.3f}" for h in HOLDOUTS)]
        for kind, of in clean.groupby("kind", sort=False)
    ]
    unsure = [f"{clean[clean['holdout'] == h]['undecided'].mean():.2f}" for h in HOLDOUTS]
    worst.append(["share of strangers undecided, all", *unsure])
    named = [
        [str(row[key]) for key in ("kind", "holdout", "synthetic", "copies", "margin")]
        + [f"{row['fdr']:.3f} ± {row['fdr_se']:.3f}"]
        for row in beyond.sort_values("fdr", ascending=False).to_dict("records")[:12]
    ]
    margins = [f"{margin} SD" for margin in MARGINS]
    truth = found[(found["method"] == TRUTH) & (found["copies"] != "0")]
    of_blatant = f"{(blatant['power'] >= 0.95).mean():.1%} of {len(blatant)} cells"
    cleared_cells = int((with_copies[with_copies["margin"] >= BLATANT]["cleared"] > 0).sum())
    return f"""## Power

    python -m benchmarks.power --studies {studies}{f" --every {every}" if every > 1 else ""}

{machine(("numpy", "scipy"))}; {seconds / 60:.0f} minutes. {studies} simulated studies in each of {len(mine)} cells (a
fifth as many with 500 volumes and more): holdouts of {HOLDOUTS[0]} to {HOLDOUTS[-1]}, {SYNTHETIC[0]} to {SYNTHETIC[-1]}
synthetic volumes, {", ".join(COPIES)} copies, nearer to their patient than to anybody else by
{", ".join(map(str, MARGINS))} SD of strangers' scores. Strangers' scores are normal, lognormal, Student's t with 3
degrees of freedom, with 5% relatives 4 SD nearer, in steps of a quarter SD, and in sites of five. One score and its
gap, judged as the product does it at a false discovery rate of {NOMINAL}, without anatomy, ratings and left-out
training patients, which a study has besides.

![Share of five copies among 100 that are called, over the size of the holdout](images/benchmark-power.png)

Blatant copies ({BLATANT} SD and more, 20 patients and more): .95 or more of them are called in {of_blatant}. Blatant
copies cleared as *no replica*: in {cleared_cells} cells. False discovery rate above {NOMINAL} by more than three
standard errors of the simulation: in {len(beyond)} of {len(with_copies)} cells.

Share of copies called, mean over the cells of a size of holdout (and the lowest cell):

{table(["holdout", *margins], power)}

Where blatant copies are missed: share called by what strangers are like and by how many copies there are, ours and, in
brackets, of one who knows how strangers are distributed, which is the most that scores and gaps can give (mean over
the cells with 20 patients and more):

{table(["strangers", *BLATANT_BY], _blatant(with_copies, truth))}

Beside other ways, mean over all cells (any false call: clean studies without a copy; FDR: cells with copies, and the
highest):

{table(["", "any false call", "FDR", "highest FDR", *margins], methods)}

(Pareto: with 100 synthetic volumes, none or 5% of them copies.)

Clean studies of {CLEAN[0]} volumes with a false call, by size of the holdout ({max(studies, CLEAN_STUDIES)} studies
each), and the strangers in them that are undecided (nobody looks at the anatomy here, which in a study shows most of
them to be none):

{table(["strangers", *map(str, HOLDOUTS)], worst)}

{"Cells whose false discovery rate exceeds the nominal one, the highest first:" if named else ""}

{table(["strangers", "holdout", "synthetic", "copies", "margin", "FDR"], named) if named else ""}

### When the null is not as it should be

{table(["what", "study", "what happens", "how often"], scenarios())}"""


BLATANT_BY = [f"{margin} SD, {copies}" for margin in MARGINS if margin >= BLATANT for copies in ("1 copy", "more")]


def _blatant(mine: pd.DataFrame, truth: pd.DataFrame) -> list[list[str]]:
    """A row for each distribution of strangers, columns as in `BLATANT_BY`."""

    def called(of: pd.DataFrame, kind: str, margin: int, one: bool) -> str:
        cells = of[(of["kind"] == kind) & (of["margin"] == margin) & (of["holdout"] >= 20)]
        cells = cells[(cells["copies"] == "1") == one]
        return f"{cells['power'].mean():.2f}" if len(cells) else "–"

    return [
        [kind]
        + [
            f"{called(mine, kind, margin, one)} ({called(truth, kind, margin, one)})"
            for margin in MARGINS
            if margin >= BLATANT
            for one in (True, False)
        ]
        for kind in STRANGERS
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=40)
    parser.add_argument("--every", type=int, default=1)
    given = parser.parse_args()
    begin = time.monotonic()
    found = grid(given.studies, given.every)
    plot(found)
    text = page(found, given.studies, given.every, time.monotonic() - begin)
    print(text)
    write_section("Power", text)


if __name__ == "__main__":
    main()
