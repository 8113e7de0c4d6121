"""NCC and MSE of many pairs from one matrix product, in both mirror states, with a bound on what each may be off.

The exact NCC is that of the stored float16 voxels in float64. The product is made in whatever this machine multiplies
fastest; what rounding can have done to it is bounded for every pair by Cauchy and Schwarz, from norms measured while
the rows were rounded. A bound is proof, not experience: the true error is mostly some hundred times smaller.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from napari_relict.errors import UsageError
from napari_relict.jobs.executors import workers
from napari_relict.matching.mirror_decomposition import TILE, Folded, Precision

Kind = Literal["float32", "bfloat16", "cuda"]
Multiply = Callable[[Any, Any, Any], None]  # (sum, one, other): sum += one @ other.T

ROUNDOFF = 2.0**-24  # of float32
BFLOAT16_ROUNDOFF = 2.0**-9
WORTH_ASKING = 1e10  # operations: below, float32 is done before the question is answered,
WORTH_IMPORTING = 4e11  # and below this before torch is imported, where nobody has yet
CLEARLY_FASTER = 0.8  # share of float32's time from which on bfloat16 is chosen


@dataclass(frozen=True)
class Comparison:
    """All pairs of two blocks of volumes; every array is float64 (queries, others).

    Attributes
    ----------
    ncc, mse : of the nearer mirror state. NCC of a constant volume with anything is 0.
    ncc_bound, mse_bound : no farther than this from the exact value.
    mirrored : bool, the mirrored state is the nearer one.
    doubtful : bool, the states are so alike that the other one may be.
    """

    ncc: np.ndarray
    mse: np.ndarray
    ncc_bound: np.ndarray
    mse_bound: np.ndarray
    mirrored: np.ndarray
    doubtful: np.ndarray


def precision_of(kind: Kind) -> Precision:
    """What rows have to be folded in for this kind of product."""
    return "bfloat16" if kind == "bfloat16" else "float32"


def choose_kind(queries: int, training: int, voxels: int, device: str = "cpu") -> Kind:
    """The fastest kind of product here: on the graphics processor if asked for, bfloat16 where it is clearly faster.

    Raises
    ------
    UsageError : a graphics processor is asked for and there is none.
    """
    if device != "cpu":
        import torch

        if not torch.cuda.is_available():
            raise UsageError(f"no graphics processor for device {device!r}")
        return "cuda"
    if 2.0 * queries * training * voxels < (WORTH_ASKING if "torch" in sys.modules else WORTH_IMPORTING):
        return "float32"
    return "bfloat16" if _bfloat16_is_faster(min(queries, 256)) else "float32"


@cache
def _bfloat16_is_faster(rows: int) -> bool:
    """Both kinds against the clock, on blocks as they come; a small one first, for without hardware it takes ages."""
    random = np.random.default_rng(0)
    for count, limit in ((8, 4.0), (rows, CLEARLY_FASTER)):
        floats = [random.random((side, TILE), np.float32) for side in (count, 64)]
        bits = [(values.view(np.uint32) >> 16).astype(np.uint16) for values in floats]
        exact = floats[0] @ floats[1].T
        if _seconds("bfloat16", bits, exact) > limit * _seconds("float32", floats, exact):
            return False
    return True


def _seconds(kind: Kind, pair: list[np.ndarray], exact: np.ndarray, repeats: int = 5) -> float:
    """The shortest of some products on one core; infinite where they are not added up in float32, as bounds have it."""
    multiply, place = backend(kind, "cpu")
    one, other = (place(rows) for rows in pair)
    total = place(np.zeros_like(exact))

    def once() -> float:
        start = time.perf_counter()
        multiply(total, one, other)
        return time.perf_counter() - start

    with multipliers(kind) as pool:
        took = [pool.submit(once).result() for _ in range(repeats)]
    right = np.allclose(_to_numpy(total), repeats * exact, rtol=0.02)  # the bits were cut off, not rounded
    return min(took[1:]) if right else np.inf


def backend(kind: Kind, device: str) -> tuple[Multiply, Callable[[np.ndarray], Any]]:
    """How to multiply, and how to hand it an array."""
    if kind == "float32":  # numpy is as fast as torch here, and there without an import of seconds
        return _add_product, lambda rows: rows
    import torch

    if kind == "bfloat16":

        def as_tensor(rows: np.ndarray) -> Any:
            if rows.dtype == np.uint16:
                return torch.from_numpy(rows.view(np.int16)).view(torch.bfloat16)
            return torch.from_numpy(rows)

        return lambda total, one, other: total.add_(one @ other.T), as_tensor
    torch.backends.cuda.matmul.allow_tf32 = False  # ten bits of a value, and no bound knows of it
    return lambda total, one, other: total.addmm_(one, other.T), lambda rows: torch.from_numpy(rows).to(device)


def _add_product(total: np.ndarray, one: np.ndarray, other: np.ndarray) -> None:
    total += one @ other.T


class Comparer:
    """Compares a block of queries, kept at hand, with blocks of others.

    Parameters
    ----------
    queries : folded in `precision_of(kind)`; what another block is compared with shares its shared image.
    pool : of `multipliers(kind)`.
    """

    def __init__(self, queries: Folded, kind: Kind, pool: Executor, device: str = "cpu") -> None:
        self.queries, self.kind, self._pool = queries, kind, pool
        self._multiply, self._place = backend(kind, device)
        self._parts = [self._matrices(part, queries.count) for part in queries.parts]

    def __call__(self, others: Folded) -> Comparison:
        """All pairs of the queries with the volumes of `others`."""
        parts = [self._matrices(part, others.count) for part in others.parts]
        even, odd = (self._product(mine, part) for mine, part in zip(self._parts, parts, strict=True))
        return _compared(self.queries, others, even, odd, self.kind)

    def _matrices(self, part: np.ndarray, count: int) -> Any:
        """(tiles, rows, values) where the product is made."""
        return self._place(part.reshape(*part.shape[:2], -1))[:, :count]

    def _product(self, mine: Any, theirs: Any) -> np.ndarray:
        """Every thread takes one tile after the other: none waits for the slowest, as those inside a library do."""
        tiles = iter(range(len(mine)))

        def some() -> Any:
            total = self._place(np.zeros((mine.shape[1], theirs.shape[1]), np.float32))
            for tile in tiles:
                self._multiply(total, mine[tile], theirs[tile])
            return total

        running = [self._pool.submit(some) for _ in range(1 if self.kind == "cuda" else workers())]
        return np.asarray(sum(_to_numpy(one.result()).astype(np.float64) for one in running))


@contextmanager
def multipliers(kind: Kind) -> Iterator[Executor]:
    """Threads to multiply on, each a core of its own."""
    if kind != "bfloat16":
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers()) as pool:
            yield pool
        return
    import torch

    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(workers(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(before)


def _to_numpy(total: Any) -> np.ndarray:
    return total if isinstance(total, np.ndarray) else np.asarray(total.cpu().numpy())


@dataclass(frozen=True)
class _Norms:
    """Norms of the volumes of one side, as columns or rows: float64.

    Attributes
    ----------
    left, odd : of what was multiplied, and of its odd part.
    lost, odd_lost : of what rounding took from these, arithmetic in float32 counted in.
    whole : of the volume itself.
    """

    left: np.ndarray
    odd: np.ndarray
    lost: np.ndarray
    odd_lost: np.ndarray
    whole: np.ndarray
    total: np.ndarray
    spread: np.ndarray
    with_shared: np.ndarray


def _norms(folded: Folded, axis: int) -> _Norms:
    count, voxels = folded.count, int(np.prod(folded.layout.shape))
    with_shared, left, odd, lost = (np.expand_dims(column, axis) for column in folded.sums[:count].T)
    total, spread = (np.expand_dims(values[:count], axis) for values in (folded.totals, folded.spreads))
    whole = np.sqrt(spread + total**2 / voxels)
    # The sums are float32 within a plane: a little more than they say is certainly enough.
    left, odd, lost = (1.01 * np.sqrt(np.maximum(squares, 0)) for squares in (left, odd, lost))
    little = 4 * ROUNDOFF * (whole + np.sqrt(folded.shared.square))
    rounding = BFLOAT16_ROUNDOFF if folded.precision == "bfloat16" else 0.0
    return _Norms(left, odd, lost + little, rounding * odd + little, whole, total, spread, with_shared)


def _compared(queries: Folded, others: Folded, even: np.ndarray, odd: np.ndarray, kind: Kind) -> Comparison:
    voxels, shared = int(np.prod(queries.layout.shape)), queries.shared
    a, b = _norms(queries, 1), _norms(others, 0)
    # Sums of a tile and over tiles are float32, whatever their order; a bfloat16 product is also handed back rounded.
    tiles, _, lines, width = queries.parts[0].shape
    steps = tiles + lines * width + 4
    adding = steps * ROUNDOFF + (BFLOAT16_ROUNDOFF if kind == "bfloat16" else 0.0)
    off = _product_bound(a.left, a.lost, b.left, b.lost, adding)
    odd_off = _product_bound(a.odd, a.odd_lost, b.odd, b.odd_lost, adding)
    # The products with the shared image were added up in float32 along a plane.
    off += (queries.layout.shape[1] + 4) * ROUNDOFF * np.sqrt(shared.square) * (a.whole + b.whole)
    common = even / 2 + a.with_shared + b.with_shared - shared.square - a.total * b.total / voxels
    norm = np.sqrt(a.spread * b.spread)
    known = norm > 0
    inverse = np.divide(1, norm, out=np.zeros_like(norm), where=known)
    ncc = np.clip((common + np.abs(odd) / 2) * inverse, -1, 1)  # of the nearer state: that in which odd parts help
    bound = np.minimum(off * inverse, 2.0)
    apart = (a.total - b.total) ** 2 / voxels**2
    mse = apart + np.maximum(a.spread + b.spread - 2 * ncc * norm, 0) / voxels
    doubtful = (np.abs(odd) / 2 <= odd_off) & known
    return Comparison(ncc, mse, bound, 2 * bound * norm / voxels, (odd < 0) & known, doubtful)


def _product_bound(left: np.ndarray, lost: np.ndarray, other: np.ndarray, other_lost: np.ndarray, adding: float) -> Any:
    """How far the product of rounded rows may be from that of the rows as they were."""
    kept, other_kept = left + lost, other + other_lost
    return lost * other + kept * other_lost + adding * kept * other_kept
