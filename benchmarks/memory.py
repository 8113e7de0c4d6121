"""How much memory a search takes as the training cohort grows: it should not grow with it.

    python -m benchmarks.memory [FOLDER]

Prepares 5,000 small volumes with halves, then searches 64 queries among 500, 2,000 and all of them, and looks for
duplicates among these, each in a process of its own. Writes the section Memory of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.page import machine, table, write_section
from benchmarks.prepared import layout_of, make_cohort
from napari_relict.encoders import EmbeddingCache
from napari_relict.matching import Cohorts, Depth, find_duplicates, match_cohorts
from napari_relict.matching.tables import QUERY_ROWS
from napari_relict.measures import choose_measures
from napari_relict.volumes.cohort import PreparedCohort, read_rows
from napari_relict.volumes.grid import Grid

SIDE, QUERIES = 24, 64
TRAINING = (500, 2000, 5000)
JOBS = ("search", "duplicates")
MEGABYTE = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="keeps the volumes for another run")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)  # what each process of its own is told
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        print(*done(given.folder, given.job, given.count))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        layout = layout_of(SIDE)
        make_cohort(folder, "training", max(TRAINING), SIDE, 0, layout)
        make_cohort(folder, "synthetic", QUERIES, SIDE, 1, layout)
        found = {count: [measure(folder, job, count) for job in JOBS] for count in TRAINING}
    volume = 2 * SIDE**3 / MEGABYTE
    lines = [
        [f"{count:,}", f"{count * volume:.0f}", f"{jobs[0][0]:.0f}"]
        + [text for before, peak, seconds in jobs for text in (f"{peak - before:.0f}", f"{seconds:.1f}")]
        for count, jobs in found.items()
    ]
    grown = table(
        ["training volumes", "their voxels, MB", "before, MB"]
        + [f"{job}, {unit}" for job in JOBS for unit in ("MB", "seconds")],
        lines,
    )
    of_search, of_duplicates = (
        MEGABYTE * (found[TRAINING[2]][job][1] - found[TRAINING[first]][job][1]) / (TRAINING[2] - TRAINING[first])
        for job, first in enumerate((0, 1))
    )
    text = f"""## Memory

    python -m benchmarks.memory

{machine(("numpy", "torch", "zarr"))}. {QUERIES} queries of {SIDE}³ voxels against a growing training cohort: NCC and
MSE in both mirror states with certain order, and halves; then duplicates inside that training cohort. What the peak of
the resident memory adds to that before, each job in a process of its own; "before" is the interpreter with the packages
and the lists of both cohorts.

{grown}

Voxels are streamed; what grows with the training cohort are the lists of its volumes and a row of scores for each
query. From {TRAINING[0]:,} to {TRAINING[2]:,} volumes the peak of the search, lists included, rose by
{of_search / QUERIES:.0f} bytes a pair. The look for duplicates holds up to {QUERY_ROWS:,} volumes at a time, which
{TRAINING[0]:,} do not fill; from {TRAINING[1]:,} to {TRAINING[2]:,} its peak rose by {of_duplicates / 1024:.1f} KB a
volume.
"""
    print(text)
    write_section("Memory", text)


def measure(folder: Path, job: str, count: int) -> tuple[float, float, float]:
    """Resident megabytes before and at most, and seconds, of a job in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", str(folder), "--job", job, "--count", str(count)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    before, peak, seconds = (float(part) for part in text.split()[-3:])
    return before, peak, seconds


def done(folder: Path, job: str, count: int) -> tuple[float, float, float]:
    """See `measure`."""
    grid = Grid((SIDE,) * 3, (1.5,) * 3)
    training, synthetic = (
        PreparedCohort(path, name, dict(list(read_rows(path).items())[:most]), grid, "")
        for name, most in (("training", count), ("synthetic", QUERIES))
        for path in [folder / f"{name}.zarr"]
    )
    patients = {(one.cohort, name): f"{one.cohort} {name}" for one in (training, synthetic) for name in one.names}
    layout = layout_of(SIDE)
    before, start = resident(), time.perf_counter()
    if job == "duplicates":
        find_duplicates(training, [], patients, 0.99)
        return before, resident(), time.perf_counter() - start
    with tempfile.TemporaryDirectory() as made:
        cache = EmbeddingCache(Path(made, "cache.sqlite"))
        cohorts = Cohorts(training, [synthetic], patients, layout)
        match_cohorts(cohorts, choose_measures(["ncc", "mse", "half"]), [], cache, "", Depth())
    return before, resident(), time.perf_counter() - start


def resident() -> float:
    """The peak so far, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (MEGABYTE if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
