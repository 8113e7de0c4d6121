"""Real volumes of a study altered with known strength, and what describes them before and after."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_relict.encoders import Encoder, open_encoder
from napari_relict.errors import DataError
from napari_relict.experiments.quality import Gathered
from napari_relict.jobs.executors import Workforce
from napari_relict.quality.alterations import ALTERATIONS, Alteration, Subject
from napari_relict.quality.alterations.registry import PLANTED
from napari_relict.quality.alterations.structures import deepest_label
from napari_relict.quality.descriptors import Description, describe, halved
from napari_relict.quality.drawing import FEWEST, deal
from napari_relict.records.settings import Settings


@dataclass(frozen=True, eq=False)
class Made:
    """A cohort of volumes and what describes them.

    Attributes
    ----------
    images : numpy.ndarray of shape (volumes, z, y, x)
        0 to 1.
    descriptions : sequence of Description
        One a volume.
    vectors : mapping of str to numpy.ndarray
        By encoder, (volumes, features).
    voxels : numpy.ndarray of shape (volumes, voxels)
        At half the grid's resolution.
    labels : numpy.ndarray of shape (volumes, z, y, x) or None
        None where not every volume has a segmentation.
    """

    images: np.ndarray
    descriptions: Sequence[Description]
    vectors: Mapping[str, np.ndarray]
    voxels: np.ndarray
    labels: np.ndarray | None

    def take(self, places: Sequence[int] | np.ndarray) -> Made:
        """Take some of its volumes, in the order given.

        Parameters
        ----------
        places : sequence of int or numpy.ndarray of shape (n,)
            Of the volumes.

        Returns
        -------
        Made
            Those volumes.
        """
        places = np.asarray(places, int)
        return Made(
            self.images[places],
            [self.descriptions[place] for place in places],
            {name: rows[places] for name, rows in self.vectors.items()},
            self.voxels[places],
            None if self.labels is None else self.labels[places],
        )

    def joined(self, other: Made) -> Made:
        """Join it with another cohort.

        Parameters
        ----------
        other : Made
            Comes behind it.

        Returns
        -------
        Made
            Both.
        """
        return Made(
            np.concatenate([self.images, other.images]),
            [*self.descriptions, *other.descriptions],
            {name: np.concatenate([rows, other.vectors[name]]) for name, rows in self.vectors.items()},
            np.concatenate([self.voxels, other.voxels]),
            None if self.labels is None or other.labels is None else np.concatenate([self.labels, other.labels]),
        )


class Altering:
    """Which volumes of a study are altered, and the cohorts they make before and after.

    Parameters
    ----------
    found : Gathered
        What metrics look at.
    settings : Settings
        Of the study.
    folder : pathlib.Path
        Of the study.
    force : Workforce
        Who does the work.
    few : int
        How many volumes are altered one by one.
    seed : int
        Of everything that is drawn.

    Attributes
    ----------
    few, many, training, holdout, largest : numpy.ndarray of int
        Places in the pool of volumes that are altered one by one or as a cohort, of the training set, of what is left
        as a holdout, and of those that take others' place where the cohort shifts.
    label : int or None
        Of the structure that is enlarged and mirrored; None where not every altered volume has a segmentation.
    notes : list of str
        What had to be left out, in words.

    Raises
    ------
    DataError
        Too few volumes to alter.
    """

    def __init__(
        self, found: Gathered, settings: Settings, folder: Path, force: Workforce, few: int, seed: int
    ) -> None:
        self.found, self.settings, self.force, self.seed = found, settings, force, seed
        self.notes: list[str] = []
        pool = found.pool
        holdout, training = pool.places("holdout"), pool.places("training")
        random = np.random.default_rng([seed, 6])
        if len(holdout) >= 2 * FEWEST:
            (self.many,) = deal(pool, holdout, [len(holdout) // 2], random)
            self.training, rest = training, np.setdiff1d(holdout, self.many)
        else:
            (self.many,) = deal(pool, training, [len(training) // 2], random)
            self.training, rest = np.setdiff1d(training, self.many), np.array([], int)
            # A patient's volumes must not stand on both sides.
            self.training = self.training[~np.isin(pool.codes[self.training], pool.codes[self.many])]
        if min(len(self.many), len(self.training)) < 2 * FEWEST:
            raise DataError("quality-study", f"{len(self.many)} volumes to alter", f"takes {2 * FEWEST}")
        # The largest of the rest take the place of others where the cohort shifts, and are no holdout then.
        order = rest[np.argsort([-self._tissue(place) for place in rest], kind="stable")]
        enough = len(order) // 2 >= FEWEST
        self.largest = order[: len(order) // 2 if enough else 0]
        self.holdout = rest[~np.isin(pool.codes[rest], pool.codes[self.largest])]
        self.few = self.many[:few]
        self.encoders: list[Encoder] = []
        for name in found.vectors:
            table = settings.encoders.get(name, {})
            self.encoders.append(open_encoder(name, table, folder=folder, ct_window=settings.hounsfield))
        labels = [self._labels(place) for place in self.few]
        present = [segmentation for segmentation in labels if segmentation is not None]
        self.label = deepest_label(present[:8], settings.grid.spacing) if len(present) == len(labels) else None
        if self.label is None:
            self.notes.append("local alterations left out: they need segmentations of all altered volumes")
        if not len(self.largest):
            self.notes.append("the shift to larger patients left out: it needs a larger holdout")
        self._made: dict[str, Made] = {}

    @property
    def possible(self) -> list[Alteration]:
        """Alterations that these volumes allow."""
        return [
            alteration
            for alteration in ALTERATIONS.values()
            if not (alteration.kind == "local" and self.label is None)
            and not (alteration.name == "shift" and not len(self.largest))
        ]

    def cohorts(self, alteration: Alteration, strength: float) -> tuple[Made, Made, float]:
        """Make the cohorts before and after an alteration.

        Parameters
        ----------
        alteration : Alteration
            What is done.
        strength : float
            How much of it.

        Returns
        -------
        tuple of (Made, Made, float)
            Before, after, and the strength that could be made.
        """
        if alteration.kind == "cohort":
            # There are not enough large patients to replace more than so many.
            places = self.few[: len(self.largest)] if alteration.name == "shift" else self.many
            before = self.unaltered(f"first {len(places)}", places)
            return before, *self._other_cohort(alteration, strength, before)
        before = self._planted(alteration)
        return before, *self._altered(alteration, strength, before)

    def unaltered(self, name: str, places: np.ndarray) -> Made:
        """Read volumes as they are; once for each name.

        Parameters
        ----------
        name : str
            Of this cohort.
        places : numpy.ndarray of shape (n,)
            In the pool.

        Returns
        -------
        Made
            The cohort.
        """
        if name not in self._made:
            self._made[name] = Made(
                np.stack([self.found.image(place) for place in places]) if len(places) else np.empty((0, 0, 0, 0)),
                [self.found.descriptions[place] for place in places],
                {encoder: rows[places] for encoder, rows in self.found.vectors.items()},
                self.found.voxels[places],
                stacked([self._labels(place) for place in places]),
            )
        return self._made[name]

    def _planted(self, alteration: Alteration) -> Made:
        """Make the volumes that are altered, with what is planted in them beforehand."""
        if not alteration.base:
            return self.unaltered(f"first {len(self.few)}", self.few)
        if alteration.base not in self._made:
            self._made[alteration.base] = self._describe(self._planted_subjects(alteration))
        return self._made[alteration.base]

    def _planted_subjects(self, alteration: Alteration) -> list[Subject]:
        spacing = self.settings.grid.spacing
        subjects = [Subject(self.found.image(place), self._labels(place), spacing) for place in self.few]
        if not alteration.base:
            return subjects
        plant = PLANTED[alteration.base]
        return [plant(subject, self._random(alteration.base, place)) for place, subject in enumerate(subjects)]

    def _altered(self, alteration: Alteration, strength: float, before: Made) -> tuple[Made, float]:
        make = alteration.make
        assert make is not None
        subjects = self._planted_subjects(alteration)
        label = self.label or 0

        def one(place: int) -> Subject:
            # The same generator at every strength: a stronger one is the same noise, only more of it.
            return make(subjects[place], strength, label, self._random(alteration.name, place))

        if not alteration.by_share:
            return self._describe(list(self.force.in_order(one, range(len(subjects))))), strength
        name = f"all:{alteration.name}"
        if name not in self._made:
            self._made[name] = self._describe(list(self.force.in_order(one, range(len(subjects)))))
        count = max(1, round(strength * len(subjects)))
        chosen = self._random(alteration.name, 0).permutation(len(subjects))[:count]
        places = np.arange(len(subjects))
        places[chosen] += len(subjects)
        return before.joined(self._made[name]).take(places), count / len(subjects)

    def _other_cohort(self, alteration: Alteration, strength: float, before: Made) -> tuple[Made, float]:
        """Replace some volumes: by training volumes, by larger patients, or by one of the others."""
        volumes = len(before.images)
        random = self._random(alteration.name, 0)
        replaced = random.permutation(volumes)
        if alteration.name == "copied":
            others = self.unaltered("training", self.training)
            order = random.permutation(len(self.training))
        elif alteration.name == "shift":
            others = self.unaltered("largest", self.largest)
            order = np.arange(len(self.largest))
        else:
            others, order = before, np.full(volumes, replaced[-1])
        count = min(max(1, round(strength * volumes)), len(order))
        places = np.arange(volumes)
        places[replaced[:count]] = volumes + order[:count]
        return before.joined(others).take(places), count / volumes

    def _describe(self, subjects: Sequence[Subject]) -> Made:
        images = np.stack([subject.image for subject in subjects])
        values = self.found.values

        def one(subject: Subject) -> Description:
            return describe(subject.image, subject.labels if values else None, values, subject.spacing)

        descriptions = list(self.force.in_order(one, subjects))
        voxels = np.stack([halved(image).ravel() for image in images])
        labels = stacked([subject.labels for subject in subjects])
        return Made(images, descriptions, self._encode(images), voxels, labels)

    def _encode(self, images: np.ndarray) -> dict[str, np.ndarray]:
        spacing = self.settings.grid.spacing
        return {
            encoder.name: np.stack([encoder.encode(np.asarray(image, np.float32), spacing) for image in images])
            for encoder in self.encoders
        }

    def _labels(self, place: int) -> np.ndarray | None:
        volume = self.found.volumes.iloc[place]
        cohort = self.found.cohorts[volume["cohort"]]
        return cohort.labels([volume["name"]])[0] if cohort.rows[volume["name"]].has_labels else None

    def _tissue(self, place: int) -> float:
        """Share of the grid that is tissue: how large a patient is."""
        return float((self.found.voxels[place] > 0.1).mean())

    def _random(self, name: str, place: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, int(hashlib.sha256(name.encode()).hexdigest()[:8], 16), place])


def stacked(labels: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """Stack labels.

    Parameters
    ----------
    labels : sequence of numpy.ndarray of shape (z, y, x) or None
        Each; None for a volume without.

    Returns
    -------
    numpy.ndarray of shape (volumes, z, y, x) or None
        None where any volume has no labels, or there are no volumes.
    """
    present = [segmentation for segmentation in labels if segmentation is not None]
    return np.stack(present) if present and len(present) == len(labels) else None
