"""The prepared cohort on disk: every volume on the common grid, one chunk a volume, never all in memory.

Layout of `volumes/<cohort>.zarr`: arrays `image` (float16, 0 to 1, uncompressed: a chunk file is the row as it is),
`searched` (likewise, only of rows that the search sees otherwise: contrast turned over, or the body alone) and, where
there are segmentations, `labels` (uint16), all of shape (rows, z, y, x); for copies of a part `halves`, and of
keypoints `places` and `descriptions`; `rows.jsonl` says which row holds which volume. A line is appended only after its
row is on disk, so a job killed at any moment leaves finished rows and nothing half-written.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec

from napari_relict.errors import DataError
from napari_relict.volumes.affines import field_of_view, from_rows
from napari_relict.volumes.grid import Grid
from napari_relict.volumes.keypoints import LENGTH, Keypoints, unpadded
from napari_relict.volumes.pose import body_of, turn_over

COMPRESSED = frozenset({"labels", "places", "descriptions"})
REMEDY = "delete the folder volumes and run match again"


@dataclass(frozen=True)
class PreparedVolume:
    """A volume on the study's grid.

    Attributes
    ----------
    image : float32 (z, y, x), 0 to 1.
    labels : uint16 (z, y, x), or None.
    spacing : mm along z, y, x. x grows to the patient's left, y to posterior, z to superior.
    value_range : stored values (HU for CT) that 0 and 1 stand for.
    content : SHA-256 of the stored voxels and geometry it was made from.
    sides : label of the other side for each label that has one (left kidney -> right kidney, and back).
    """

    name: str
    cohort: str
    image: np.ndarray
    labels: np.ndarray | None
    spacing: tuple[float, float, float]
    value_range: tuple[float, float]
    unit: str
    content: str
    sides: Mapping[int, int] = field(default_factory=dict)

    def mirrored(self, beside: PreparedVolume | None = None) -> PreparedVolume:
        """The same volume with left and right exchanged.

        A segmenter calls what lies left the left kidney, a mask that was flipped with its image does not: labels of
        sided structures are exchanged too where that agrees better with the labels of `beside`.
        """
        if self.labels is None:
            return replace(self, image=self.image[..., ::-1])
        labels = mirror_labels(self.labels, self.sides)
        as_stored = self.labels[..., ::-1]
        if beside is not None and beside.labels is not None:
            other = beside.labels
            if ((as_stored == other) & (other > 0)).sum() > ((labels == other) & (other > 0)).sum():
                labels = as_stored
        return replace(self, image=self.image[..., ::-1], labels=labels)


def mirror_labels(labels: np.ndarray, sides: Mapping[int, int]) -> np.ndarray:
    """Label maps (..., x) with left and right exchanged: a mirrored left kidney is a right kidney."""
    flipped = labels[..., ::-1]
    if not sides:
        return flipped
    table = np.arange(max(int(labels.max(initial=0)), *sides) + 1, dtype=labels.dtype)
    for label, other in sides.items():
        table[label] = other
    return np.asarray(table[flipped])


@dataclass(frozen=True)
class Row:
    """What `rows.jsonl` says of one prepared volume."""

    row: int
    name: str
    stamp: str  # of the files; equal stamps need no reading
    content: str  # SHA-256 of voxels and geometry
    voxels: str  # SHA-256 of the voxels alone: equal for a byte-for-byte copy in another format
    has_labels: bool
    labels: list[int]  # label values on the common grid, without 0
    value_range: tuple[float, float]
    pose: list[float]  # 3x4 matrix, grid mm (x, y, z) -> mm in the volume's own world
    inverted: bool  # its contrast runs against the reference's
    to_index: list[float]  # 3x4 matrix, grid mm (x, y, z) -> continuous voxel index of the file
    size: list[int]  # voxels of the file along x, y, z
    halves: list[list[float]]  # 3x4 matrix of each half, mm of its own pose -> grid mm; empty where none were posed
    path: str
    # Of the values the search compares, float64 of float16: their sum, and that of the squares about their mean.
    total: float = 0.0
    spread: float = 0.0
    masked: bool = False  # the search sees the body alone
    turned: str = ""  # how it lies (`LPS`), where it was seen to lie otherwise than its file says
    keypoints: int = -1  # how many there are; -1 where none were looked for

    @property
    def apart(self) -> bool:
        """The search compares other voxels than those that are shown."""
        return self.inverted or self.masked


def searched_image(image: np.ndarray, inverted: bool, spacing: Sequence[float], masked: bool = False) -> np.ndarray:
    """What the search compares: float16 (z, y, x), turned over where the contrast is inverted, 0 outside the body
    where that alone is asked for."""
    values = turn_over(image.astype(np.float32), spacing) if inverted else image
    return (np.where(body_of(image), values, 0) if masked else values).astype(np.float16)


class PreparedCohort:
    """Read access to the prepared volumes of one cohort, in the order of `names`; `key` says how they were prepared.

    Another process is sent where it lies, not its rows.

    Raises
    ------
    DataError : it was prepared on another grid.
    """

    def __init__(self, folder: Path, cohort: str, rows: Mapping[str, Row], grid: Grid, unit: str) -> None:
        self.folder, self.cohort, self.grid, self.unit = folder, cohort, grid, unit
        self.rows = dict(sorted(rows.items()))
        self.names = list(self.rows)
        group = zarr.open_group(folder, mode="r")
        self.key = str(group.attrs.get("key", ""))
        self._image: Any = group["image"]
        self._labels: Any = group.get("labels")
        self._halves: Any = group.get("halves")
        self._places: Any = group.get("places")
        self._descriptions: Any = group.get("descriptions")
        if tuple(self._image.shape[1:]) != grid.shape:
            raise DataError(folder, "was prepared on another grid than study.toml asks for", "run match again")

    def __len__(self) -> int:
        return len(self.names)

    def __reduce__(self) -> tuple[Any, ...]:
        return _opened, (self.folder, self.cohort, self._left_out, self.grid, self.unit)

    def only(self, names: Collection[str]) -> PreparedCohort:
        """The same cohort with these volumes alone."""
        rows = {name: row for name, row in self.rows.items() if name in names}
        return PreparedCohort(self.folder, self.cohort, rows, self.grid, self.unit)

    @cached_property
    def _left_out(self) -> frozenset[str]:
        return frozenset(read_rows(self.folder).keys() - self.rows.keys())

    def images(self, names: Sequence[str], dtype: Any = np.float32, *, searched: bool = False) -> np.ndarray:
        """(len(names), z, y, x); `searched`: as the search compares them (see `searched_image`)."""
        out = np.empty((len(names), *self.grid.shape), dtype)
        row = np.empty(self.grid.shape, np.float16)
        for place, name in enumerate(names):
            self.read(name, row, searched=searched)
            out[place] = row
        return out

    def read(self, name: str, out: np.ndarray, *, searched: bool) -> None:
        """Fill `out`, float16 and contiguous, with one image; fast, and from any thread.

        Raises
        ------
        DataError : the chunk file is not there, or cut short.
        """
        row, view, done = self.rows[name], out.data.cast("B"), 0
        path = chunk_file(self.folder, "searched" if searched and row.apart else "image", row.row)
        if path.exists():
            with path.open("rb", buffering=0) as chunk:
                while count := chunk.readinto(view[done:]):
                    done += count
        if done < len(view):
            raise DataError(name, f"its prepared {self.cohort} volume is damaged", REMEDY)

    def halves(self, names: Sequence[str]) -> np.ndarray:
        """float32 (len(names), halves, voxels), -1 beyond the field of view; no halves where none were posed."""
        if not all(self.rows[name].halves for name in names):
            return np.zeros((len(names), 0, 0), np.float32)
        out = np.empty((len(names), *self._halves.shape[1:]), np.float32)
        for place, name in enumerate(names):
            out[place] = self._halves[self.rows[name].row]
        return out

    def keypoints(self, name: str) -> Keypoints:
        """Those of what the search compares; none where none were looked for."""
        row = self.rows[name]
        if row.keypoints <= 0:
            return unpadded(np.zeros((0, 4)), np.zeros((0, LENGTH), np.uint8), 0)
        return unpadded(self._places[row.row], self._descriptions[row.row], row.keypoints)

    def field_of_view(self, name: str) -> np.ndarray:
        """Where the volume's file had voxels: bool (z, y, x)."""
        row = self.rows[name]
        return field_of_view(self.grid, from_rows(row.to_index), row.size)

    def labels(self, names: Sequence[str]) -> np.ndarray:
        """uint16 (len(names), z, y, x); all zero for volumes without a segmentation."""
        out = np.zeros((len(names), *self.grid.shape), np.uint16)
        for place, name in enumerate(names):
            if self.rows[name].has_labels:
                out[place] = self._labels[self.rows[name].row]
        return out

    def with_labels(self) -> list[str]:
        """Names of the volumes that have a segmentation."""
        return [name for name, row in self.rows.items() if row.has_labels]

    def blocks(self, size: int) -> Iterator[list[str]]:
        """The names in runs of at most `size`."""
        for start in range(0, len(self.names), size):
            yield self.names[start : start + size]

    def volume(self, name: str) -> PreparedVolume:
        """One volume for looking at.

        Raises
        ------
        DataError : the cohort has no volume of this name.
        """
        if name not in self.rows:
            raise DataError(name, f"is not in the prepared {self.cohort} cohort", "run match again")
        row = self.rows[name]
        return PreparedVolume(
            name,
            self.cohort,
            self.images([name])[0],
            self.labels([name])[0] if row.has_labels else None,
            self.grid.spacing,
            row.value_range,
            self.unit,
            row.content,
        )


