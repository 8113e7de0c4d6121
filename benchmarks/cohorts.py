"""The cohorts of the detection benchmark, as files: real heads under simulated deformation, and planted copies.

Labels come from the way a volume was made, never from a measure.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from benchmarks.copies import KINDS
from napari_relict.demo.anatomies import load_heads
from napari_relict.demo.deformation import random_field
from napari_relict.demo.operators import add_lesion
from napari_relict.demo.plan import FileStyle
from napari_relict.demo.recipes import HEAD_VARIETY
from napari_relict.demo.sample import Sample
from napari_relict.demo.simulate import scan_mr
from napari_relict.demo.writing import write_table, write_volume
from napari_relict.jobs.progress import Progress, silent
from napari_relict.segmenters.tissue import tissue_labels

STYLE = FileStyle(".nii.gz", "LPS")


@dataclass(frozen=True)
class Sizes:
    """How many volumes: of each kind of copy, of novel and related patients, and of the real cohorts."""

    training: int
    holdout: int
    novel: int
    related: int
    per_kind: int


FULL = Sizes(training=100, holdout=149, novel=60, related=30, per_kind=12)
SMALL = Sizes(training=40, holdout=59, novel=20, related=10, per_kind=4)


@dataclass(frozen=True)
class Person:
    """A simulated patient: a real anatomy and the seeds of his shape and of one scan of him."""

    anatomy: int
    patient: tuple[int, ...]
    scan: tuple[int, ...]


@dataclass(frozen=True)
class Volume:
    """One volume to make, with what is true of it."""

    name: str
    cohort: str
    person: Person
    kind: str = ""
    training: str = ""
    source: Person | None = None
    seed: tuple[int, ...] = ()


class Simulator:
    """Makes volumes of a plan; two calls with the same arguments give the same voxels."""

    def __init__(self, progress: Progress = silent) -> None:
        self.heads = load_heads(progress)

    def person(self, person: Person, related_to: Person | None = None) -> Sample:
        """One scan of a person; `related_to` shares his large-scale shape with that person (and his anatomy)."""
        patient, scan = np.random.default_rng(person.patient), np.random.default_rng(person.scan)
        shape = None
        if related_to is not None:
            half, scales = HEAD_VARIETY.half, HEAD_VARIETY.shape
            # The first scale is drawn first, so the same seed gives the relative's very large-scale shape.
            shared = random_field(np.random.default_rng(related_to.patient), half, scales[:1])
            own = random_field(patient, half, scales[1:], stretch=HEAD_VARIETY.stretch)
            shape = sitk.CompositeTransform([own, shared])
        return scan_mr(self.heads[person.anatomy], HEAD_VARIETY, patient, scan, shape=shape)

    def make(self, volume: Volume) -> Sample:
        if volume.cohort != "synthetic" or volume.kind == "novel":
            sample = self.person(volume.person)
            return self._with_lesion(sample, volume) if volume.kind == "has lesion" else sample
        if volume.kind == "related":
            return self.person(volume.person, volume.source)
        assert volume.source is not None
        stranger = self.person(volume.person) if volume.kind in ("half", "region") else None
        source = self.person(volume.source)
        rng = np.random.default_rng(volume.seed)
        return KINDS[volume.kind].make(source, stranger if stranger is not None else source, rng)

    @staticmethod
    def _with_lesion(sample: Sample, volume: Volume) -> Sample:
        return add_lesion(sample, np.random.default_rng((*volume.person.scan, 1)))


def make_plan(sizes: Sizes, seed: int, anatomies: int = 6) -> list[Volume]:
    """Who is in which cohort. Training volumes whose lesion is removed in a copy are copied in no other kind."""
    rng = np.random.default_rng((seed, 0))

    def person(group: int, number: int) -> Person:
        return Person(int(rng.integers(anatomies)), (seed, group, number), (seed, group, number, 1))

    training = [Volume(f"tr-{i:03d}", "training", person(1, i)) for i in range(sizes.training)]
    with_lesion = sizes.training // 4
    training[:with_lesion] = [
        Volume(volume.name, "training", volume.person, "has lesion") for volume in training[:with_lesion]
    ]
    holdout = [Volume(f"ho-{i:03d}", "holdout", person(2, i)) for i in range(sizes.holdout)]
    synthetic: list[Volume] = []
    wanted = ["novel"] * sizes.novel + ["related"] * sizes.related + [k for k in KINDS for _ in range(sizes.per_kind)]
    for number, (place, kind) in enumerate(zip(rng.permutation(len(wanted)), wanted, strict=True)):
        name = f"sy-{place:03d}"
        stranger = person(3, number)
        if kind == "novel":
            synthetic.append(Volume(name, "synthetic", stranger, kind))
            continue
        lesion = kind in KINDS and KINDS[kind].shows_lesion
        low, high = (0, with_lesion) if lesion else (with_lesion, sizes.training)
        source = training[int(rng.integers(low, high))]
        if kind == "related":
            stranger = Person(source.person.anatomy, stranger.patient, stranger.scan)
        synthetic.append(Volume(name, "synthetic", stranger, kind, source.name, source.person, (seed, 4, number)))
    return [*training, *holdout, *sorted(synthetic, key=lambda volume: volume.name)]


def every(plan: Sequence[Volume], step: int) -> list[Volume]:
    """All training volumes; of the holdout and of each kind of synthetic volume, every `step`-th."""
    kept, seen = [], Counter[tuple[str, str]]()
    for volume in plan:
        group = (volume.cohort, volume.kind)
        if volume.cohort == "training" or seen[group] % step == 0:
            kept.append(volume)
        seen[group] += 1
    return kept


def write_cohorts(folder: Path, plan: Sequence[Volume], progress: Progress = silent) -> None:
    """Write volumes, segmentations and truth.csv below `folder`; what is there already is kept."""
    for cohort in ("training", "holdout", "synthetic"):
        (folder / cohort).mkdir(parents=True, exist_ok=True)
        (folder / f"{cohort}-segmentations").mkdir(exist_ok=True)
    missing = [volume for volume in plan if not (folder / volume.cohort / f"{volume.name}.nii.gz").exists()]
    done = len(plan) - len(missing)
    if missing:
        simulator = Simulator(progress)

        def write(volume: Volume) -> None:
            sample = simulator.make(volume)
            write_volume(
                tissue_labels(sample.image, sample.labels),
                folder / f"{volume.cohort}-segmentations",
                volume.name,
                STYLE,
            )
            write_volume(sample.image, folder / volume.cohort, volume.name, STYLE)

        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(write, missing):
                done += 1
                progress("volumes", done, len(plan))
    rows = [(v.name, v.kind, relation_of(v.kind), v.training) for v in plan if v.cohort == "synthetic"]
    write_table(folder / "truth.csv", ("synthetic", "kind", "relation", "training"), rows)


def read_truth(folder: Path) -> list[dict[str, str]]:
    with (folder / "truth.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def relation_of(kind: str) -> str:
    return KINDS[kind].relation if kind in KINDS else "no replica"


def kinds() -> Sequence[str]:
    """Every kind of synthetic volume, novel and related ones last."""
    return [*KINDS, "related", "novel"]
