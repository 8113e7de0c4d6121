"""Volumes as rows for a matrix product, folded at the mirror plane so that one product serves both mirror states.

With `e = left + right` and `o = left - right` (right half flipped onto the left), a volume's product with another is
`(e.e' + o.o') / 2`, and with the other's mirror image `(e.e' - o.o') / 2`: both for the price of one. What all
volumes share, their mirror-symmetric mean, is taken away from `e` first, for its products are known exactly: what is
left is smaller, and so is what rounding takes away.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from threading import local
from typing import Any, Literal

import numpy as np
from numba import njit, types
from numba.extending import intrinsic, overload

from napari_relict.volumes.cohort import PreparedCohort

Precision = Literal["float32", "bfloat16"]
TILE = 8192  # values of a row in one product; longer ones lose accuracy, and some are slow beyond belief
MEAN_OF = 16  # volumes that make the shared image
HALF_SCALE = 2.0**112  # between the exponents of float16 and float32

_scratch = local()


@dataclass(frozen=True)
class Layout:
    """Where a folded volume of `shape` (z, y, x) lies: lines of x, several lines a tile.

    Rows of a tile are next to each other, and no multiple of 4 KB long: those would share a few lines of cache.
    """

    shape: tuple[int, int, int]

    @property
    def widths(self) -> tuple[int, int]:
        """Values of a line in the even and the odd part. A middle column stands twice in the even one."""
        half, middle = divmod(self.shape[2], 2)
        return half + 2 * middle, half

    @property
    def lines(self) -> int:
        return self.shape[0] * self.shape[1]

    def empty(self, part: int, rows: int, precision: Precision) -> np.ndarray:
        """Zeros (tiles, rows, lines of a tile, width)."""
        width = self.widths[part]
        lines = min(max(1, TILE // max(width, 1)), self.lines)
        if lines > 1 and lines * width % 2048 == 0:
            lines -= 1
        kept = np.uint16 if precision == "bfloat16" else np.float32
        return np.zeros((-(-self.lines // lines), rows, lines, width), kept)


@dataclass(frozen=True)
class Shared:
    """What is taken away from every volume: a mirror-symmetric image.

    Attributes
    ----------
    even : float32 (z, y, width), folded.
    square : of its norm.
    """

    even: np.ndarray
    square: float


def shared_of(training: PreparedCohort) -> Shared:
    """The mean of some training volumes; any image will do, this one leaves little."""
    z, y, x = training.grid.shape
    names = training.names[:: max(1, len(training) // MEAN_OF)][:MEAN_OF]
    mean, image = np.zeros((z, y, x), np.float32), np.empty((z, y, x), np.float16)
    for name in names:
        training.read(name, image, searched=True)
        mean += image
    both = (mean + mean[..., ::-1]) / np.float32(max(len(names), 1))  # the symmetric mean, twice
    middle = np.repeat(both[..., x // 2 : x // 2 + 1] / 2, 2 * (x % 2), axis=2)
    even = np.concatenate([both[..., : x // 2], middle], axis=2)
    return Shared(even, float(np.square(even, dtype=np.float64).sum()) / 2)


class Folded:
    """A buffer of folded volumes, filled again and again.

    Attributes
    ----------
    parts : even and odd, (tiles, rows, lines, width); float32, or the bits of bfloat16 as uint16.
    sums : float64 (rows, 4): product with the shared image; squares of what is left in all, of its odd part, and of
        what rounding took away.
    totals, spreads : float64 (rows,), of the whole volumes (see `Row`).
    count : rows in use.
    """

    def __init__(self, shape: tuple[int, int, int], rows: int, precision: Precision, shared: Shared) -> None:
        self.layout, self.precision, self.shared = Layout(shape), precision, shared
        self.parts = tuple(self.layout.empty(part, rows, precision) for part in (0, 1))
        self.sums = np.zeros((rows, 4))
        self.totals, self.spreads = np.zeros(rows), np.zeros(rows)
        self.count = 0

    def fill(self, cohort: PreparedCohort, names: Sequence[str], pool: Executor) -> list[Future[None]]:
        """Begin to read the named volumes; done when the results are."""
        self.count = len(names)
        self.totals[: self.count] = [cohort.rows[name].total for name in names]
        self.spreads[: self.count] = [cohort.rows[name].spread for name in names]
        return [pool.submit(self._fill, cohort, name, row) for row, name in enumerate(names)]

    def _fill(self, cohort: PreparedCohort, name: str, row: int) -> None:
        if getattr(_scratch, "shape", None) != self.layout.shape:
            _scratch.shape, _scratch.row = self.layout.shape, np.empty(self.layout.shape, np.float16)
        cohort.read(name, _scratch.row, searched=True)
        even, odd = self.parts
        self.sums[row] = _fold(_scratch.row.view(np.uint16), self.shared.even, even, odd, row)


def _bitcast(result: Any, argument: Any) -> Any:
    def same_bits(_typing: Any, _value: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
            return builder.bitcast(values[0], context.get_value_type(result))

        return result(argument), generate

    return intrinsic(same_bits)


as_float: Any = _bitcast(types.float32, types.uint32)
as_bits: Any = _bitcast(types.uint32, types.float32)


@njit(inline="always")
def from_half(bits: Any) -> Any:
    """float16 -> float32: shifted into place, the exponent's bias made up for by a factor. Not for inf and NaN."""
    wide = np.uint32(bits)
    sign = (wide & np.uint32(0x8000)) << np.uint32(16)
    return as_float(sign | ((wide & np.uint32(0x7FFF)) << np.uint32(13))) * np.float32(HALF_SCALE)


