"""A study of procedural heads that answers like `napari_relict.study.Study`, for tests of the viewer.

Five training patients and eight synthetic volumes (exact, noisy and mirrored copies, new heads),
all made from ellipsoids on a 48 x 56 x 48 grid. No file is touched; ratings are kept in a list of events.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from napari_relict.decisions.rated_pairs import rated_volumes
from napari_relict.quality.evaluating import COLUMNS as COLUMNS_OF_QUALITY
from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.reading.reading_list import Showing

SHAPE = (48, 56, 48)
TRAINING = [f"patient-{i:02d}" for i in range(5)]
#: synthetic name -> (training it comes from, how)
SYNTHETIC = {
    "syn-00": ("patient-00", "copy"),
    "syn-01": ("patient-01", "noise"),
    "syn-02": ("patient-02", "mirror"),
    "syn-03": ("patient-03", "new"),
    "syn-04": ("patient-04", "new"),
    "syn-05": ("patient-01", "copy"),
    "syn-06": ("patient-02", "new"),
    "syn-07": ("patient-04", "noise"),
}


COLUMNS = [
    *("reader", "round", "repeat", "synthetic", "training", "grade", "confidence", "criteria", "comment"),
    *("regions", "seconds", "order_index", "blinded", "swapped", "time"),
]


def quality_rows() -> pd.DataFrame:
    """A metric that warns, one as real, and one that was not computed."""
    known = {"floor": 4.0, "floor_low": 3.0, "floor_high": 5.0, "holdout": 4.0, "n_training": 5, "n_synthetic": 8}
    rows = [
        {"metric": "frechet", "title": "Frechet distance", "family": "fidelity", "space": "radiomics", "value": 2.0,
         "low": 1.5, "high": 2.5, "distance": -4.0, "standing": "better than real patients: look for copies"} | known,
        {"metric": "noise", "title": "Noise", "family": "appearance", "space": "", "value": 4.5, "low": 4.0,
         "high": 12.0, "distance": 1.0, "standing": "as real patients"} | known,
        {"metric": "c_t", "title": "C_T", "family": "novelty", "space": "radiomics", "standing": "not computed",
         "note": "needs a holdout of at least 8 volumes"},
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(COLUMNS_OF_QUALITY))
    return table.fillna({"note": "", "source": "a paper", "estimated_on": "features"})


@dataclass(frozen=True)
class Measure:
    name: str
    title: str
    level: str
    higher_is_closer: bool
    unit: str = ""


@dataclass(frozen=True)
class FakeVolume:
    image: np.ndarray
    labels: np.ndarray | None
    spacing: tuple[float, float, float] = (4.0, 4.0, 4.0)
    value_range: tuple[float, float] = (0.0, 1000.0)
    unit: str = ""

    def mirrored(self, beside: FakeVolume | None = None) -> FakeVolume:
        labels = None if self.labels is None else self.labels[:, :, ::-1].copy()
        return FakeVolume(self.image[:, :, ::-1].copy(), labels, self.spacing, self.value_range, self.unit)


@dataclass(frozen=True)
class NullScores:
    scores: np.ndarray
    source: str = "holdout"


def head(seed: int, noise: float = 0.0) -> FakeVolume:
    """A skull, a brain with two unequal ventricles (the left one is larger), eyes in front."""
    rng = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")

    def ball(cz: float, cy: float, cx: float, rz: float, ry: float, rx: float) -> np.ndarray:
        return ((z - cz) / rz) ** 2 + ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1

    grow = 1 + rng.uniform(-0.06, 0.06, 3)
    skull = ball(0, 0, 0, 0.85 * grow[0], 0.9 * grow[1], 0.75 * grow[2])
    inside = ball(0, 0, 0, 0.77 * grow[0], 0.82 * grow[1], 0.67 * grow[2])
    brain = ball(0.05, 0, 0, 0.7 * grow[0], 0.75 * grow[1], 0.6 * grow[2])
    left = ball(0.1, rng.uniform(-0.1, 0.2), 0.2, 0.28, 0.36, 0.14)
    right = ball(0.1, rng.uniform(-0.1, 0.2), -0.2, 0.2, 0.3, 0.08)
    eyes = ball(-0.2, -0.72, 0.3, 0.12, 0.12, 0.12) | ball(-0.2, -0.72, -0.3, 0.12, 0.12, 0.12)
    image = np.zeros(SHAPE, np.float32)
    image[skull] = 0.9
    image[inside] = 0.15
    image[brain] = 0.55 + 0.08 * np.sin(9 * (x + 0.2 * seed)[brain]) * np.cos(8 * y[brain])
    image[left | right] = 0.2
    image[eyes] = 0.7
    if noise:
        image += np.where(skull, rng.normal(0, noise, SHAPE), 0).astype(np.float32)
    labels = np.zeros(SHAPE, np.uint16)
    labels[brain] = 1
    labels[(left | right) & brain] = 2
    return FakeVolume(np.clip(image, 0, 1).astype(np.float32), labels)


@dataclass
class FakeStudy:
    """Follows the public calls of `Study` that the viewer uses."""

    with_labels: bool = True
    folder: Path = Path("fake-study")
    events: list[dict[str, Any]] = field(default_factory=list)
    volumes_loaded: list[tuple[str, str]] = field(default_factory=list)
    calibrations: int = 0
    closed: bool = False
    repeats: int = 0
    states: dict[tuple[str, str], str] = field(default_factory=dict)
    alignments: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    quality_rows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS_OF_QUALITY)))

    def __post_init__(self) -> None:
        self.settings = SimpleNamespace(
            name="Fake heads",
            modality="mr",
            alpha=0.05,
            criteria=["anatomy", "lesion", "vessels", "acquisition artefacts"],
        )
        self._matches = self._match()

    def close(self) -> None:
        self.closed = True

    def measures(self) -> list[Measure]:
        return [
            Measure("ncc", "NCC", "voxel", True),
            Measure("mse", "MSE", "voxel", False),
            Measure("mobilenet_v2", "MobileNetV2 distance", "feature", False),
            Measure("dice", "Dice", "segmentation", True),
        ]

    def _match(self) -> pd.DataFrame:
        rows = []
        for number, (synthetic, (origin, how)) in enumerate(SYNTHETIC.items()):
            close = {"copy": 0.0, "noise": 0.06, "mirror": 0.03, "new": 0.4}[how] + 0.01 * number
            others = [origin, *[name for name in TRAINING if name != origin]]
            for rank, training in enumerate(others[:3], start=1):
                far = close + 0.12 * (rank - 1)
                rows.append(
                    {
                        "synthetic": synthetic,
                        "training": training,
                        "rank": rank,
                        "rank_voxel": rank,
                        "rank_feature": rank,
                        "rank_segmentation": rank,
                        "mirrored": how == "mirror" and rank == 1,
                        "ncc": 1 - 0.5 * far,
                        "mse": 0.05 * far,
                        "mobilenet_v2": far,
                        "dice": 1 - 0.4 * far,
                    }
                )
        return pd.DataFrame(rows)

    def matches(self) -> pd.DataFrame:
        return self._matches.copy()

    def verdicts(self) -> pd.DataFrame:
        names = {
            "copy": "exact replica",
            "mirror": "exact replica",
            "noise": "near replica",
            "new": "no replica",
        }
        return pd.DataFrame(
            [
                {
                    "synthetic": s,
                    "training": t,
                    "verdict": names[how],
                    "p_value": 0.01,
                    "q_value": 0.02,
                    "probability": np.nan,
                    "evidence": "",
                    "rule": "null",
                    "p_rank": 0.01,
                }
                for s, (t, how) in SYNTHETIC.items()
            ]
        )

    def rated_volumes(self) -> pd.DataFrame:
        return rated_volumes(self._matches, self.ratings())

    def cautions(self) -> list[str]:
        return []

    def bend_between_people(self) -> None:
        return None

    def expected_errors(self) -> str:
        return ""

    def null(self, measure: str) -> NullScores:
        rng = np.random.default_rng(len(measure))
        far = np.clip(rng.normal(0.45, 0.1, 20), 0.2, None)
        scale = {"ncc": 1 - 0.5 * far, "mse": 0.05 * far, "mobilenet_v2": far, "dice": 1 - 0.4 * far}
        return NullScores(scale[measure])

    def thresholds(self) -> pd.DataFrame:
        ratings = self.ratings()
        if ratings.empty:
            return pd.DataFrame()
        merged = ratings.merge(self._matches, on=["synthetic", "training"])
        rows = []
        for measure in self.measures():
            replica = merged.grade >= 3
            if replica.all() or not replica.any():
                continue
            scores = merged[measure.name]
            threshold = (scores[replica].mean() + scores[~replica].mean()) / 2
            width = abs(scores[replica].mean() - scores[~replica].mean()) / 4
            rows.append(
                {
                    "measure": measure.name,
                    "level": measure.level,
                    "threshold": threshold,
                    "threshold_low": threshold - width,
                    "threshold_high": threshold + width,
                    "balanced_accuracy": 0.9,
                    "balanced_accuracy_low": 0.7,
                    "balanced_accuracy_high": 1.0,
                    "balanced_accuracy_corrected": 0.86,
                    "balanced_accuracy_null95": 0.78,
                    "auc": 0.95,
                    "n_rated": len(merged),
                    "n_replicas": int(replica.sum()),
                    "estimated_on": "ratings",
                    "note": "",
                }
            )
        return pd.DataFrame(rows)

    def calibrate(self) -> pd.DataFrame:
        self.calibrations += 1
        return self.thresholds()

    def volume(self, cohort: str, name: str) -> FakeVolume:
        self.volumes_loaded.append((cohort, name))
        if cohort == "training":
            volume = head(TRAINING.index(name))
        else:
            origin, how = SYNTHETIC[name]
            seed = TRAINING.index(origin)
            if how == "new":
                volume = head(100 + list(SYNTHETIC).index(name))
            else:
                volume = head(seed, noise=0.05 if how == "noise" else 0.0)
                volume = volume.mirrored() if how == "mirror" else volume
        return volume if self.with_labels else FakeVolume(volume.image, None)

    def alignment(self, synthetic: str, training: str) -> np.ndarray | None:
        return self.alignments.get((synthetic, training))

    def label_dice(self, synthetic: str, training: str) -> pd.DataFrame:
        return pd.DataFrame({"label": [1, 2], "dice": [0.95, 0.8]})

    def mirrored(self, synthetic: str, training: str) -> bool:
        row = self._matches[(self._matches.synthetic == synthetic) & (self._matches.training == training)]
        return bool(row.mirrored.any())

    def reading_list(self, reader: str, round: str = "first") -> list[Showing]:
        """All nearest pairs in the reader's order; with `repeats`, the first of them once more at the end."""
        first = self._matches[self._matches["rank"] == 1]
        chance = random.Random(hashlib.sha256(f"{reader} {round}".encode()).hexdigest())
        pairs = [(s, t) for s, t in zip(first.synthetic, first.training, strict=True)]
        chance.shuffle(pairs)
        showings = [Showing(*pair, swapped=chance.random() < 0.5) for pair in pairs]
        again = [Showing(*pair, repeat=True, swapped=chance.random() < 0.5) for pair in pairs[: self.repeats]]
        return [*showings, *again]

    def rate(
        self,
        showing: Showing,
        grade: int,
        *,
        reader: str,
        session: str,
        round: str = "first",
        confidence: int | None = None,
        criteria: Sequence[str] = (),
        comment: str = "",
        regions: Sequence[MarkedRegion] = (),
        seconds: float | None = None,
        order_index: int | None = None,
        blinded: bool = True,
    ) -> str:
        event = {
            "id": f"e{len(self.events)}",
            "kind": "rate",
            "reader": reader,
            "round": round,
            "repeat": showing.repeat,
            "session": session,
            "synthetic": showing.synthetic,
            "training": showing.training,
            "grade": grade,
            "confidence": confidence,
            "criteria": "; ".join(criteria),
            "comment": comment,
            "regions": list(regions),
            "seconds": seconds,
            "order_index": order_index,
            "blinded": blinded,
            "swapped": showing.swapped,
            "time": pd.Timestamp.now(),
        }
        self.events.append(event)
        return event["id"]

    def undo(self, *, reader: str, session: str, round: str = "first") -> Showing | None:
        undone = {event["of"] for event in self.events if event["kind"] == "undo"}
        for event in reversed(self.events):
            mine = event["kind"] == "rate" and (event["reader"], event["round"]) == (reader, round)
            if mine and event["id"] not in undone:
                self.events.append({"id": f"e{len(self.events)}", "kind": "undo", "of": event["id"], "reader": reader})
                return Showing(event["synthetic"], event["training"], event["repeat"], event["swapped"])
        return None

    def rating_events(self) -> pd.DataFrame:
        return pd.DataFrame(self.events, columns=["id", "kind", *COLUMNS])

    def standing_ratings(self) -> pd.DataFrame:
        undone = {event["of"] for event in self.events if event["kind"] == "undo"}
        kept = [e for e in self.events if e["kind"] == "rate" and e["id"] not in undone]
        frame = pd.DataFrame(kept, columns=COLUMNS)
        key = ["reader", "round", "synthetic", "training", "repeat"]
        return frame.drop_duplicates(key, keep="last", ignore_index=True)

    def ratings(self) -> pd.DataFrame:
        standing = self.standing_ratings()
        first = standing[~standing["repeat"].astype(bool)]
        return first.drop_duplicates(["reader", "synthetic", "training"], keep="last", ignore_index=True)

    def agreement(self) -> pd.DataFrame:
        columns = ["kind", "readers", "statistic", "value", "low", "high", "pairs", "method", "note"]
        return pd.DataFrame(
            [("two readers", "ana, ben", "percentage", 0.75, 0.5, 1.0, 8, "bootstrap", "")], columns=columns
        )

    def disagreements(self) -> pd.DataFrame:
        ratings = self.ratings().groupby(["synthetic", "training"])["grade"].agg(["min", "max"]).reset_index()
        apart = ratings[ratings["min"] < ratings["max"]]
        return pd.DataFrame(
            {
                "synthetic": apart["synthetic"],
                "training": apart["training"],
                "lowest": apart["min"],
                "highest": apart["max"],
                "spread": apart["max"] - apart["min"],
                "consensus": False,
                "grades": "",
            }
        )

    def contents(self) -> pd.DataFrame:
        return pd.DataFrame(columns=["cohort", "name", "patient", "content", "voxels"])

    def quality_table(self) -> pd.DataFrame:
        return self.quality_rows

    def quality(self, *, progress: Any) -> pd.DataFrame:
        for step in range(1, 4):
            progress("metrics", step, 3)
        self.quality_rows = quality_rows()
        return self.quality_rows

    def reading_state(self, reader: str, round: str) -> dict[str, Any] | None:
        kept = self.states.get((reader, round))
        return None if kept is None else json.loads(kept)

    def keep_reading_state(self, reader: str, round: str, state: dict[str, Any]) -> None:
        self.states[reader, round] = json.dumps(state)
