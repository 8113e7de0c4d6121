"""RELICT's two operating points on real heads: 45 and 5 copies among 50 synthetic volumes, against small holdouts.

    python -m benchmarks.operating_points [FOLDER] [--draws 20] [--seed N]

One pool of simulated patients (real heads under simulated deformation) and of whole copies of every kind is made and
matched once, as a user would. Each draw takes 50 synthetic volumes and a holdout out of the pool at random and judges
them with the study's own code; a draw is right when every copy is called and nobody else. Draws share the pool, so they
are not as independent as new cohorts would be. Writes the section Operating points of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.cohorts import Sizes, make_plan, read_truth, write_cohorts
from benchmarks.page import machine, table, write_section
from napari_relict.calibration import NullScores
from napari_relict.calibration.verdicts import NONE, REPLICAS, UNDECIDED
from napari_relict.cli.terminal import TerminalProgress
from napari_relict.decisions.calibrate import judge
from napari_relict.study import Study

SEED = 2028  # nothing was chosen on these volumes
POOL = Sizes(training=48, holdout=100, novel=60, related=0, per_kind=3)
SYNTHETIC = 50
COPIES = (45, 5)
HOLDOUTS = (12, 50, 100)


@dataclass
class Tally:
    """What came of the draws at one point: counts of volumes over all draws, and of draws without a mistake."""

    right: int = 0
    copies: int = 0
    called: int = 0
    undecided: int = 0
    cleared: int = 0
    strangers: int = 0
    wrongly: int = 0
    strangers_undecided: int = 0


def matched_pool(folder: Path, seed: int) -> Study:
    """The pool, made and matched where it is not yet."""
    plan = [volume for volume in make_plan(POOL, seed) if volume.kind not in ("half", "region")]
    if not (folder / "study" / "study.sqlite").exists():
        with TerminalProgress() as progress:
            write_cohorts(folder, plan, progress)
            study = Study.create(
                folder / "study",
                **{cohort: folder / cohort for cohort in ("training", "holdout", "synthetic")},
                **{f"{cohort}_segmentations": folder / f"{cohort}-segmentations"
                   for cohort in ("training", "holdout", "synthetic")},
            )  # fmt: skip
            study.match(progress=progress)
    study = Study.open(folder / "study")
    if study.verdicts().empty:
        with TerminalProgress() as progress:
            study.match(progress=progress)
    return study


def smaller_null(null: NullScores, patients: set[str]) -> NullScores:
    """The null with these holdout patients alone; patients of training stay."""
    kept = np.array([left or name in patients for left, name in zip(null.from_training, null.patients, strict=True)])
    return replace(
        null,
        scores=null.scores[kept],
        left_out=null.from_training[kept],
        gaps=None if null.gaps is None else null.gaps[kept],
        patients=tuple(np.array(null.patients)[kept]),
        nearest=tuple(np.array(null.nearest)[kept]),
        volumes=int(kept.sum()),
    )


def judged(study: Study, synthetic: list[str], holdout: set[str]) -> dict[str, str]:
    """Verdicts by volume, as if these were all there are."""
    measures, matches = study.measures(), study.matches()
    nulls = {measure.name: smaller_null(study.null(measure.name), holdout) for measure in measures}
    found = judge(
        matches[matches["synthetic"].isin(synthetic)],
        study.nearest().loc[synthetic],
        study.gaps().loc[synthetic],
        nulls,
        study.ratings(),
        measures,
        [],
        study.settings,
        {},
    )
    return {one.synthetic: one.verdict for one in found.verdicts}


def run(study: Study, truth: pd.DataFrame, draws: int) -> tuple[dict[tuple[int, int], Tally], Counter[str]]:
    """Tallies by number of copies and size of the holdout, and which kinds of copies were missed how often."""
    copies = truth.index[truth["kind"] != "novel"].to_numpy()
    strangers = truth.index[truth["kind"] == "novel"].to_numpy()
    holdout = np.array([name for name, left in _holdout(study) if not left])
    tallies: dict[tuple[int, int], Tally] = {}
    missed: Counter[str] = Counter()
    for count in COPIES:
        for size in HOLDOUTS:
            tally = tallies[count, size] = Tally()
            for draw in range(draws):
                random = np.random.default_rng((count, size, draw))
                mine = set(random.choice(copies, count, replace=False))
                others = set(random.choice(strangers, SYNTHETIC - count, replace=False))
                verdicts = judged(study, sorted(mine | others), set(random.choice(holdout, size, replace=False)))
                called = {name for name, verdict in verdicts.items() if verdict in REPLICAS}
                missed.update(str(truth["kind"][name]) for name in mine - called)
                tally.right += called == mine
                tally.copies += len(mine)
                tally.called += len(called & mine)
                tally.undecided += sum(verdicts[name] == UNDECIDED for name in mine)
                tally.cleared += sum(verdicts[name] == NONE for name in mine)
                tally.strangers += len(others)
                tally.wrongly += len(called & others)
                tally.strangers_undecided += sum(verdicts[name] == UNDECIDED for name in others)
    return tallies, missed


def _holdout(study: Study) -> list[tuple[str, bool]]:
    null = study.null(study.measures()[0].name)
    return list(zip(null.patients, map(bool, null.from_training), strict=True))


def page(tallies: dict[tuple[int, int], Tally], missed: Counter[str], draws: int, left_out: int) -> str:
    """The section of docs/benchmarks.md."""
    rows = [
        [
            *(str(count), str(size), f"{t.right} of {draws}", f"{t.called} of {t.copies}"),
            *(str(t.undecided), str(t.cleared), f"{t.wrongly} of {t.strangers}", str(t.strangers_undecided)),
        ]
        for (count, size), t in tallies.items()
    ]
    head = [
        *("copies of 50", "holdout", "draws without a mistake", "copies called", "copies undecided"),
        *("copies cleared", "strangers called", "strangers undecided"),
    ]
    kinds = ", ".join(f"{kind} ({number})" for kind, number in missed.most_common()) or "none"
    return f"""## Operating points

    python -m benchmarks.operating_points

{machine(("numpy", "simpleitk"))}. RELICT's two use cases as sizes: 50 synthetic volumes with 45 copies,
and with 5. Whole copies of 19 kinds (turned, mirrored, cropped, inverted, bent, with a lesion ...);
{POOL.training} training patients, of whom {left_out} left out in turn join the null. One pool was matched; each
draw judges 50 of its volumes against a holdout drawn from it, by the null alone; draws share the pool, so they are not
as independent as new cohorts would be. Without a mistake: every copy called, and nobody else.

{table(head, rows)}

Copies not called, by kind, over all draws: {kinds}."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("operating-points"))
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    study = matched_pool(given.folder, given.seed)
    truth = pd.DataFrame(read_truth(given.folder)).set_index("synthetic")
    tallies, missed = run(study, truth, given.draws)
    text = page(tallies, missed, given.draws, sum(left for _, left in _holdout(study)))
    print(text)
    write_section("Operating points", text)


if __name__ == "__main__":
    main()