class CohortWriter:
    """Write access to a prepared cohort; starts empty whenever `key` (grid and settings) is another."""

    def __init__(self, folder: Path, grid: Grid, key: str) -> None:
        self.folder, self.grid = folder, grid
        if folder.exists() and _key_of(folder) != key:
            shutil.rmtree(folder)
        self._group = zarr.open_group(folder, mode="a")
        self._group.attrs.update({"key": key, "spacing": list(grid.spacing), "axes": "z y x, LPS"})
        self.rows = read_rows(folder)
        self._next = 1 + max((row.row for row in self.rows.values()), default=-1)

    def add(
        self,
        row: Row,
        image: np.ndarray,
        labels: np.ndarray | None,
        halves: np.ndarray | None = None,
        keypoints: Keypoints | None = None,
    ) -> None:
        """Store one volume durably; an earlier row of the same name is superseded.

        `halves`: float16 (halves, voxels), see `napari_relict.volumes.halves`; the same shape for all volumes.
        """
        searched = searched_image(image, row.inverted, self.grid.spacing, row.masked)
        values = searched.astype(np.float64)
        total = float(values.sum())
        values -= total / values.size
        row = replace(row, row=self._next, total=total, spread=float((values**2).sum()))
        self._write("image", "f2", image)
        if row.apart:
            self._write("searched", "f2", searched)
        if halves is not None:
            self._write("halves", "f2", halves)
        if keypoints is not None:
            row = replace(row, keypoints=len(keypoints))
            places, descriptions = keypoints.padded()
            self._write("places", "f2", places)
            self._write("descriptions", "u1", descriptions)
        if labels is not None:
            self._write("labels", "u2", labels)
        with (self.folder / "rows.jsonl").open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(row)) + "\n")
            lines.flush()
            os.fsync(lines.fileno())
        self.rows[row.name] = row
        self._next += 1

    def _write(self, array: str, dtype: str, values: np.ndarray) -> None:
        if array not in self._group:
            self._group.create_array(
                array,
                shape=(self._next + 1, *values.shape),
                chunks=(1, *values.shape),
                dtype=dtype,
                # Images are read as fast as the disk gives them; masks shrink a hundredfold, keypoints by padding.
                compressors=BloscCodec(cname="lz4", clevel=3, shuffle="bitshuffle") if array in COMPRESSED else None,
            )
        # A chunk that is not there is damage, never "all zero"; how an array is opened says whether it may be.
        with zarr.config.set({"array.write_empty_chunks": True}):
            rows: Any = self._group[array]
        if rows.shape[0] <= self._next:
            rows.resize((self._next + 1, *values.shape))
        rows[self._next] = values.astype(dtype)
        with chunk_file(self.folder, array, self._next, values.ndim).open("rb") as chunk:
            os.fsync(chunk.fileno())  # on the disk before the line that vouches for it

    def holds(self, row: Row) -> bool:
        """True when the voxels of `row` are there."""
        arrays = ["image", *(["searched"] if row.apart else []), *(["labels"] if row.has_labels else [])]
        flat = [*(["halves"] if row.halves else []), *(["places", "descriptions"] if row.keypoints >= 0 else [])]
        files = [(array, 3) for array in arrays] + [(array, 2) for array in flat]
        return all(chunk_file(self.folder, array, row.row, axes).exists() for array, axes in files)


