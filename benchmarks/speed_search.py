"""How fast NCC of all pairs is, from a prepared cohort on disk to a matrix: ours, what people use, and the limit."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.prepared import make_cohort
from benchmarks.timing import Row, compared, seconds, titled
from napari_relict.jobs.executors import workers
from napari_relict.matching.exact_top_k import ExactScores, settle
from napari_relict.matching.pairwise_ncc import Kind, backend, choose_kind, multipliers
from napari_relict.matching.tables import compare_all
from napari_relict.volumes.cohort import PreparedCohort

PAIRS = 5  # of each peer; the rest of its time is extrapolated
SETTLED = 50  # queries that are settled; the rest of that time is extrapolated
TOP = 5  # patients whose order is made certain
BOTH = "both mirror states"
Score = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Peer:
    """`score` takes two float32 volumes at hand; `same` tells whether it is the same NCC as ours."""

    name: str
    score: Score | None
    same: bool = True


def measure_search(
    training: int = 256, queries: tuple[int, ...] = (50, 500), side: int = 128, folder: Path | None = None
) -> tuple[list[Row], list[Row]]:
    """Rows in milliseconds a pair, and the machine's own limits in the same run.

    Ours is timed from files (in the page cache, for they were just written) to matrix, both mirror states, for it
    cannot do less. Peers have their volumes in memory already, and are extrapolated from a few pairs; against one
    mirror state of theirs, ours still does both. Each ours is the shorter of two runs.

    Parameters
    ----------
    folder : where the cohorts are kept for another run; without it, they are made for this one.

    Raises
    ------
    ValueError : one of our scores is farther off than its bound says, or a peer means something else by NCC.
    """
    with tempfile.TemporaryDirectory() as made:
        place = folder or Path(made)
        cohorts = [
            make_cohort(place, name, count, side, seed)
            for seed, (name, count) in enumerate((("training", training), ("synthetic", max(queries))))
        ]
        rows: list[Row] = []
        limits: list[Row] = []
        peers = [(peer, *_timed(peer, *cohorts)) for peer in _peers()]
        for count in queries:
            ours, settled, off, kind = _ours(count, *cohorts)
            size = f"{count} x {training}, {side}³"
            for peer, once, twice, away in peers:
                note = f"theirs extrapolated from {PAIRS} pairs in memory"
                if not peer.same:
                    note += "; means NCC of small windows"
                rows.append(compared("NCC", size, peer.name, once, ours, away, note))
                if peer.same:
                    rows.append(compared(f"NCC, {BOTH}", size, peer.name, twice, ours, away, note))
            by_numpy = next(twice for peer, _, twice, _ in peers if peer.name.startswith("numpy"))
            certain = f"NCC, {BOTH}, order of the nearest {TOP} certain"
            note = f"theirs extrapolated from {PAIRS} pairs in memory, ours from {SETTLED} queries"
            rows.append(compared(certain, size, _peers_name(), by_numpy, settled, off, note))
            limits += _limits(count, *cohorts, kind, ours * count * training)
    return rows, limits


def _ours(count: int, training: PreparedCohort, synthetic: PreparedCohort) -> tuple[float, float, float, Kind]:
    """Seconds a pair of the matrix, and of it with certain order; largest difference from float64; kind of product."""
    names = synthetic.names[:count]
    owners, allowed = np.arange(len(training)), np.ones(len(training), bool)
    kind = choose_kind(count, len(training), int(np.prod(training.grid.shape)))
    took = []
    for _ in range(2):
        start = time.perf_counter()
        parts = [found for _, _, found in compare_all(synthetic, names, training)]
        ncc, bound = (np.concatenate([getattr(one, name) for one in parts], axis=1) for name in ("ncc", "ncc_bound"))
        took.append(time.perf_counter() - start)
    off, start, looked_at = 0.0, time.perf_counter(), min(count, SETTLED)
    for number, name in enumerate(names[:looked_at]):
        exact = settle(
            ncc[number], bound[number], owners, allowed, TOP, ExactScores(synthetic, name, training).ncc
        ).exact
        for other, scores in exact.items():
            away = abs(max(scores) - ncc[number, other])
            if away > bound[number, other]:
                raise ValueError(f"NCC is {away:.2g} off, its bound says {bound[number, other]:.2g}")
            off = max(off, away)
    a_query = (time.perf_counter() - start) / looked_at
    pairs = count * len(training)
    # Queries are settled side by side, as in a search.
    return min(took) / pairs, (min(took) + a_query * count / workers()) / pairs, off, kind


def _timed(
    peer: Peer, training: PreparedCohort, synthetic: PreparedCohort
) -> tuple[float | None, float | None, float | None]:
    """Seconds a pair, as it is and in both mirror states; how far its values are from float64."""
    if peer.score is None:
        return None, None, None
    score = peer.score
    ones, others = (cohort.images(cohort.names[:PAIRS]) for cohort in (synthetic, training))
    flipped = np.ascontiguousarray(ones[..., ::-1])

    def every(images: np.ndarray) -> list[float]:
        return [score(one, other) for one, other in zip(images, others, strict=True)]

    once = seconds(lambda: every(ones), 1) / PAIRS
    if not peer.same:
        return once, None, None
    exact = [ExactScores(synthetic, name, training).ncc(place)[0] for place, name in enumerate(synthetic.names[:PAIRS])]
    away = float(np.abs(np.subtract(every(ones), exact)).max())
    if away > 0.01:
        raise ValueError(f"{peer.name} is {away:.2g} from our NCC")
    return once, once + seconds(lambda: every(flipped), 1) / PAIRS, away


def _peers_name() -> str:
    return f"{titled('numpy')} corrcoef"


def _peers() -> Iterator[Peer]:
    yield Peer(_peers_name(), lambda one, other: float(np.corrcoef(one.ravel(), other.ravel())[0, 1]))
    yield Peer(f"{titled('scipy')} pearsonr", lambda one, other: float(stats.pearsonr(one.ravel(), other.ravel())[0]))
    for name, make in (("torchmetrics", _torchmetrics), ("SimpleITK", _simpleitk), ("monai", _monai)):
        try:
            yield make(titled(name))
        except ImportError:
            yield Peer(name, None)


def _torchmetrics(name: str) -> Peer:
    import torch
    from torchmetrics.functional.regression import pearson_corrcoef

    def score(one: np.ndarray, other: np.ndarray) -> float:
        return float(pearson_corrcoef(*(torch.from_numpy(values.ravel()) for values in (one, other))))

    return Peer(f"{name} pearson_corrcoef", score)


def _simpleitk(name: str) -> Peer:
    import SimpleITK as sitk

    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetInterpolator(sitk.sitkLinear)

    def score(one: np.ndarray, other: np.ndarray) -> float:
        # Its value is -NCC².
        return float(np.sqrt(-method.MetricEvaluate(*(sitk.GetImageFromArray(values) for values in (other, one)))))

    return Peer(f"{name} correlation metric", score)


def _monai(name: str) -> Peer:
    import torch
    from monai.losses import LocalNormalizedCrossCorrelationLoss

    loss = LocalNormalizedCrossCorrelationLoss()

    def score(one: np.ndarray, other: np.ndarray) -> float:
        with torch.no_grad():
            return -float(loss(*(torch.from_numpy(values)[None, None] for values in (one, other))))

    return Peer(f"MONAI {name.split()[1]} local NCC", score, same=False)


def _limits(count: int, training: PreparedCohort, synthetic: PreparedCohort, kind: Kind, ours: float) -> list[Row]:
    """What the same job cannot do without, each alone and in seconds, beside ours."""
    size = f"{count} x {len(training)}, {'x'.join(map(str, training.grid.shape))}"
    operations = 2.0 * count * len(training) * float(np.prod(training.grid.shape))
    rate = {one: product_rate(one, count) for one in ("float32", "bfloat16")}
    row = np.empty(training.grid.shape, np.float16)

    def read_all() -> None:
        for cohort, names in ((training, training.names), (synthetic, synthetic.names[:count])):
            for name in names:
                cohort.read(name, row, searched=True)

    reading, alone = seconds(read_all, 1), operations / rate[kind]
    return [
        {"limit": f"product, {one}", "size": size, "rate": f"{found / 1e9:.0f} GFLOP/s", "seconds": operations / found}
        for one, found in rate.items()
    ] + [
        {"limit": "copying memory", "size": size, "rate": f"{memory_rate() / 1e9:.0f} GB/s", "seconds": None},
        {"limit": "reading every volume once, one thread", "size": size, "rate": "", "seconds": reading},
        {"limit": f"ours, {kind}", "size": size, "rate": f"{(alone + reading) / ours:.0%} of both", "seconds": ours},
    ]


def product_rate(kind: Kind, rows: int) -> float:
    """Operations a second of plain matrix products on all cores at once, all in the caches."""
    with multipliers(kind) as pool:
        multiply, place = backend(kind, "cpu")
        kept = np.uint16 if kind == "bfloat16" else np.float32
        turns = 50

        def many() -> None:
            one, other = (place(np.full((side, 8128), 1, kept)) for side in (rows, 64))
            total = place(np.zeros((rows, 64), np.float32))
            for _ in range(turns):
                multiply(total, one, other)

        took = seconds(lambda: [task.result() for task in [pool.submit(many) for _ in range(workers())]])
    return 2.0 * rows * 64 * 8128 * turns * workers() / took


def memory_rate() -> float:
    """Bytes read and written a second by a plain copy that fits no cache."""
    values, out = np.ones(1 << 26, np.float32), np.empty(1 << 26, np.float32)
    return 2.0 * values.nbytes / seconds(lambda: np.copyto(out, values))


if __name__ == "__main__":
    for table in measure_search():
        for line in table:
            print(*(f"{value:.4g}" if isinstance(value, float) else value for value in line.values()), sep=" | ")
