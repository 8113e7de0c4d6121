"""A downstream segmentation task beside a quality study: one small file for each alteration and strength."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.errors import disk_faults
from napari_relict.experiments.altered_cohorts import Altering, Made
from napari_relict.files.json_cache import keep, read_kept
from napari_relict.jobs.progress import Progress
from napari_relict.quality.alterations import Alteration
from napari_relict.quality.downstream import BATCH, LONGEST, STEPS, TASKS, coarse, dice, trained_segmenter
from napari_relict.quality.sensitivity import worse

REAL = 24  # real volumes at most, that segmenters are tested on, or trained on in the reverse
DEALS = 4  # of real patients in the place of the altered ones: how much Dice differs anyway
VERSION = 2


class Downstream:
    """Trains segmenters on cohorts before and after, and one on real volumes.

    Parameters
    ----------
    altering : Altering
        The volumes before and after.
    key : str
        Of all that the altered volumes depend on.
    """

    def __init__(self, altering: Altering, key: str) -> None:
        self._altering, self._seed = altering, altering.seed
        what = [VERSION, key, LONGEST, STEPS, BATCH, REAL, DEALS]
        self._key = hashlib.sha256(repr(what).encode()).hexdigest()
        self._values = altering.found.values
        self._known: dict[str, tuple[float, float]] = {}
        self._spreads: tuple[float, float] | None = None
        self._reals: tuple[np.ndarray, np.ndarray] | None = None
        self._of_real: Any = None

    @property
    def possible(self) -> bool:
        """Whether all volumes have segmentations."""
        return bool(self._values) and self._altering.label is not None

    def rows(self, plan: Sequence[tuple[Alteration, float]], folder: Path, progress: Progress) -> list[dict[str, Any]]:
        """Train and test segmenters, and keep what came of it.

        Parameters
        ----------
        plan : sequence of tuple of (Alteration, float)
            Alterations with their strengths.
        folder : pathlib.Path
            Where results are kept.
        progress : Progress
            Told of every finished step; may raise `Cancelled`.

        Returns
        -------
        list of dict of str to object
            Rows of `sensitivity.COLUMNS`, two for each alteration and strength.
        """
        with disk_faults(folder):
            folder.mkdir(parents=True, exist_ok=True)
        rows: list[dict[str, Any]] = []
        for done, (alteration, strength) in enumerate(plan, start=1):
            file = folder / f"{alteration.name}-{strength:.3g}.json"
            kept = read_kept(file, self._key) or keep(file, self._key, rows=self._row(alteration, strength))
            rows += kept["rows"]
            progress("downstream task", done, len(plan))
        return rows

    def _row(self, alteration: Alteration, strength: float) -> list[dict[str, Any]]:
        altering = self._altering
        before, after, made = altering.cohorts(alteration, strength)
        rows = []
        for task, dice_before, dice_after, spread in zip(
            TASKS, self._scores(before), self._scores(after), self._spread(), strict=True
        ):
            change = dice_after - dice_before
            sensitivity = change / spread if spread > 0 else np.nan
            rows.append(
                {
                    "alteration": alteration.name,
                    "words": alteration.title,
                    "kind": alteration.kind,
                    "strength": made,
                    "said": alteration.words(made),
                    "metric": "downstream",
                    "title": "Dice of a segmenter",
                    "family": "downstream",
                    "space": task,
                    "better": "higher",
                    "before": dice_before,
                    "after": dice_after,
                    "change": change,
                    "low": np.nan,
                    "high": np.nan,
                    "floor_spread": spread,
                    "sensitivity": sensitivity,
                    "worse": worse("higher", sensitivity),
                    "n_volumes": len(before.images),
                    "n_training": len(altering.training),
                    "n_holdout": len(altering.holdout),
                }
            )
        return rows

    def _scores(self, made: Made) -> tuple[float, float]:
        """Dice on real volumes of a segmenter trained on a cohort, and on the cohort of one trained on real volumes."""
        assert made.labels is not None
        name = hashlib.sha256(made.images.tobytes() + made.labels.tobytes()).hexdigest()
        if name not in self._known:
            self._known[name] = self._both(*coarse(made.images, made.labels, self._values), self._seed)
        return self._known[name]

    def _both(self, images: np.ndarray, classes: np.ndarray, seed: int) -> tuple[float, float]:
        count = len(self._values) + 1
        real, wanted = self._real()
        if self._of_real is None:
            self._of_real = trained_segmenter(real, wanted, count, self._seed)
        own = trained_segmenter(images, classes, count, seed)
        return dice(own, real, wanted, count), dice(self._of_real, images, classes, count)

    def _real(self) -> tuple[np.ndarray, np.ndarray]:
        """Training volumes, whose patients are not among the altered ones."""
        if self._reals is None:
            made = self._altering.unaltered("real", self._altering.training[:REAL])
            assert made.labels is not None
            self._reals = coarse(made.images, made.labels, self._values)
        return self._reals

    def _spread(self) -> tuple[float, float]:
        """Compute the standard deviation of both between deals of as many unaltered patients, with other seeds."""
        if self._spreads is None:
            many = self._altering.unaltered("many", self._altering.many)
            assert many.labels is not None
            images, classes = coarse(many.images, many.labels, self._values)
            random, size = np.random.default_rng([self._seed, 8]), len(self._altering.few)
            deals = [random.choice(len(images), min(size, len(images)), replace=False) for _ in range(DEALS)]
            scores = [self._both(images[deal], classes[deal], self._seed + 1 + n) for n, deal in enumerate(deals)]
            forward, reverse = np.std(scores, axis=0, ddof=1)
            self._spreads = float(forward), float(reverse)
        return self._spreads
