"""The nearest of many embeddings, exactly: a fast product tells who may be among them, float64 who is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit
from numba.extending import overload

from napari_relict.jobs.executors import workers
from napari_relict.matching.mirror_decomposition import as_bits, as_float
from napari_relict.matching.pairwise_ncc import BFLOAT16_ROUNDOFF, ROUNDOFF, Kind, backend, choose_kind, multipliers

ROWS = 8192  # compared at a time
ROOM = 4096  # likely places of one query, to begin with


class Vectors:
    """Rows to be searched, float32 (n, features), kept beside what the product needs of them."""

    def __init__(self, rows: np.ndarray, kind: Kind | None = None) -> None:
        self.rows = np.ascontiguousarray(rows, np.float32)
        self.kind = kind or choose_kind(256, len(rows), rows.shape[1])
        self.rounded = _rounded(self.rows, self.kind)
        self._largest, self._lost = 0.0, 0.0
        for start in range(0, len(rows), ROWS):
            some = slice(start, start + ROWS)
            norms = _norms(self.rows[some], self.rounded[some])
            self._largest, self._lost = max(self._largest, norms[0].max()), max(self._lost, norms[1].max())

    def nearest(self, queries: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
        """Places and products (float64) of the `top` rows with the largest product with each query.

        Both (len(queries), top), largest first, of equal products the row that comes first.
        """
        top = min(top, len(self.rows))
        queries = np.ascontiguousarray(queries, np.float32)
        rounded = _rounded(queries, self.kind)
        norm, lost = _norms(queries, rounded)
        adding = (queries.shape[1] + 4) * ROUNDOFF + (BFLOAT16_ROUNDOFF if self.kind == "bfloat16" else 0.0)
        off = lost * self._largest + (norm + lost) * (self._lost + adding * (self._largest + self._lost))
        blocks = iter(range(0, len(self.rows), ROWS))

        def some() -> _Likely:
            likely = _Likely(np.full((len(queries), top), -np.inf, np.float32), (2 * off).astype(np.float32) * 1.01)
            place = backend(self.kind, "cpu")[1]
            one = place(rounded)
            for start in blocks:
                product = one @ place(self.rounded[start : start + ROWS]).T
                likely.look_through(_bits(product), start)
            return likely

        with multipliers(self.kind) as pool:
            found = [one.result() for one in [pool.submit(some) for _ in range(workers())]]
        return self._settled(queries, found, top)

    def _settled(self, queries: np.ndarray, found: list[_Likely], top: int) -> tuple[np.ndarray, np.ndarray]:
        places, scores = np.empty((len(queries), top), np.int64), np.empty((len(queries), top))
        for number, query in enumerate(queries.astype(np.float64)):
            best = np.sort(np.concatenate([likely.best[number] for likely in found]))[-top]
            known = np.concatenate([likely.of(number, best) for likely in found])
            # Summed in one order whatever a row's place, so that equal rows tie and the first of them comes first.
            exact = np.einsum("ij,j->i", self.rows[known].astype(np.float64), query)
            order = np.lexsort((known, -exact))[:top]
            places[number], scores[number] = known[order], exact[order]
        return places, scores


@dataclass
class _Likely:
    """What one thread has seen: the best products of each query, and all rows that come close enough to these.

    Attributes
    ----------
    best : float32 (queries, top), unsorted; `margin` below the least of them begins what cannot matter.
    places, values, counts : (queries, room) and (queries,).
    """

    best: np.ndarray
    margin: np.ndarray
    places: np.ndarray = field(init=False)
    values: np.ndarray = field(init=False)
    counts: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.places = np.empty((len(self.best), ROOM), np.int64)
        self.values = np.empty((len(self.best), ROOM), np.float32)
        self.counts = np.zeros(len(self.best), np.int64)

    def look_through(self, product: np.ndarray, start: int) -> None:
        for number in range(len(self.best)):
            at = 0
            while at < product.shape[1]:
                at = _look(
                    product[number], at, start, self.best[number], self.margin[number],
                    self.places[number], self.values[number], self.counts[number : number + 1],
                )  # fmt: skip
                if at < product.shape[1]:
                    self._make_room(number)

    def _make_room(self, number: int) -> None:
        kept = self.of(number, self.best[number].min())
        values = self.values[number, : self.counts[number]]
        values = values[values >= self.best[number].min() - self.margin[number]]
        if 2 * len(kept) > self.places.shape[1]:
            self.places, self.values = (np.concatenate([rows, rows], axis=1) for rows in (self.places, self.values))
        self.places[number, : len(kept)], self.values[number, : len(kept)] = kept, values
        self.counts[number] = len(kept)

    def of(self, number: int, best: float) -> np.ndarray:
        """Places whose product comes close enough to `best`."""
        count = self.counts[number]
        return np.asarray(self.places[number, :count][self.values[number, :count] >= best - self.margin[number]])


def _rounded(rows: np.ndarray, kind: Kind) -> np.ndarray:
    """float32 as it is, or the bits of bfloat16."""
    return _to_bfloat16(rows) if kind == "bfloat16" else rows


def _norms(rows: np.ndarray, rounded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Norms of rows and of what rounding took away, float64."""
    if rounded is rows or rounded.dtype == np.float32:
        return np.linalg.norm(rows.astype(np.float64), axis=1), np.zeros(len(rows))
    kept = (rounded.astype(np.uint32) << 16).view(np.float32)
    return np.linalg.norm(rows.astype(np.float64), axis=1), np.linalg.norm((rows - kept).astype(np.float64), axis=1)


def _bits(product: Any) -> np.ndarray:
    """A product as an array: float32, or the bits of bfloat16."""
    if isinstance(product, np.ndarray):
        return product
    import torch

    return np.asarray(product.view(torch.int16).numpy().view(np.uint16))


@njit(cache=True, nogil=True)
def _to_bfloat16(rows: np.ndarray) -> np.ndarray:
    bits = np.empty(rows.shape, np.uint16)
    for i in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            bits[i, k] = (as_bits(rows[i, k]) + np.uint32(0x8000)) >> np.uint32(16)
    return bits


def _value(_line: np.ndarray, _x: int) -> Any:
    raise NotImplementedError  # the name that numba puts the compiled one for; never run by Python


@overload(_value, inline="always")
def _value_for(line: Any, x: Any) -> Any:
    def of_bits(line: Any, x: Any) -> Any:
        return as_float(np.uint32(line[x]) << np.uint32(16))

    def of_float(line: Any, x: Any) -> Any:
        return line[x]

    return of_bits if str(line.dtype) == "uint16" else of_float


@njit(cache=True, nogil=True)
def _look(
    line: np.ndarray,
    at: int,
    start: int,
    best: np.ndarray,
    margin: float,
    places: np.ndarray,
    values: np.ndarray,
    count: np.ndarray,
) -> int:
    """Note what comes close to the best of a row of products; returns how far there was room to look."""
    least = best.min()
    while at < len(line):
        end = min(at + 64, len(line))
        if count[0] + 64 > len(places):
            return at
        highest = np.float32(-np.inf)
        for x in range(at, end):  # on whole vectors; mostly that is all there is to do
            value = _value(line, x)
            highest = value if value > highest else highest
        if highest >= least - margin:
            for x in range(at, end):
                value = _value(line, x)
                if value >= least - margin:
                    places[count[0]], values[count[0]] = start + x, value
                    count[0] += 1
                    if value > least:
                        best[best.argmin()] = value
                        least = best.min()
        at = end
    return at
