"""What a large study will take: the constants of docs/how-to/large-cohorts.md, measured on this machine.

    python -m benchmarks.costs [FOLDER] [--quick]

Times pairs and reading on made-up prepared volumes, preparation and verification on volumes of real anatomies, and a
whole `match` against what it cannot do without. Writes the section Costs of docs/benchmarks.md. `--quick` takes small
sizes and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from benchmarks.cohorts import Sizes, make_plan, write_cohorts
from benchmarks.page import machine, table, write_section
from benchmarks.prepared import a_head, layout_of, make_cohort
from benchmarks.timing import StageTimes, seconds
from napari_relict.jobs.executors import workers
from napari_relict.matching.half_search import half_norms, half_scores
from napari_relict.matching.keypoint_search import votes_of
from napari_relict.matching.pairwise_ncc import Kind, choose_kind
from napari_relict.matching.tables import compare_all
from napari_relict.records.settings import MatchSettings
from napari_relict.study import Study
from napari_relict.volumes.cohort import PreparedCohort, chunk_file, read_rows

MEASURES = [name for name in MatchSettings().measures if name != "mobilenet_v2"]
TRAINING, SYNTHETIC, HOLDOUT, QUERIES = 100_000, 1_000, 1_000, 512  # of the example
REAL = Sizes(training=8, holdout=4, novel=4, related=0, per_kind=0)
PAIRS_A_QUERY = 9  # aligned, at most


@dataclass(frozen=True)
class Dense:
    """Seconds of one pair in both mirror states (`pair`), of its halves and of its keypoints; volumes read a second."""

    kind: Kind
    queries: int
    training: int
    pair: float
    halves: float
    keypoints: float
    warm: float
    cold: float


@dataclass(frozen=True)
class Single:
    """Seconds of one core: to prepare a volume, to align and verify a pair."""

    volumes: int
    prepare: float
    pairs: int
    verify: float


@dataclass(frozen=True)
class Whole:
    """Seconds of a `match` of prepared cohorts, of aligning and verifying in it, of the same match again with that at
    hand, and of reading every volume once."""

    size: str
    match: float
    verify: float
    again: float
    reading: float

    @property
    def ratio(self) -> float:
        return self.match / (self.reading + self.verify)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="keeps the volumes for another run")
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing written")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        side = 32 if given.quick else 128
        dense = measure_pairs(folder / f"dense-{side}", side, *((8, 8) if given.quick else (QUERIES, 256)))
        single = measure_study(folder / f"real-{side}", side, Sizes(3, 2, 2, 0, 0) if given.quick else REAL)
        whole = measure_match(folder / f"whole-{side}", *((32, 8, 2, 2) if given.quick else (64, 200, 20, 20)))
    text = section(dense, single, whole, side)
    print(text)
    if not given.quick:
        write_section("Costs", text)


def measure_pairs(folder: Path, side: int, queries: int, training: int) -> Dense:
    """Made-up volumes, from files in the page cache (where they were just written) to scores; two runs, the shorter."""
    layout = layout_of(side)
    cohorts = [
        make_cohort(folder, name, count, side, seed, layout)
        for seed, (name, count) in enumerate((("training", training), ("synthetic", queries)))
    ]
    trained, made = cohorts
    norms = half_norms(trained, trained.names, layout)
    pairs = queries * training
    kind = choose_kind(QUERIES, TRAINING, side**3)  # as the example would be
    dense = seconds(lambda: [None for _ in compare_all(made, made.names, trained, kind=kind)], 1) / pairs
    halves = seconds(lambda: half_scores(made, made.names, trained, trained.names, layout, norms), 1) / pairs
    nobody, patients = np.full(queries, -1), np.arange(training)
    keypoints = seconds(lambda: votes_of(made, made.names, nobody, trained, trained.names, patients), 1) / pairs
    warm = read_all(trained)
    for row in trained.rows.values():  # on the disk since they were made, so the system can let go of them
        with chunk_file(trained.folder, "image", row.row).open("rb") as chunk:
            os.posix_fadvise(chunk.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    cold = read_all(trained)
    return Dense(kind, queries, training, dense, halves, keypoints, training / warm, training / cold)


def read_all(cohort: PreparedCohort) -> float:
    """Seconds to read every image once, on all threads."""

    def read(name: str) -> None:
        cohort.read(name, np.empty(cohort.grid.shape, np.float16), searched=True)

    start = time.perf_counter()
    with ThreadPoolExecutor(workers()) as pool:
        list(pool.map(read, cohort.names))
    return time.perf_counter() - start


def measure_study(folder: Path, side: int, sizes: Sizes) -> Single:
    """A small study of simulated patients with real anatomies, without segmentations and encoder."""
    plan = make_plan(sizes, seed=1)
    write_cohorts(folder, plan)
    with tempfile.TemporaryDirectory() as made:
        study = Study.create(
            Path(made, "study"),
            **{name: folder / name for name in ("training", "holdout", "synthetic")},
            shape=(side,) * 3,
            spacing=224 / side,
        )
        times = StageTimes()
        study.match(measures=MEASURES, progress=times)
        pairs = verified_pairs(study)
    preparing = sum(took for stage, took in times.processor.items() if stage.startswith("prepare"))
    return Single(len(plan), preparing / len(plan), pairs, times.processor["align and verify"] / pairs)


def verified_pairs(study: Study) -> int:
    with closing(sqlite3.connect(study.folder / "volumes" / "verified.sqlite")) as database:
        return sum(len(json.loads(answer)) for (answer,) in database.execute("SELECT answer FROM verified"))


def measure_match(folder: Path, side: int, training: int, synthetic: int, holdout: int) -> Whole:
    """A study of made-up files; matched once, then again with nothing but the prepared cohorts, then with all."""
    draw = a_head(side)
    counts = {"training": training, "synthetic": synthetic, "holdout": holdout}
    for seed, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            file = folder / name / f"{name}-{number}.nii.gz"
            if not file.exists():
                image = sitk.GetImageFromArray((1000 * draw((seed, number))).astype(np.int16))
                image.SetSpacing((224 / side,) * 3)
                sitk.WriteImage(image, str(file))
    with tempfile.TemporaryDirectory() as made:
        study = Study.create(
            Path(made, "study"), **{name: folder / name for name in counts}, shape=(side,) * 3, spacing=224 / side
        )
        study.match(measures=MEASURES)
        (study.folder / "volumes" / "verified.sqlite").unlink()
        times, start = StageTimes(), time.perf_counter()
        study.match(measures=MEASURES, progress=times)
        match = time.perf_counter() - start
        start = time.perf_counter()
        study.match(measures=MEASURES)
        again = time.perf_counter() - start
        grid, volumes = study.settings.preparation_of_volumes().grid, study.folder / "volumes"
        cohorts = [
            PreparedCohort(at, name, read_rows(at), grid, "") for name in counts for at in [volumes / f"{name}.zarr"]
        ]
        reading = sum(read_all(cohort) for cohort in cohorts)
    size = f"{training} training, {synthetic} synthetic and {holdout} holdout volumes of {side}³"
    return Whole(size, match, times.wall["align and verify"], again, reading)


def example(dense: Dense, single: Single) -> list[list[str]]:
    """Hours of each step of the example on this machine."""
    n, s, h, cores = TRAINING, SYNTHETIC, HOLDOUT, workers()
    passes = -(-s // QUERIES) - (-h // QUERIES)
    rows = (
        ("prepare", f"{n + s + h:,} volumes", (n + s + h) * single.prepare / cores),
        ("find duplicates", f"{(n**2 / 2 + h * n) / 1e6:,.0f} million pairs", (n**2 / 2 + h * n) * dense.pair),
        ("search", f"{(s + h) * n / 1e6:,.0f} million pairs", (s + h) * n * dense.pair),
        ("search halves", f"{(s + h) * n / 1e6:,.0f} million pairs", (s + h) * n * dense.halves),
        ("search regions", f"{(s + h) * n / 1e6:,.0f} million pairs", (s + h) * n * dense.keypoints),
        ("read images for the search", f"{passes} x {n:,} volumes", passes * n / dense.cold),
        (
            "read images for duplicates",
            f"{-(-n // (2 * QUERIES)) - (-h // QUERIES)} x {n:,} volumes",
            (n / (2 * QUERIES) - (-h // QUERIES)) * n / dense.cold,
        ),
        ("align and verify", f"{PAIRS_A_QUERY * (s + h):,} pairs", PAIRS_A_QUERY * (s + h) * single.verify / cores),
    )
    return [[step, work, f"{took / 3600:,.0f}" if took > 36000 else f"{took / 3600:.2g}"] for step, work, took in rows]


def section(dense: Dense, single: Single, whole: Whole, side: int) -> str:
    dense_on = f"{workers()} cores, {dense.kind}, {dense.queries} x {dense.training} volumes"
    rows = (
        ("t", "one pair in both mirror states, from disk to score", f"{1000 * dense.pair:.3g} ms", dense_on),
        ("", "halves of one pair", f"{1000 * dense.halves:.3g} ms", "the same volumes, float32"),
        ("", "keypoints of one pair", f"{1000 * dense.keypoints:.3g} ms", "the same volumes"),
        ("r", "volumes read a second from disk", f"{dense.cold:.0f}", "the training volumes, page cache let go of"),
        ("", "volumes read a second from the page cache", f"{dense.warm:.0f}", "the training volumes"),
        ("p", "one volume prepared", f"{single.prepare:.2g} s", f"1 core, {single.volumes} volumes"),
        ("v", "one pair aligned and verified", f"{single.verify:.2g} s", f"1 core, {single.pairs} pairs"),
    )
    constants = table(["constant", "what", "measured", "on"], rows)
    hours = table(["step", "for", "hours"], example(dense, single))
    return f"""## Costs

    python -m benchmarks.costs

{machine(("numpy", "torch", "SimpleITK"))}. The constants of [large cohorts](how-to/large-cohorts.md) on a grid of
{side}³ voxels: pairs and reading with made-up volumes, p and v with real anatomies, without segmentations and encoder.
Times of one core are those of the processor, so a job beside it hardly counts.

{constants}

So {TRAINING:,} training, {SYNTHETIC:,} synthetic and {HOLDOUT:,} holdout volumes take on this very machine, with
{QUERIES} queries to a pass (reading goes on while pairs are multiplied: the longer of the two counts):

{hours}

A whole `match` of prepared cohorts, {whole.size}, without encoder and
segmentations, took {whole.match:.1f} s. Reading every volume once takes {whole.reading:.2f} s (from the page cache),
and aligning and verifying took {whole.verify:.1f} s of it: the match is {whole.ratio:.2f} times both (aim: within 2).
The same match again, with the verified pairs at hand, took {whole.again:.1f} s.
"""


if __name__ == "__main__":
    main()
