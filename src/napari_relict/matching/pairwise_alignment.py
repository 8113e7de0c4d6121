"""Candidates registered pair by pair, and every measure that needs two aligned volumes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from napari_relict.matching.region_verify import FoundRegion, compare_region
from napari_relict.matching.regions import Region
from napari_relict.measures.centreline import cl_dice, skeletons_of
from napari_relict.measures.change import Change, find_change
from napari_relict.measures.deformation import deform
from napari_relict.measures.information import normalised_mutual_information
from napari_relict.measures.lesions import lesions_of, match_lesions
from napari_relict.measures.registration import KINDS, Alignment, Engine, align
from napari_relict.measures.shape import centroid_distance, shapes_of
from napari_relict.measures.ssim import ms_ssim, ssim
from napari_relict.measures.surface import Surfaces, surface_scores, surfaces_of
from napari_relict.measures.tiles import tile_scores
from napari_relict.measures.voxel import psnr
from napari_relict.registration import Pyramid, Registered, register
from napari_relict.volumes.affines import MIRROR, from_rows, grid_points, resampled, rows_of
from napari_relict.volumes.cohort import PreparedCohort, mirror_labels
from napari_relict.volumes.grid import Grid
from napari_relict.volumes.halves import HALVES, MIRRORED
from napari_relict.volumes.pose import body_of, foreground

EDGE_MM = 6.0  # beyond the fields of view and the body's surface by less than this, volumes are not compared
SAME_STATE = 0.01  # of the correlation by which the other mirror state has to be better than the one searched by
SURFACE_LABELS = frozenset({"surface_dice", "hd95", "assd"})
WHOLE = frozenset({"aligned_ncc", "nmi", "ssim", "ms_ssim", "psnr", "tile_rmse", "copied_share"})
ON_LABELS = SURFACE_LABELS | {"cl_dice", "centroid_distance", "lesion_f1"}


@dataclass(frozen=True)
class Half:
    """A half to compare: its index in `HALVES`, and whether the query's mirror image is meant."""

    half: int
    mirrored: bool


@dataclass(frozen=True)
class Candidate:
    """A training volume to compare one query with.

    Attributes
    ----------
    mirrored : the query's mirror image agrees better as a whole.
    half : the half that agrees best; None leaves halves out.
    region : likewise, the region.
    """

    training: str
    mirrored: bool
    half: Half | None
    region: Region | None = None


@dataclass(frozen=True)
class Task:
    """One query and its candidates; travels to the worker.

    Attributes
    ----------
    measures : names of the pair measures wanted.
    labels, sides : label values, and which of them exchange places in a mirror.
    changes : whether to say how the nearest candidate was changed.
    deformable : bend each aligned pair a little before it is compared; how it was changed is told without.
    engine : of the linear alignment.
    """

    cohort: PreparedCohort
    query: str
    training: PreparedCohort
    candidates: Sequence[Candidate]
    measures: Collection[str]
    labels: Sequence[int]
    sides: Mapping[int, int]
    alignment: Alignment
    tolerance_mm: float
    changes: bool
    deformable: bool = False
    engine: Engine = "gauss-newton"


@dataclass(frozen=True)
class Verified:
    """What comparing one aligned pair gave.

    Attributes
    ----------
    alignment : 3x4 matrix row by row, mm on the grid of the query (mirrored where the pair is) -> mm on the
        training volume's.
    part : where the best half lies, in the query's own left and right.
    region : where the best region lies, likewise.
    change : how the pair differs, where it was asked for.
    mirrored : the query's mirror image is what lies on the candidate.
    inverted : the two contrasts run against each other.
    """

    scores: dict[str, float] = field(default_factory=dict)
    alignment: list[float] = field(default_factory=list)
    part: str = ""
    region: FoundRegion | None = None
    change: Change | None = None
    mirrored: bool = False
    inverted: bool = False


