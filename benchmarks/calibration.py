"""Do intervals hold the truth, and how often is a non-copy flagged? Simulated studies whose truth is known.

    python -m benchmarks.calibration [--studies 1000]

No volumes are made: scores and grades are drawn. Writes the section Calibration of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import time

from benchmarks.calibration_ratings import ALL as RATINGS
from benchmarks.calibration_studies import ALL as STUDIES
from benchmarks.calibration_studies import RESAMPLES, Rate
from benchmarks.page import machine, table, write_section


def simulate(studies: int, say: bool = False) -> dict[str, list[Rate]]:
    """Every simulation, by heading."""
    found: dict[str, list[Rate]] = {}
    for heading, run in (*STUDIES, *RATINGS):
        begin = time.process_time()
        rates = run(studies)
        found.setdefault(heading, []).extend(rates)
        if say:
            for rate in rates:
                print(f"{heading}: {rate.what}; {rate.size}: {rate.written}", flush=True)
            print(f"  {time.process_time() - begin:.1f} s", flush=True)
    return found


def page(found: dict[str, list[Rate]], studies: int, seconds: float) -> str:
    """The section of docs/benchmarks.md."""
    parts = [
        f"""## Calibration

    python -m benchmarks.calibration

{machine(("numpy", "scipy"))}; {seconds:.0f} s of one core. {studies:,} simulated studies a row, scores and grades drawn
with a known truth; how often the interval holds it or the event happens, and the 95% interval of the simulation.
Bootstraps were cut to {RESAMPLES} resamples (the product takes 1,000 and 2,000): intervals come out a bit short.
Scores are normal or skewed, volumes independent but for those of one patient: real cohorts may be less kind.

What falls short: the interval of Gwet's AC2 on 20 pairs and that of the Brier score with 44 ratings hold the truth in
92%. The number of patients copied is too low where copies lie only 1 SD nearer than strangers (79%): it is a lower
bound. Intervals of Pareto p-values are too wide (97 to 99%). With 19 or 99 holdout patients hardly any flag is possible
among 20 synthetic volumes: see 999 for verdicts that could be wrong."""
    ]
    for heading, rates in found.items():
        rows = [[rate.what, rate.size, rate.written, rate.wanted] for rate in rates]
        parts.append(f"### {heading}\n\n" + table(["what", "study", "how often", "should be"], rows))
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000)
    given = parser.parse_args()
    begin = time.process_time()
    found = simulate(given.studies, say=True)
    write_section("Calibration", page(found, given.studies, time.process_time() - begin))


if __name__ == "__main__":
    main()
