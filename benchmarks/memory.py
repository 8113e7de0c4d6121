"""How much memory a search takes as the training cohort grows: it should not grow with it.

    python -m benchmarks.memory [FOLDER]

Prepares 5,000 small volumes, searches 64 queries among 500, 2,000 and all of them, each in a process of its own, and
writes the section Memory of docs/benchmarks.md.
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
from benchmarks.prepared import make_cohort
from napari_relict.encoders import EmbeddingCache
from napari_relict.matching import Cohorts, Depth, match_cohorts
from napari_relict.measures import choose_measures
from napari_relict.volumes.cohort import PreparedCohort, read_rows
from napari_relict.volumes.grid import Grid

SIDE, QUERIES = 24, 64
TRAINING = (500, 2000, 5000)
MEGABYTE = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="keeps the volumes for another run")
    parser.add_argument("--search", type=int, help=argparse.SUPPRESS)  # what each process of its own is told
    given = parser.parse_args()
    if given.search:
        print(*search(given.folder, given.search))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        make_cohort(folder, "training", max(TRAINING), SIDE, seed=0)
        make_cohort(folder, "synthetic", QUERIES, SIDE, seed=1)
        found = [measure(folder, count) for count in TRAINING]
    volume = 2 * SIDE**3 / MEGABYTE
    lines = [
        [f"{count:,}", f"{seconds:.1f}", *(f"{size:.0f}" for size in (count * volume, before, peak, peak - before))]
        for count, (before, peak, seconds) in zip(TRAINING, found, strict=True)
    ]
    grown = table(
        ["training volumes", "seconds", "their voxels, MB", "before, MB", "peak, MB", "the search, MB"], lines
    )
    text = f"""## Memory

    python -m benchmarks.memory

{machine(("numpy", "torch", "zarr"))}. {QUERIES} queries of {SIDE}³ voxels against a growing training cohort, NCC and
MSE in both mirror states with certain order; the peak of the resident memory, each search in a process of its own.
"Before" is the interpreter with the packages and the lists of both cohorts.

{grown}
"""
    print(text)
    write_section("Memory", text)


def measure(folder: Path, count: int) -> tuple[float, float, float]:
    """Resident megabytes before and at most, and seconds, of a search in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", str(folder), "--search", str(count)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    before, peak, seconds = (float(part) for part in text.split()[-3:])
    return before, peak, seconds


def search(folder: Path, count: int) -> tuple[float, float, float]:
    """See `measure`."""
    grid = Grid((SIDE,) * 3, (1.5,) * 3)
    training, synthetic = (
        PreparedCohort(path, name, dict(list(read_rows(path).items())[:most]), grid, "")
        for name, most in (("training", count), ("synthetic", QUERIES))
        for path in [folder / f"{name}.zarr"]
    )
    patients = {(one.cohort, name): f"{one.cohort} {name}" for one in (training, synthetic) for name in one.names}
    cohorts = Cohorts(training, [synthetic], patients)
    before, start = resident(), time.perf_counter()
    with tempfile.TemporaryDirectory() as made:
        cache = EmbeddingCache(Path(made, "cache.sqlite"))
        match_cohorts(cohorts, choose_measures(["ncc", "mse"]), [], cache, "", Depth())
    return before, resident(), time.perf_counter() - start


def resident() -> float:
    """The peak so far, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (MEGABYTE if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
