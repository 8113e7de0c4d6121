"""From rows of scores to the pairs worth a closer look, and to what is nearest by each measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_relict.matching.exact_top_k import ExactScores, settle
from napari_relict.matching.half_search import HalfScores
from napari_relict.matching.pairwise_alignment import Candidate, Half
from napari_relict.matching.region_verify import FoundRegion
from napari_relict.matching.regions import Region, region_scores
from napari_relict.matching.tables import Scores
from napari_relict.measures import Measure
from napari_relict.measures.registry import Level, primaries
from napari_relict.measures.segmentation import dice_per_label, mean_dice, pack_labels
from napari_relict.volumes.cohort import PreparedCohort, mirror_labels

# Measures that need no closer look of their own: what they bring up first, another one does too.
FOLLOWERS = frozenset({"mse", "volume_difference"})


@dataclass
class PairScores:
    """One query volume and one training volume.

    Attributes
    ----------
    mirrored : compared with the query's left and right exchanged.
    inverted : the two contrasts run against each other.
    alignment : 3x4 matrix row by row, grid mm of the query (mirrored where the pair is) -> grid mm of the
        training volume; empty where the pair was not aligned.
    part : the half of the query that agrees best, where halves were aligned.
    region : where the best region in common lies, where one was aligned.
    changed_at : voxel (z, y, x) of the largest local difference, where that was looked for.
    """

    cohort: str
    query: str
    training: str
    mirrored: bool
    level_ranks: dict[Level, int]
    scores: dict[str, float]
    label_dice: dict[int, float] = field(default_factory=dict)
    inverted: bool = False
    alignment: list[float] = field(default_factory=list)
    part: str = ""
    region: FoundRegion | None = None
    changed_at: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Nearest:
    """The nearest training volume of one query by one measure, and the score of the nearest of another person.

    `second` is NaN where no second one was compared.
    """

    cohort: str
    query: str
    measure: str
    training: str
    score: float
    second: float = float("nan")


@dataclass(frozen=True)
class Rows:
    """Scores of a block of queries, and who they belong to.

    Attributes
    ----------
    owners : patient of each training volume.
    persons : likewise, with patients whose volumes are duplicates of each other taken for one.
    scores, halves : (queries, training).
    regions : of each query in common with training volumes, by their place; empty where none were looked for.
    """

    patients: Mapping[tuple[str, str], str]
    owners: np.ndarray
    persons: np.ndarray
    cohort: PreparedCohort
    training: PreparedCohort
    names: Sequence[str]
    scores: Scores
    halves: HalfScores
    regions: Sequence[Mapping[int, Region]] = ()


@dataclass
class Found:
    """Candidates of one query.

    Attributes
    ----------
    pairs : all of them; `verified` are those to be aligned.
    orders : places of the training volumes by measure, nearest first, one a patient.
    best, second : score of the nearest patient by measure, and of the nearest of another person.
    """

    query: str
    pairs: list[PairScores]
    verified: list[PairScores]
    orders: dict[str, np.ndarray]
    best: dict[str, float]
    second: dict[str, float]
    halves: dict[str, Half]
    regions: dict[str, Region]

    def candidates(self, with_halves: bool) -> list[Candidate]:
        return [
            Candidate(
                pair.training,
                pair.mirrored,
                self.halves.get(pair.training) if with_halves else None,
                self.regions.get(pair.training),
            )
            for pair in self.verified
        ]


def candidates_of(
    rows: Rows,
    number: int,
    measures: Sequence[Measure],
    labels: Sequence[int],
    sides: Mapping[int, int],
    top: int,
    verified: int,
) -> Found:
    """The nearest `top` patients of one query by every searched measure, and which of them to align.

    Their NCC and MSE are exact, and so is the order that NCC and MSE put them in (see `settle`).
    """
    name, training = rows.names[number], rows.training
    allowed = rows.owners != rows.patients[(rows.cohort.cohort, name)]
    exact = ExactScores(rows.cohort, name, training)
    closeness = {
        measure.name: measure.closeness(rows.scores.columns[measure.name][number])
        for measure in measures
        if measure.name in rows.scores.columns
    }
    if any(measure.name == "half" for measure in measures):
        closeness["half"] = rows.halves.score[number]
    regions = rows.regions[number] if rows.regions else {}
    if rows.regions and any(measure.name == "region" for measure in measures):
        closeness["region"] = region_scores(regions, len(training))
    orders = {
        measure: _order(rows, number, measure, values, allowed, exact, top) for measure, values in closeness.items()
    }
    places = sorted({int(place) for order in orders.values() for place in order[:top]})
    # Of two heads alike all over, the one that a region was copied from may have fewer votes: one more is looked at.
    deep = {measure: verified + (measure == "region" and verified > 0) for measure in orders}
    leading = {
        int(place) for measure, order in orders.items() if measure not in FOLLOWERS for place in order[: deep[measure]]
    }
    ranked_by = primaries(measures)
    order_of_none = np.empty(0, np.int64)
    found = Found(name, [], [], orders, {}, {}, {}, {})
    for place in places:
        straight, flipped = exact.ncc(place)
        mirrored = flipped > straight
        other = training.names[place]
        pair = PairScores(rows.cohort.cohort, name, other, mirrored, {}, {})
        pair.inverted = rows.cohort.rows[name].inverted != training.rows[other].inverted
        for measure in measures:
            if measure.name in closeness:
                pair.scores[measure.name] = float(measure.closeness(closeness[measure.name][place]))
        pair.scores["ncc"] = max(straight, flipped)
        if "mse" in closeness:
            pair.scores["mse"] = exact.mse(place)[int(mirrored)]
        for level, measure in ranked_by.items():
            rank = _rank(orders.get(measure.name, np.empty(0, np.int64)), rows.owners, place)
            if rank is not None:
                pair.level_ranks[level] = rank
        pair.label_dice = _label_dice(rows, name, other, mirrored, labels, sides)
        found.pairs.append(pair)
        if place in leading:
            found.verified.append(pair)
        if place in orders.get("half", order_of_none)[:verified] and np.isfinite(rows.halves.score[number, place]):
            found.halves[other] = Half(int(rows.halves.half[number, place]), bool(rows.halves.mirrored[number, place]))
        if place in orders.get("region", order_of_none)[: deep.get("region", 0)]:
            found.regions[other] = regions[place]
    scored = {pair.training: pair.scores for pair in found.pairs}
    by_name = {measure.name: measure for measure in measures}
    for key, order in orders.items():
        if len(order):
            found.best[key] = scored[training.names[int(order[0])]][key]
            others = order[rows.persons[order] != rows.persons[order[0]]]
            if len(others):
                runner_up = scored.get(training.names[int(others[0])])
                # Beyond the first `top` patients, as the search saw it.
                seen = float(by_name[key].closeness(closeness[key][others[0]]))
                found.second[key] = seen if runner_up is None else runner_up[key]
    return found


def nearest_of(found: Found, rows: Rows, measures: Sequence[Measure]) -> list[Nearest]:
    """The nearest training volume by each measure; by a pair measure, the nearest of those aligned."""
    nearest = []
    person_of = dict(zip(rows.training.names, rows.persons, strict=True))
    for measure in measures:
        key = (rows.cohort.cohort, found.query, measure.name)
        if len(found.orders.get(measure.name, ())):
            other = rows.training.names[int(found.orders[measure.name][0])]
            second = found.second.get(measure.name, float("nan"))
            nearest.append(Nearest(*key, other, found.best[measure.name], second))
        elif not measure.searched:
            known = [pair for pair in found.verified if np.isfinite(pair.scores.get(measure.name, np.nan))]
            if known:
                values = np.array([pair.scores[measure.name] for pair in known])
                best = int(np.argmax(measure.closeness(values)))
                person = person_of[known[best].training]
                apart = values[[person_of[pair.training] != person for pair in known]]
                nearest.append(Nearest(*key, known[best].training, float(values[best]), measure.closest(apart)))
    return nearest


def _order(
    rows: Rows, number: int, measure: str, closeness: np.ndarray, allowed: np.ndarray, exact: ExactScores, top: int
) -> np.ndarray:
    """Training volumes from nearest to farthest, one a patient. The first `top` are certain."""
    order = _by_patient(closeness, rows.owners, allowed)
    bounds = {"ncc": rows.scores.ncc_bound, "mse": rows.scores.mse_bound}
    if measure not in bounds:
        return order

    def score(place: int) -> tuple[float, float]:
        if measure == "ncc":
            return exact.ncc(place)
        straight, flipped = exact.ncc(place)
        # MSE of the state that NCC prefers, as in every row of scores.
        nearer = -exact.mse(place)[int(flipped > straight)]
        return nearer, nearer

    certain = settle(closeness, bounds[measure][number], rows.owners, allowed, top, score).order
    known = set(rows.owners[certain].tolist())
    rest = [int(place) for place in order if rows.owners[place] not in known]
    return np.array([*certain, *rest], np.int64)


def _label_dice(
    rows: Rows, name: str, other: str, mirrored: bool, labels: Sequence[int], sides: Mapping[int, int]
) -> dict[int, float]:
    """Dice of each label that either has; of a mirrored pair with sided labels as stored or exchanged."""
    if not (labels and rows.cohort.rows[name].has_labels and rows.training.rows[other].has_labels):
        return {}
    own = rows.cohort.labels([name])
    maps = [own[..., ::-1], mirror_labels(own, sides)] if mirrored else [own]
    packed = pack_labels(rows.training.labels([other]), labels)
    dice = max(
        (dice_per_label(pack_labels(one, labels), packed) for one in maps),
        key=lambda found: float(np.nan_to_num(mean_dice(found))[0, 0]),
    )
    return {label: float(value) for label, value in zip(labels, dice[0, 0], strict=True) if np.isfinite(value)}


def _by_patient(closeness: np.ndarray, owners: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Training volumes from nearest to farthest, the nearest one of each patient only; NaN and own patient out."""
    usable = np.flatnonzero(allowed & np.isfinite(closeness))
    order = usable[np.argsort(-closeness[usable], kind="stable")]
    _, first = np.unique(owners[order], return_index=True)
    return order[np.sort(first)]


def _rank(order: np.ndarray, owners: np.ndarray, place: int) -> int | None:
    """Place of the volume's patient in `order`, from 1."""
    found = np.flatnonzero(owners[order] == owners[place]) if len(order) else np.empty(0)
    return int(found[0]) + 1 if found.size else None
