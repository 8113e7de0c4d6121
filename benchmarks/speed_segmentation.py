"""How fast the segmentation measures of a pair are against the packages people use, and that the values agree."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import SimpleITK as sitk
import torch
from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance
from monai.metrics import compute_surface_dice as compute_surface_dice_of_monai
from scipy import ndimage
from skimage.morphology import skeletonize

from napari_relict.measures.centreline import cl_dice, skeletons_of
from napari_relict.measures.segmentation import dice_per_label, pack_labels
from napari_relict.measures.surface import surface_scores, surfaces_of

Call = Callable[[], np.ndarray]
Row = dict[str, object]
SECONDS = 1.0  # spent on each timing, after one call that warms up and gives the value
SPACING = (1.5, 0.9, 0.9)
TOLERANCE_MM = 2.0
COHORT = 16  # volumes on either side where many pairs are compared at once
FIELDS = {"HD95": "hd95_mm", "ASSD": "assd_mm", "surface Dice": "surface_dice"}


@dataclass(frozen=True)
class Ours:
    """One of our measures: `prepare` is done once a volume, `call` once a pair (or for `pairs` of them at once)."""

    part: str
    prepare: Callable[[], object]
    call: Call
    pairs: int = 1
    note: str = ""


@dataclass(frozen=True)
class Peer:
    """A package; `note` says what its time leaves out and where its definition differs.

    `tolerance` is how far its values may be from ours, None where the definitions differ.
    """

    part: str
    name: str
    call: Call
    tolerance: float | None
    note: str = ""


def measure_pairs(side: int = 128, labels: int = 8) -> list[Row]:
    """One row per part and peer: milliseconds a pair of `labels` labels, the peer's over ours, largest difference.

    Everything runs on one thread. A package that is not installed has a row without numbers.

    Raises
    ------
    ValueError : a value is not the peer's.
    """
    threads = torch.get_num_threads(), sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    torch.set_num_threads(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of MONAI, about itself
            names = list(range(1, labels + 1))
            organs = organ_map(side, labels, seed=0), organ_map(side, labels, seed=1)
            vessels = vessel_map(side, shift=0), vessel_map(side, shift=1)
            rows = rows_of(ours_of_organs(*organs, names), list(peers_of_organs(*organs, names)), f"{side}³ x {labels}")
            return rows + rows_of(ours_of_vessels(*vessels), [peer_of_vessels(*vessels)], f"{side}³ x 1")
    finally:
        torch.set_num_threads(threads[0])
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads[1])


def rows_of(ours: list[Ours], peers: list[Peer], size: str) -> list[Row]:
    rows: list[Row] = []
    for mine in ours:
        value, ours_ms = mine.call(), milliseconds(mine.call) / mine.pairs
        note = f"preparation apart, {milliseconds(mine.prepare):.1f} ms a volume{mine.note}"
        for peer in peers:
            if not mine.part.startswith(peer.part):
                continue
            row: Row = {"part": mine.part, "size": size, "peer": peer.name, "ours_ms": ours_ms}
            try:
                theirs = peer.call()
            except ImportError:
                numbers: Row = {"peer_ms": None, "ratio": None, "difference": None, "note": "not installed"}
                rows.append(row | numbers)
                continue
            difference = float(np.abs(theirs - value).max()) if theirs.size else None
            if peer.tolerance is not None and (difference is None or difference > peer.tolerance):
                raise ValueError(f"{mine.part} is {difference} away from that of {peer.name}")
            peer_ms = milliseconds(peer.call)
            notes = f"ours: {note}; theirs: {peer.note}"
            rows.append(row | {"peer_ms": peer_ms, "ratio": peer_ms / ours_ms, "difference": difference, "note": notes})
    return rows


def ours_of_organs(one: np.ndarray, other: np.ndarray, labels: list[int]) -> list[Ours]:
    packed = [pack_labels(grid[None], labels) for grid in (one, other)]
    many = [pack_labels(np.repeat(grid[None], COHORT, axis=0), labels) for grid in (one, other)]
    surfaces = [surfaces_of(grid, labels, SPACING) for grid in (one, other)]

    def pack() -> object:
        return pack_labels(one[None], labels)

    def prepare() -> object:
        return surfaces_of(one, labels, SPACING)

    def of_surfaces(name: str) -> Ours:
        return Ours(
            name,
            prepare,
            lambda: getattr(surface_scores(*surfaces, TOLERANCE_MM), FIELDS[name]),
            note=", all three surface measures in one call",
        )

    return [
        Ours("Dice", pack, lambda: dice_per_label(*packed)[0, 0]),
        Ours(f"Dice, {COHORT} x {COHORT} pairs", pack, lambda: dice_per_label(*many)[0, 0], COHORT**2),
        *(of_surfaces(name) for name in FIELDS),
    ]


def ours_of_vessels(one: np.ndarray, other: np.ndarray) -> list[Ours]:
    skeletons = [skeletons_of(grid, [1]) for grid in (one, other)]
    return [Ours("clDice", lambda: skeletons_of(one, [1]), lambda: cl_dice(*skeletons))]


def peers_of_organs(one: np.ndarray, other: np.ndarray, labels: list[int]) -> Iterator[Peer]:
    """Masks, one-hot tensors and images of their own kind are made beforehand for every peer."""
    masks = [[grid == label for label in labels] for grid in (one, other)]
    hot = [torch.from_numpy(np.stack(found)[None]) for found in masks]
    floats = [found.float() for found in hot]
    images = [sitk.GetImageFromArray(grid) for grid in (one, other)]
    single = [[sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in found] for found in masks]
    for image in (*images, *single[0], *single[1]):
        image.SetSpacing(SPACING[::-1])
    monai = f"MONAI {version('monai')}"
    one_hot = "one-hot tensors at hand"

    def monai_surface(function: Callable[..., torch.Tensor], **options: object) -> Call:
        return lambda: function(*hot, include_background=True, spacing=SPACING, **options)[0].numpy()

    yield Peer("Dice", monai, lambda: compute_dice(*floats, include_background=True)[0].numpy(), 1e-6, one_hot)
    yield Peer("HD95", monai, monai_surface(compute_hausdorff_distance, percentile=95), 1e-4, one_hot)
    yield Peer("ASSD", monai, monai_surface(compute_average_surface_distance, symmetric=True), 1e-4, one_hot)
    tolerances = [TOLERANCE_MM] * len(labels)
    dice = monai_surface(compute_surface_dice_of_monai, class_thresholds=tolerances)
    yield Peer("surface Dice", monai, dice, 1e-6, one_hot)

    itk = f"SimpleITK {sitk.Version.VersionString()}"
    overlap = sitk.LabelOverlapMeasuresImageFilter()

    def itk_dice() -> np.ndarray:
        overlap.Execute(*images)
        return np.array([overlap.GetDiceCoefficient(label) for label in labels])

    farthest = sitk.HausdorffDistanceImageFilter()

    def itk_hausdorff() -> np.ndarray:
        for mask, across in zip(*single, strict=True):
            farthest.Execute(mask, across)
        return np.empty(0)

    yield Peer("Dice", itk, itk_dice, 1e-9, "label images at hand")
    yield Peer("HD95", itk, itk_hausdorff, None, "the largest distance, not the 95th percentile")

    try:
        deepmind = f"surface-distance {version('surface-distance')}"
    except PackageNotFoundError:
        deepmind = "surface-distance"

    def by_deepmind(function: str, *arguments: float) -> Call:
        def call() -> np.ndarray:
            from surface_distance import metrics

            score = getattr(metrics, function)
            found = [metrics.compute_surface_distances(a, b, SPACING) for a, b in zip(*masks, strict=True)]
            return np.array([np.mean(score(distances, *arguments)) for distances in found])

        return call

    between = "surface between voxels, weighted by its area"
    yield Peer("HD95", deepmind, by_deepmind("compute_robust_hausdorff", 95), None, between)
    yield Peer("ASSD", deepmind, by_deepmind("compute_average_surface_distance"), None, f"{between}, mean of two means")
    surface_dice = by_deepmind("compute_surface_dice_at_tolerance", TOLERANCE_MM)
    yield Peer("surface Dice", deepmind, surface_dice, None, between)


def peer_of_vessels(one: np.ndarray, other: np.ndarray) -> Peer:
    """As in the authors' repository: both masks are thinned for every pair."""
    a, b = one == 1, other == 1

    def call() -> np.ndarray:
        line, across = skeletonize(a), skeletonize(b)
        precision, sensitivity = (line & b).sum() / line.sum(), (across & a).sum() / across.sum()
        return np.array([2 * precision * sensitivity / (precision + sensitivity)])

    return Peer("clDice", f"scikit-image {version('scikit-image')}", call, 1e-12, "both thinned for every pair")