def _put(_line: np.ndarray, _x: int, _value: Any) -> Any:
    """Store a value in the line's precision and return what rounding took away."""
    raise NotImplementedError  # the name that numba puts the compiled one for; never run by Python


@overload(_put, inline="always")
def _put_for(line: Any, x: Any, value: Any) -> Any:
    if line.dtype == types.uint16:

        def put(line: Any, x: Any, value: Any) -> Any:
            bits = (as_bits(value) + np.uint32(0x8000)) >> np.uint32(16)
            line[x] = np.uint16(bits)
            return value - as_float(bits << np.uint32(16))

        return put

    def put_float(line: Any, x: Any, value: Any) -> Any:
        line[x] = value
        return np.float32(0)

    return put_float


# Sums are kept by column and emptied every plane: adding up a line would take longer than the line.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def _fold(raw: np.ndarray, shared: np.ndarray, even: np.ndarray, odd: np.ndarray, row: int) -> tuple[float, ...]:
    """Fold float16 bits (z, y, x) into row `row` of both parts; the sums of `Folded`."""
    z_side, y_side, x_side = raw.shape
    half, width = x_side // 2, shared.shape[2]
    sums = np.zeros((4, width), np.float32)
    whole = np.zeros(4)
    for z in range(z_side):
        sums[:] = 0
        with_shared, left, in_odd, lost = sums[0], sums[1], sums[2], sums[3]
        for y in range(y_side):
            line, mean, index = raw[z, y], shared[z, y], z * y_side + y
            even_line = even[index // even.shape[2], row, index % even.shape[2]]
            odd_line = odd[index // odd.shape[2], row, index % odd.shape[2]]
            for x in range(half):
                a, b = from_half(line[x]), from_half(line[x_side - 1 - x])
                with_shared[x] += (a + b) * mean[x]
                e, o = (a + b) - mean[x], a - b
                left[x] += e * e + o * o
                in_odd[x] += o * o
                lost_e, lost_o = _put(even_line, x, e), _put(odd_line, x, o)
                lost[x] += lost_e * lost_e + lost_o * lost_o
            for x in range(half, width):
                a = from_half(line[half])
                with_shared[x] += a * mean[x]
                e = a - mean[x]
                left[x] += e * e
                lost_e = _put(even_line, x, e)
                lost[x] += lost_e * lost_e
        for k in range(4):
            for x in range(width):
                whole[k] += sums[k, x] / 2
    return whole[0], whole[1], whole[2], whole[3]