def chunk_file(folder: Path, array: str, row: int, axes: int = 3) -> Path:
    """The file of one row of an array whose rows have `axes` axes."""
    return folder / array / "c" / str(row) / "/".join("0" * axes)


def _key_of(folder: Path) -> str | None:
    try:
        return str(zarr.open_group(folder, mode="r").attrs["key"])
    except (KeyError, ValueError, OSError):
        return None


def read_rows(folder: Path) -> dict[str, Row]:
    """The latest row of each volume; a last line cut short by a crash is passed over."""
    rows: dict[str, Row] = {}
    path = folder / "rows.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            values = json.loads(line)
        except json.JSONDecodeError:
            continue
        values["value_range"] = tuple(values["value_range"])
        rows[values["name"]] = Row(**values)
    return rows


def _opened(folder: Path, *others: Any) -> PreparedCohort:
    """The cohort in a process it was sent to, opened once for all that is sent after it."""
    return _opened_at(folder, (folder / "rows.jsonl").stat().st_mtime_ns, *others)


@lru_cache(maxsize=8)
def _opened_at(folder: Path, changed: int, cohort: str, left_out: frozenset[str], *others: Any) -> PreparedCohort:
    rows = {name: row for name, row in read_rows(folder).items() if name not in left_out}
    return PreparedCohort(folder, cohort, rows, *others)
