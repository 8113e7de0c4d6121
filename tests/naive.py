"""The slow, obviously right twin of every fast routine. Tests compare the two; nothing else uses these."""

from __future__ import annotations

import numpy as np


def ncc(one: np.ndarray, other: np.ndarray) -> float:
    a, b = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / norm) if norm > 0 else 0.0


def mse(one: np.ndarray, other: np.ndarray) -> float:
    return float(((one.astype(np.float64) - other.astype(np.float64)) ** 2).mean())


def ssim(one: np.ndarray, other: np.ndarray, window: int = 7) -> float:
    """Wang et al. 2004 with a uniform window and sample covariances, window by window."""
    values = []
    count = window**3
    for z in range(one.shape[0] - window + 1):
        for y in range(one.shape[1] - window + 1):
            for x in range(one.shape[2] - window + 1):
                here = np.s_[z : z + window, y : y + window, x : x + window]
                a, b = one[here].astype(np.float64).ravel(), other[here].astype(np.float64).ravel()
                ma, mb = a.mean(), b.mean()
                va, vb = a.var(ddof=1), b.var(ddof=1)
                cov = ((a - ma) * (b - mb)).sum() / (count - 1)
                c1, c2 = 0.01**2, 0.03**2
                values.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return float(np.mean(values))


def dice(one: np.ndarray, other: np.ndarray, label: int) -> float:
    a, b = one == label, other == label
    total = a.sum() + b.sum()
    return float(2 * (a & b).sum() / total) if total else float("nan")


def mean_dice(one: np.ndarray, other: np.ndarray) -> float:
    labels = sorted((set(np.unique(one)) | set(np.unique(other))) - {0})
    return float(np.mean([dice(one, other, label) for label in labels])) if labels else float("nan")


def volume_difference(one: np.ndarray, other: np.ndarray) -> float:
    labels = sorted((set(np.unique(one)) | set(np.unique(other))) - {0})
    parts = []
    for label in labels:
        a, b = (one == label).sum(), (other == label).sum()
        parts.append(abs(int(a) - int(b)) / ((int(a) + int(b)) / 2))
    return float(np.mean(parts)) if parts else float("nan")


def cosine(one: np.ndarray, other: np.ndarray, centre: np.ndarray) -> float:
    a, b = one - centre, other - centre
    norm = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / norm) if norm > 0 else 0.0


def p_value(score: float, null: np.ndarray) -> float:
    return (1 + sum(1 for other in null if other >= score)) / (1 + len(null))


def q_values(p: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg, by the definition: the smallest rate at which each would be called."""
    order = np.argsort(p)
    q = np.empty(len(p))
    for place, index in enumerate(order):
        q[index] = min(p[order[k]] * len(p) / (k + 1) for k in range(place, len(p)))
    return np.minimum(q, 1)


def best_balanced_accuracy(values: np.ndarray, truth: np.ndarray) -> float:
    best = 0.5
    for low, high in zip(np.unique(values)[:-1], np.unique(values)[1:], strict=True):
        called = values >= (low + high) / 2
        best = max(best, (called[truth].mean() + (~called[~truth]).mean()) / 2)
    return float(best)