@dataclass(frozen=True)
class _Side:
    """A volume as it is compared: natural and searched contrast, where it was seen, where the body is."""

    image: np.ndarray
    searched: np.ndarray
    seen: np.ndarray
    labels: np.ndarray | None
    spacing: tuple[float, float, float]
    masked: bool = False  # the body alone counts

    @cached_property
    def body(self) -> np.ndarray:
        return body_of(self.image) if self.masked else foreground(self.image)

    @cached_property
    def pyramid(self) -> Pyramid:
        return Pyramid(self.searched, self.spacing, self.seen)

    def surfaces(self, labels: Sequence[int], spacing: Sequence[float]) -> Surfaces:
        """Made once: a query is compared with several training volumes."""
        if "_surfaces" not in self.__dict__:
            self.__dict__["_surfaces"] = surfaces_of(np.asarray(self.labels), labels, spacing)
        kept: Surfaces = self.__dict__["_surfaces"]
        return kept

    def mirrored(self, sides: Mapping[int, int]) -> _Side:
        labels = None if self.labels is None else mirror_labels(self.labels, sides)
        image, searched, seen = (np.ascontiguousarray(v[..., ::-1]) for v in (self.image, self.searched, self.seen))
        return _Side(image, searched, seen, labels, self.spacing, self.masked)


class _States:
    """The query as it is and mirrored; its mirror image is made when it is first asked for."""

    def __init__(self, query: _Side, sides: Mapping[int, int]) -> None:
        self._sides, self._made = sides, {False: query}

    def __getitem__(self, mirrored: bool) -> _Side:
        if mirrored not in self._made:
            self._made[mirrored] = self._made[False].mirrored(self._sides)
        return self._made[mirrored]


def verify(task: Task) -> list[Verified]:
    """Align and compare one query with each of its candidates, in their order.

    Answers are kept between runs: when they change, raise `RECIPE` in `verified_cache.py`.
    """
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    wanted = set(task.measures)
    states = _States(_side(task.cohort, task.query, bool(wanted & ON_LABELS)), task.sides)
    found = [_pair(task, states, candidate, wanted) for candidate in task.candidates]
    if task.changes and found:
        nearest = max(range(len(found)), key=lambda i: np.nan_to_num(found[i].scores.get("nmi", np.nan), nan=-1.0))
        one = found[nearest]
        change = _change(task, states[one.mirrored], one, task.candidates[nearest])
        told = {"bend": change.bend_mm, "lesion": change.lesion}
        scores = one.scores | {name: value for name, value in told.items() if name in wanted}
        found[nearest] = replace(one, scores=scores, change=change)
    return found


def _side(cohort: PreparedCohort, name: str, labels: bool) -> _Side:
    image = cohort.images([name])[0]
    searched = cohort.images([name], searched=True)[0] if cohort.rows[name].apart else image
    maps = cohort.labels([name])[0] if labels and cohort.rows[name].has_labels else None
    return _Side(image, searched, cohort.field_of_view(name), maps, cohort.grid.spacing, cohort.rows[name].masked)


def _pair(task: Task, states: _States, candidate: Candidate, wanted: set[str]) -> Verified:
    grid = task.training.grid
    other = _side(task.training, candidate.training, states[False].labels is not None)
    mirrored, matrix = _registered(task, states, other, candidate)
    query = states[mirrored]
    inverted = task.cohort.rows[task.query].inverted != task.training.rows[candidate.training].inverted
    if inverted:  # what was turned over is only roughly the other contrast
        inverted, matrix = _by_contrast(task, query, other, matrix)
    way: np.ndarray | sitk.Transform = matrix
    if task.deformable and wanted & (WHOLE | ON_LABELS):
        way = deform(
            query.image, other.image, grid, matrix, fixed_mask=query.seen & query.body, moving_mask=other.seen,
            contrasts_differ=inverted,
        )  # fmt: skip
    scores = _whole(query, other, grid, way, wanted)
    if query.labels is not None and other.labels is not None and wanted & ON_LABELS:
        moved = resampled(other.labels, grid, way, nearest=True)
        scores |= _on_labels(query, moved, grid, task, wanted)
    part = ""
    if "half_ncc" in wanted and candidate.half is not None:
        scores["half_ncc"] = _half(task, states[candidate.half.mirrored], other, candidate)
        name = HALVES[candidate.half.half]
        part = MIRRORED.get(name, name) if candidate.half.mirrored else name
    region = None
    if "region_ncc" in wanted and candidate.region is not None:
        state = states[candidate.region.mirrored]
        region = compare_region(state.searched, state.seen, other.searched, other.seen, grid, candidate.region)
        scores["region_ncc"] = region.fisher_z
    return Verified(scores, rows_of(matrix), part, region, mirrored=mirrored, inverted=inverted)


