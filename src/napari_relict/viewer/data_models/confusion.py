"""What a cut on one measure would call, set against what readers said. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from napari_relict.viewer.data_models.scores import number


@dataclass(frozen=True)
class Confusion:
    """Counts of rated pairs on both sides of a cut."""

    called_replicas: int  # rated replicas on the replica side
    missed_replicas: int
    called_others: int
    passed_others: int

    @property
    def sensitivity(self) -> float:
        """Share of the rated replicas that are called; NaN without any."""
        return _share(self.called_replicas, self.missed_replicas)

    @property
    def specificity(self) -> float:
        return _share(self.passed_others, self.called_others)

    @property
    def balanced_accuracy(self) -> float:
        return (self.sensitivity + self.specificity) / 2

    def sentence(self) -> str:
        """Counts and rates with 95% intervals (Wilson), in one line."""
        return (
            f"calls {self.called_replicas} of {self.called_replicas + self.missed_replicas} replicas "
            f"({_rate(self.called_replicas, self.missed_replicas)}) and {self.called_others} of "
            f"{self.called_others + self.passed_others} others ({_rate(self.called_others, self.passed_others)}); "
            f"balanced accuracy {number(self.balanced_accuracy)} on these same ratings"
        )


def confusion(
    scores: npt.NDArray[np.float64], replica: npt.NDArray[np.bool_], cut: float, higher_is_closer: bool
) -> Confusion:
    """Pairs at least as close as the cut are called; pairs without a score are in no count."""
    known = np.isfinite(scores)
    called = (scores >= cut if higher_is_closer else scores <= cut)[known]
    truth = replica[known]
    return Confusion(
        int((called & truth).sum()), int((~called & truth).sum()),
        int((called & ~truth).sum()), int((~called & ~truth).sum()),
    )  # fmt: skip


def roc(
    scores: npt.NDArray[np.float64], replica: npt.NDArray[np.bool_], higher_is_closer: bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Share of others called and share of replicas called, for every cut from none to all; both (n + 1,)."""
    known = np.isfinite(scores)
    closeness, truth = (scores if higher_is_closer else -scores)[known], replica[known]
    if not truth.any() or truth.all():
        return np.array([0.0, 1.0]), np.array([0.0, 1.0])
    cuts = np.concatenate([[np.inf], np.unique(closeness)[::-1]])
    called = closeness[None] >= cuts[:, None]
    return called[:, ~truth].mean(1), called[:, truth].mean(1)


def _share(hits: int, misses: int) -> float:
    return hits / (hits + misses) if hits + misses else float("nan")


def _rate(hits: int, misses: int) -> str:
    if hits + misses == 0:
        return "none rated"
    low, high = binomtest(hits, hits + misses).proportion_ci(method="wilson")
    return f"{hits / (hits + misses):.0%}, {low:.0%} to {high:.0%}"
