"""What came of a training: how many of its volumes are copies, and of how many patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_relict.calibration.copies import CopyCount, copies_by_scores, patients_copied
from napari_relict.calibration.null import closest_of_patients
from napari_relict.calibration.rules import RULES, Evidence, Outcome
from napari_relict.calibration.rules.outcome import share
from napari_relict.errors import DataError
from napari_relict.jobs.executors import Workforce
from napari_relict.memorisation.nearest_distances import LearntVolumes, NearestDistances
from napari_relict.volumes.grid import Grid

# Rules that call volumes, or judge the set, from what is known here; the first is our own.
PUBLISHED = ("dar_published", "dar_matched", "third", "authenticity", "data_copying", "closest_record")


@dataclass(frozen=True, eq=False)
class Judgement:
    """What came of a training.

    Attributes
    ----------
    called : numpy.ndarray
        Bool (volumes,), copies at the false discovery rate asked for.
    patients_called : int
        Training patients nearest to those.
    copies, patients : CopyCount or None
        N_copies and N_mem as estimated from all scores, with intervals (see `calibration.copies`); None with a null of
        fewer than ten patients.
    published : dict of str to Outcome or DataError
        Outcomes of rules by name; an error where a rule cannot be applied.
    null : int
        How many patients it has.
    as_near : float
        Share of the volumes that are nearer to a training volume than the median holdout patient is; about a half where
        new patients are made, and near 0 where what is made resembles nobody.
    """

    called: np.ndarray
    patients_called: int
    copies: CopyCount | None
    patients: CopyCount | None
    published: dict[str, Outcome | DataError]
    null: int
    as_near: float

    @property
    def row(self) -> dict[str, Any]:
        """Numbers of a table's row; a column and its interval's ends are NAME, NAME_low and NAME_high."""
        called = share(int(self.called.sum()), len(self.called))
        row: dict[str, Any] = {
            "n_synthetic": len(self.called),
            "null_patients": self.null,
            "as_near": self.as_near,
            "called": int(self.called.sum()),
            "called_low": called.low * len(self.called),
            "called_high": called.high * len(self.called),
            "patients_called": self.patients_called,
        }
        for name, count in (("n_copies", self.copies), ("n_mem", self.patients)):
            ends = (count.copies, count.low, count.high) if count else (np.nan,) * 3
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
        return row

    def rules(self) -> list[dict[str, Any]]:
        """List what published rules say.

        Returns
        -------
        list of dict of str to object
            One a rule: called, share with interval, n_mem, note.
        """
        rows = []
        for name, outcome in self.published.items():
            row: dict[str, Any] = {"rule": name, "title": RULES[name].title, "source": RULES[name].source}
            row |= dict.fromkeys(("called", "share", "low", "high", "n_mem"), np.nan) | {"note": ""}
            if isinstance(outcome, DataError):
                rows.append(row | {"note": f"not applied: {outcome.wrong}"})
                continue
            if outcome.share is not None:
                row |= {
                    "called": outcome.called,
                    "share": outcome.share.value,
                    "low": outcome.share.low,
                    "high": outcome.share.high,
                }
            if "N_mem" in outcome.numbers:
                row["n_mem"] = outcome.numbers["N_mem"].value
            if outcome.calls is None:
                row["note"] = "; ".join(f"{key} {number}" for key, number in outcome.numbers.items())
            rows.append(row)
        return rows


class Judge:
    """Compares synthetic volumes with what a generator was trained on, against a null of other patients.

    Parameters
    ----------
    training : numpy.ndarray of float32, shape (n, z, y, x)
        0 to 1, on `grid`; holdout volumes are of nobody in training.
    patients : sequence of str
        Whose each is.
    holdout : numpy.ndarray of float32, shape (n, z, y, x)
        0 to 1, on `grid`; holdout volumes are of nobody in training.
    holdout_patients : sequence of str
        Whose each is.
    grid : Grid
        Of all volumes.
    alpha : float
        False discovery rate.
    force : Workforce
        Who does the work.
    """

    def __init__(
        self,
        training: np.ndarray,
        patients: Sequence[str],
        holdout: np.ndarray,
        holdout_patients: Sequence[str],
        grid: Grid,
        alpha: float,
        force: Workforce,
    ) -> None:
        self._patients, self._alpha, self._force = np.asarray(patients, str), alpha, force
        self._trained, self._holdout = LearntVolumes(training, grid), holdout
        self._of_holdout = self._trained.nearness(holdout, force)
        self.null = closest_of_patients(self._of_holdout.closest, holdout_patients)

    def __call__(self, synthetic: np.ndarray, seed: int = 0) -> Judgement:
        """Judge synthetic volumes.

        Parameters
        ----------
        synthetic : numpy.ndarray of shape (n, z, y, x)
            0 to 1, on the same grid.
        seed : int, default: 0
            Of everything that is drawn.

        Returns
        -------
        Judgement
            What came of the training.
        """
        distances = self._trained.nearness(synthetic, self._force)
        evidence = self._evidence(synthetic, distances, seed)
        calls = RULES["holdout_null"](evidence).calls
        called = np.zeros(len(synthetic), bool) if calls is None else calls
        copies = copies_by_scores(distances.closest, self.null, seed)
        whose = self._patients[distances.nearest]
        return Judgement(
            called,
            len(set(whose[called])),
            copies,
            copies and patients_copied(copies, distances.closest, list(whose)),
            {name: _applied(name, evidence) for name in PUBLISHED},
            int(np.isfinite(self.null).sum()),
            float((distances.closest > np.nanmedian(self.null)).mean()),
        )

    def share_called(self, volumes: np.ndarray) -> float:
        """Compute the share that lies nearer than all but a twentieth of the null: a check of the judge itself.

        Parameters
        ----------
        volumes : numpy.ndarray of shape (n, z, y, x)
            0 to 1, on the same grid.

        Returns
        -------
        float
            NaN with a null of fewer than nineteen patients, which has no such cut.
        """
        rank = int(np.ceil(0.95 * (len(self.null) + 1)))
        if rank > len(self.null):
            return float("nan")
        return float((self._trained.nearness(volumes, self._force).closest > np.sort(self.null)[rank - 1]).mean())

    def _evidence(self, synthetic: np.ndarray, found: NearestDistances, seed: int) -> Evidence:
        def flat(volumes: np.ndarray) -> list[np.ndarray]:
            return [(volumes - self._trained.mean).reshape(len(volumes), -1)]

        return Evidence(
            training=flat(self._trained.volumes),
            holdout=flat(self._holdout),
            synthetic=flat(synthetic),
            scores=found.closest[:, None],
            null=self.null[:, None],
            alpha=self._alpha,
            seed=seed,
        )


def _applied(name: str, evidence: Evidence) -> Outcome | DataError:
    try:
        return RULES[name](evidence)
    except DataError as error:
        return error