def _registered(task: Task, states: _States, other: _Side, candidate: Candidate) -> tuple[bool, np.ndarray]:
    """Whether the query is mirrored, and the transform onto the candidate: the best that the proposals lead to.

    One pose for all can go wrong, and so can the files: both are starts, in both mirror states, and the registered
    pair decides.
    """
    if task.engine == "simpleitk":
        query = states[candidate.mirrored]
        matrix = align(
            query.searched, other.searched, task.training.grid, fixed_mask=query.seen, moving_mask=other.seen,
            kind=task.alignment, engine="simpleitk",
        )  # fmt: skip
        return candidate.mirrored, matrix
    kind = KINDS[task.alignment]
    posed, lying = np.eye(4), _as_the_files_lie(task, candidate)
    coarsest, *finer = [f for f in states[False].pyramid.factors if f in other.pyramid.factors]
    best: dict[bool, Registered] = {}
    for mirrored, starts in ((False, [posed, lying]), (True, [posed])):
        fixed = states[mirrored].pyramid
        best[mirrored] = register(fixed, other.pyramid, starts=starts, kind=kind, factors=[coarsest])
        if len(finer) > 1:
            start = best[mirrored].matrix
            best[mirrored] = register(fixed, other.pyramid, starts=[start], kind=kind, factors=finer[:1])
    margin = SAME_STATE if candidate.mirrored else -SAME_STATE
    mirrored = best[True].worth + margin > best[False].worth
    start = best[mirrored].matrix
    return mirrored, register(
        states[mirrored].pyramid, other.pyramid, starts=[start], kind=kind, factors=finer[1:] or finer or [coarsest]
    ).matrix


def _as_the_files_lie(task: Task, candidate: Candidate) -> np.ndarray:
    """Grid mm of the query -> grid mm of the candidate, one file laid onto the other by their headers."""
    query, training = task.cohort.rows[task.query], task.training.rows[candidate.training]
    return np.asarray(np.linalg.inv(from_rows(training.pose)) @ from_rows(query.pose))


def _by_contrast(task: Task, query: _Side, other: _Side, matrix: np.ndarray) -> tuple[bool, np.ndarray]:
    """Whether the contrast of two registered volumes is inverted after all, and the transform that suits them better.

    Where both agree better as they are, the pose was mistaken when it took one of them for turned over.
    """
    grid = task.training.grid
    masks = {"fixed_mask": query.seen, "moving_mask": other.seen}
    ways = [
        align(query.image, other.image, grid, start=start, kind=task.alignment, contrasts_differ=differ,
              engine=task.engine, **masks)
        for start, differ in ((matrix, True), (matrix, False), (np.eye(4), False))
    ]  # fmt: skip
    # There are many optima, and most of them are no better than where it began.
    matrix = max((matrix, *ways), key=lambda one: _whole(query, other, grid, one, {"nmi"})["nmi"])
    both = query.seen & query.body & (resampled(other.seen.astype(np.float32), grid, matrix) > 0.5)
    if not both.any():
        return True, matrix
    return _ncc(query.image[both], resampled(other.image, grid, matrix)[both]) < 0, matrix


def _whole(
    query: _Side, other: _Side, grid: Grid, way: np.ndarray | sitk.Transform, wanted: set[str]
) -> dict[str, float]:
    """Measures of the two whole volumes, where both were seen and the query shows its body."""
    moved = resampled(other.image, grid, way)
    both = query.seen & (resampled(other.seen.astype(np.float32), grid, way) > 0.5)
    margin = max(1, round(EDGE_MM / float(np.mean(grid.spacing)) / 2))
    body = ndimage.binary_dilation(query.body, iterations=margin) & both
    counted = body if query.masked else both
    scores: dict[str, float] = {}
    if not body.any():
        return dict.fromkeys(wanted & WHOLE, float("nan"))
    if "aligned_ncc" in wanted:
        scores["aligned_ncc"] = _ncc(query.searched[counted], resampled(other.searched, grid, way)[counted])
    if "nmi" in wanted:
        scores["nmi"] = normalised_mutual_information(query.image, moved, mask=body)
    if "ssim" in wanted:
        scores["ssim"] = ssim(query.image, moved, mask=body)
    if "ms_ssim" in wanted:
        scores["ms_ssim"] = ms_ssim(np.where(counted, query.image, 0), np.where(counted, moved, 0))
    if "psnr" in wanted:
        scores["psnr"] = float(psnr(np.mean((query.image[counted].astype(np.float64) - moved[counted]) ** 2)))
    if wanted & {"tile_rmse", "copied_share"}:
        tiles = tile_scores(query.image, moved, body)
        scores |= {"tile_rmse": tiles.worst_rmse, "copied_share": tiles.copied_share}
    return {name: value for name, value in scores.items() if name in wanted}