def organ_map(side: int, labels: int, seed: int) -> np.ndarray:
    """uint16 (side, side, side): the same ellipsoids for every seed, differently bent."""
    places, bends = np.random.default_rng(0), np.random.default_rng(seed)
    where = list(np.meshgrid(*[np.arange(side, dtype=np.float32)] * 3, indexing="ij"))
    for axis in range(3):
        field = ndimage.gaussian_filter(bends.standard_normal((side,) * 3).astype(np.float32), side / 16)
        where[axis] += side / 40 * field / field.std()
    grid = np.zeros((side,) * 3, np.uint16)
    for label in range(1, labels + 1):
        centre, radii = places.uniform(0.25, 0.75, 3) * side, places.uniform(0.08, 0.2, 3) * side
        grid[sum(((x - c) / r) ** 2 for x, c, r in zip(where, centre, radii, strict=True)) < 1] = label
    return grid


def vessel_map(side: int, shift: int) -> np.ndarray:
    """uint16 (side, side, side): six winding vessels, moved by `shift` voxels."""
    random = np.random.default_rng(0)
    t = np.linspace(0, 1, 8 * side)
    away = np.ones((side,) * 3, bool)
    for _ in range(6):
        start, end, swing = random.uniform(0.1, 0.9, 3), random.uniform(0.1, 0.9, 3), random.uniform(0, 0.08, 3)
        path = start + (end - start) * t[:, None] + swing * np.sin(random.uniform(4, 9) * t)[:, None]
        z, y, x = np.clip(path * side + shift, 3, side - 4).astype(int).T
        away[z, y, x] = False
    return (ndimage.distance_transform_edt(away) <= side / 50).astype(np.uint16)


def milliseconds(call: Callable[[], object]) -> float:
    """Median time of one call, over as many as fit into `SECONDS`."""
    took: list[float] = []
    end = time.perf_counter() + SECONDS
    while not took or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return 1000 * float(np.median(took))


if __name__ == "__main__":
    for row in measure_pairs():
        print(*(f"{value:.4g}" if isinstance(value, float) else value for value in row.values()), sep=" | ")
