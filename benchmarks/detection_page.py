"""The detection benchmark's section of docs/benchmarks.md and its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.cohorts import relation_of
from benchmarks.copies import KINDS
from benchmarks.judging import Judged
from benchmarks.page import IMAGES, machine, table, write_section

PICTURE = "benchmark-detection.png"
WORDS = {"novel": "a stranger", "related": "a stranger who shares a training patient's large-scale shape"}


def write_page(
    judged: Sequence[Judged],
    first_levels: pd.DataFrame,
    counts: Mapping[str, int],
    command: str,
    seed: int,
    seconds: float,
) -> None:
    """Write the section and the picture; `counts` of volumes by cohort, `command` as it was given."""
    _picture(judged)
    ours = judged[0]
    first = table(
        ["kind", "what was done", "truth", "n", "AUC", "TPR at 5% FPR", "TPR at 1% FPR", "top-1", "called a replica"],
        [
            [kind, KINDS[kind].words if kind in KINDS else WORDS[kind], relation_of(kind), str(one.n)]
            + [str(v) for v in (one.auc, one.tpr5, one.tpr1, one.top1, one.called)]
            for kind, one in ours.kinds.items()
        ],
    )
    second = table(
        ["kind", *[one.method for one in judged]],
        [[kind, *[f"{one.kinds[kind].auc.value:.3f}" for one in judged]] for kind in ours.kinds]
        + [["**macro-F1**", *[str(one.macro_f1) for one in judged]]]
        + [["macro-F1 without relatives", *[str(one.macro_f1_strangers) for one in judged]]],
    )
    third = table(
        ["kind", *first_levels.columns],
        [[str(kind), *[f"{share:.2f}" for share in row]] for kind, row in first_levels.iterrows()],
    )
    matched = f" Matching took {seconds / 60:.0f} minutes." if seconds > 5 else ""
    write_section(
        "Detection",
        f"""## Detection

    {command}

{counts["synthetic"]} synthetic volumes against {counts["training"]} training volumes, with {counts["holdout"]} holdout
volumes as the null; real heads (six anatomies) under simulated deformation, 2 mm, seed {seed}. Limits were chosen on
the volumes of another seed. Labels come from how each volume was made, not from a measure. {machine()}.{matched}

AUC and thresholds are against strangers: the novel and the holdout volumes. Brackets are 95% intervals (bootstrap over
volumes for AUC and macro-F1, Jeffreys for shares; where no copy overlaps with a stranger, the lower end of the AUC's is
the rule of three). "Called" is a verdict other than "no replica", as a user gets it at a false discovery rate of 5%.

{first}

![AUC by kind of copy and method](images/{PICTURE})

AUC of every method in the same run. Baselines see the files as they lie (about their own centre, 4 mm), as their
papers do; their two cuts for macro-F1 (exact, near, none) were chosen on these very volumes, in their favour.

{second}

What each measure that searches all pairs finds by itself: share of copies whose source is the nearest patient, before
any pair is aligned.

{third}

"Half" and "region" are parts of a patient: neither exact nor near, so they are not in the macro-F1.
""",
    )


def _picture(judged: Sequence[Judged]) -> None:
    kinds = list(judged[0].kinds)
    values = np.array([[one.kinds[kind].auc.value for one in judged] for kind in kinds])
    figure = Figure(figsize=(9, 0.34 * len(kinds) + 1.6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(values, cmap="cividis", vmin=0.5, vmax=1.0, aspect="auto")
    axes.set_yticks(range(len(kinds)), [f"{kind} ({relation_of(kind)})" for kind in kinds])
    axes.set_xticks(range(len(judged)), [one.method.replace(" ", "\n") for one in judged])
    axes.xaxis.tick_top()
    for (row, column), value in np.ndenumerate(values):
        axes.text(column, row, f"{value:.3f}", ha="center", va="center", color="white" if value < 0.8 else "black")
    axes.set_title("AUC against strangers, by kind of volume")
    figure.savefig(IMAGES / PICTURE, dpi=110)