def _half(task: Task, query: _Side, other: _Side, candidate: Candidate) -> float:
    """NCC of the best half, registered by itself from where posing the halves put them."""
    assert candidate.half is not None
    grid, half = task.training.grid, candidate.half.half
    own = HALVES.index(MIRRORED.get(HALVES[half], HALVES[half])) if candidate.half.mirrored else half
    ours = from_rows(task.cohort.rows[task.query].halves[own])
    if candidate.half.mirrored:
        ours = MIRROR @ ours @ MIRROR
    theirs = from_rows(task.training.rows[candidate.training].halves[half])
    inside = query.seen & _half_box(grid, np.linalg.inv(ours), half)
    start = theirs @ np.linalg.inv(ours)
    if task.engine == "simpleitk":
        matrix = align(
            query.searched, other.searched, grid, fixed_mask=inside, moving_mask=other.seen, start=start,
            kind=task.alignment, engine="simpleitk",
        )  # fmt: skip
    else:
        onto = query.pyramid.with_mask(inside)
        matrix = register(onto, other.pyramid, starts=[start], kind=KINDS[task.alignment], factors=(2, 1)).matrix
    both = inside & (resampled(other.seen.astype(np.float32), grid, matrix) > 0.5)
    both &= ndimage.binary_dilation(foreground(query.searched), iterations=2)
    return _ncc(query.searched[both], resampled(other.searched, grid, matrix)[both]) if both.any() else float("nan")


def _half_box(grid: Grid, to_half: np.ndarray, half: int) -> np.ndarray:
    """Voxels of the grid that lie in the named half of the half's own frame."""
    x, y, z = grid_points(grid)
    axis = {"lower": 2, "upper": 2, "front": 1, "back": 1, "right": 0, "left": 0}[HALVES[half]]
    row = to_half[axis]
    along = row[0] * x + row[1] * y + row[2] * z + row[3]
    return np.asarray(along < 0 if HALVES[half] in ("lower", "front", "right") else along >= 0)


def _on_labels(query: _Side, theirs: np.ndarray, grid: Grid, task: Task, wanted: set[str]) -> dict[str, float]:
    """Means over the labels that either volume has, after alignment."""
    assert query.labels is not None
    ours, labels = query.labels, list(task.labels)
    scores: dict[str, float] = {}
    if wanted & SURFACE_LABELS:
        surfaces = surface_scores(
            query.surfaces(labels, grid.spacing), surfaces_of(theirs, labels, grid.spacing), task.tolerance_mm
        )
        scores["surface_dice"] = _mean(surfaces.surface_dice)
        scores["hd95"], scores["assd"] = _mean(surfaces.hd95_mm), _mean(surfaces.assd_mm)
    if "cl_dice" in wanted:
        scores["cl_dice"] = _mean(cl_dice(skeletons_of(ours, labels), skeletons_of(theirs, labels)))
    if "lesion_f1" in wanted:
        both = [(lesions_of(ours, label), lesions_of(theirs, label)) for label in labels]
        scores["lesion_f1"] = _mean(np.array([match_lesions(*pair).f1 for pair in both]))
    if "centroid_distance" in wanted:
        shapes = [shapes_of(one, labels, grid.spacing) for one in (ours, theirs)]
        scores["centroid_distance"] = _mean(centroid_distance(*shapes))
    return {name: value for name, value in scores.items() if name in wanted}


def _change(task: Task, query: _Side, verified: Verified, candidate: Candidate) -> Change:
    grid = task.training.grid
    matrix = from_rows(verified.alignment)
    other = _side(task.training, candidate.training, False)
    moved = resampled(other.image, grid, matrix)
    both = query.seen & (resampled(other.seen.astype(np.float32), grid, matrix) > 0.5)
    edge = max(1, round(EDGE_MM / float(np.mean(grid.spacing))))
    body = foreground(query.searched) & foreground(resampled(other.searched, grid, matrix))
    # Beyond the field of view lies nothing: the volume's own edge is no edge of the field of view.
    body &= ndimage.binary_erosion(both, iterations=edge, border_value=1)
    return find_change(query.image, moved, body, grid.spacing)


def _ncc(one: np.ndarray, other: np.ndarray) -> float:
    a, b = one.astype(np.float64), other.astype(np.float64)
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / norm) if norm > 0 else 0.0


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
