"""Simulated studies of known truth for `benchmarks.power`: scores and gaps drawn, nothing matched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import expon, lognorm, norm
from scipy.stats import t as student

from napari_relict.calibration.against_null import AgainstNull, NullPatients, against_null
from napari_relict.calibration.null import p_values, q_values
from napari_relict.calibration.pareto_tail import sharpened, tail_p_values
from napari_relict.calibration.verdicts import NONE, by_null, nearness

ALPHA = 0.05
NEAR_BEND = 2.0  # mm; no anatomy is drawn
RELATIVES = (0.05, 4.0)  # share of people who have a relative in training, and by how many SD he is nearer
TRUTH = "knowing strangers' distribution"
STEP = 0.25  # of discrete scores, SD
CLUSTER = 5  # volumes of one site, half of whose variance is the site's


@dataclass(frozen=True)
class Drawn:
    """One study: score (in SD of strangers) and gap of each synthetic volume and of each patient of the null.

    `copy` says which synthetic volumes are copies, `kind` how strangers are distributed.
    """

    kind: str
    score: np.ndarray
    gap: np.ndarray
    copy: np.ndarray
    null_score: np.ndarray
    null_gap: np.ndarray


def _normal(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return random.standard_normal(n), random.exponential(0.5, n)


def _lognormal(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return np.exp(random.standard_normal(n)) / 2.161, 0.3 * np.exp(random.standard_normal(n))


def _t3(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return random.standard_t(3, n) / np.sqrt(3), 0.4 * np.abs(random.standard_t(3, n))


def _relatives(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    score, gap = _normal(n, random)
    has = random.random(n) < RELATIVES[0]
    return score + RELATIVES[1] * has, gap + RELATIVES[1] * has


def _discrete(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    score, gap = _normal(n, random)
    return np.round(score / STEP) * STEP, np.round(gap / STEP) * STEP


def _clustered(n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    score, gap = _normal(n, random)
    sites = np.repeat(random.standard_normal(-(-n // CLUSTER)), CLUSTER)[:n]
    return (score + sites) / np.sqrt(2), gap


STRANGERS: Mapping[str, Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]] = {
    "normal": _normal,
    "lognormal": _lognormal,
    "t3": _t3,
    "relatives": _relatives,
    "discrete": _discrete,
    "clustered": _clustered,
}


def draw(kind: str, holdout: int, synthetic: int, copies: int, margin: float, random: np.random.Generator) -> Drawn:
    """A study whose copies are `margin` SD nearer to their patient than to anybody else."""
    score, gap = STRANGERS[kind](synthetic, random)
    copy = np.arange(synthetic) < copies
    gap = np.where(copy, margin, gap)
    return Drawn(kind, score + margin * copy, gap, copy, *STRANGERS[kind](holdout, random))


def _with_relatives(tail: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    share, nearer = RELATIVES
    return lambda x: (1 - share) * tail(x) + share * tail(x - nearer)


# Of a stranger: how likely a score, and a gap, at least as large is.
TAILS: Mapping[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = {
    "normal": (norm.sf, expon(scale=0.5).sf),
    "lognormal": (lognorm(1, scale=1 / 2.161).sf, lognorm(1, scale=0.3).sf),
    "t3": (lambda x: student(3).sf(x * np.sqrt(3)), lambda x: 2 * student(3).sf(x / 0.4)),
    "relatives": (_with_relatives(norm.sf), _with_relatives(expon(scale=0.5).sf)),
    "discrete": (lambda x: norm.sf(x - STEP / 2), lambda x: expon(scale=0.5).sf(x - STEP / 2)),
    "clustered": (norm.sf, expon(scale=0.5).sf),
}


def by_truth(drawn: Drawn) -> np.ndarray:
    """Calls of one who knows how strangers are distributed, by score and gap as ours: the most there is to have."""
    of_score, of_gap = TAILS[drawn.kind]
    return _called(np.minimum(1.0, 2 * np.minimum(of_score(drawn.score), of_gap(drawn.gap))))


def ours(drawn: Drawn) -> AgainstNull:
    """The product's own judgement by one score and its gap."""
    null = NullPatients(drawn.null_score[:, None], drawn.null_gap[:, None], np.zeros(len(drawn.null_score), bool))
    return against_null(drawn.score[:, None], drawn.gap[:, None], null)


def cleared(found: AgainstNull) -> np.ndarray:
    """bool (synthetic,): the verdict is *no replica*, where nobody looked at the anatomy."""
    verdicts = [by_null(nearness(found, row), ALPHA, NEAR_BEND, None).verdict for row in range(len(found.p))]
    return np.array([verdict == NONE for verdict in verdicts])


def by_ranks(drawn: Drawn) -> np.ndarray:
    """Calls of ranks alone, as before."""
    return _called(p_values(drawn.score, drawn.null_score))


def by_pareto(drawn: Drawn) -> np.ndarray:
    """Calls of a fitted Pareto tail, its upper end."""
    p = p_values(drawn.score, drawn.null_score)
    return _called(sharpened(p, tail_p_values(drawn.score[:, None], drawn.null_score[:, None])))


def by_quantile(drawn: Drawn) -> np.ndarray:
    """Dar et al.: above the null's 95% quantile."""
    return drawn.score > np.quantile(drawn.null_score, 0.95)


def by_index(drawn: Drawn) -> np.ndarray:
    """The Memorization Index above 1.64."""
    return drawn.score > drawn.null_score.mean() + 1.64 * drawn.null_score.std(ddof=1)


PEERS: Mapping[str, Callable[[Drawn], np.ndarray]] = {
    "ranks alone": by_ranks,
    "Pareto": by_pareto,
    "95% quantile (Dar et al.)": by_quantile,
    "MI above 1.64": by_index,
    TRUTH: by_truth,
}


def _called(p: np.ndarray) -> np.ndarray:
    return np.asarray(np.nan_to_num(q_values(p), nan=1.0) < ALPHA)
