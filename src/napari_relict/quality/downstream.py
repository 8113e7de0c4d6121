"""What volumes are good for: a small segmenter trained on them and tested on real ones, and the reverse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from napari_relict.jobs.executors import one_torch_thread

LONGEST = 32  # voxels of the longest side that segmenters see; each side is a multiple of 8
STEPS, BATCH = 150, 4
DRAWS = 400
TASKS = {
    "trained on it": "trained on the altered volumes, tested on real ones",
    "tested on it": "trained on real volumes, tested on the altered ones",
}
AGREEMENT = ("metric", "title", "family", "space", "task", "rho", "low", "high", "alterations", "points")


def coarse(images: np.ndarray, labels: np.ndarray, values: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Bring volumes to the size that segmenters see.

    Parameters
    ----------
    images : numpy.ndarray of shape (n, z, y, x)
        0 to 1.
    labels : numpy.ndarray of shape (n, z, y, x)
        Likewise.
    values : sequence of int
        The labels that count.

    Returns
    -------
    tuple of 2 numpy.ndarray
        Images and classes, float32 and int64 (n, z, y, x); classes are 0 and the places of `values`, counted from 1.
    """
    from skimage.transform import resize

    scale = LONGEST / max(images.shape[1:])
    shape = tuple(max(8, round(side * scale / 8) * 8) for side in images.shape[1:])
    table = np.zeros(int(max(labels.max(initial=0), *values)) + 1, np.int64)
    table[list(values)] = np.arange(1, len(values) + 1)
    seen = [resize(image, shape, order=1, anti_aliasing=True) for image in images]
    classes = [resize(table[volume], shape, order=0, preserve_range=True, anti_aliasing=False) for volume in labels]
    return np.stack(seen).astype(np.float32), np.stack(classes).astype(np.int64)


@one_torch_thread()
def trained_segmenter(images: np.ndarray, classes: np.ndarray, count: int, seed: int) -> Any:
    """Train a small MONAI U-Net; the same from the same volumes and seed.

    Parameters
    ----------
    images, classes : numpy.ndarray
        Of `coarse`.
    count : int
        Of classes, 0 included.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    torch.nn.Module
        For `dice`.
    """
    import torch
    from monai.losses import DiceCELoss
    from monai.networks.nets import UNet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = UNet(3, 1, count, channels=(8, 16, 32), strides=(2, 2), num_res_units=1)
        optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
        loss = DiceCELoss(to_onehot_y=True, softmax=True, include_background=False)
        seen, wanted = torch.from_numpy(images[:, None]), torch.from_numpy(classes[:, None])
        net.train()
        for _ in range(STEPS):
            chosen = torch.randint(len(seen), (min(BATCH, len(seen)),))
            optimiser.zero_grad(set_to_none=True)
            loss(net(seen[chosen]), wanted[chosen]).backward()
            optimiser.step()
    return net.eval()


@one_torch_thread()
def dice(net: Any, images: np.ndarray, classes: np.ndarray, count: int) -> float:
    """Average Dice over volumes and the classes that a volume has, background left out.

    Parameters
    ----------
    net : torch.nn.Module
        Of `trained_segmenter`.
    images, classes : numpy.ndarray
        Of `coarse`.
    count : int
        Of classes, 0 included.

    Returns
    -------
    float
        0 to 1.
    """
    import torch
    from monai.metrics import compute_dice
    from monai.networks import one_hot

    with torch.no_grad():
        said = net(torch.from_numpy(images[:, None])).argmax(1, keepdim=True)
    scores = compute_dice(
        one_hot(said, count), one_hot(torch.from_numpy(classes[:, None]), count), include_background=False
    )
    return float(scores.nanmean())


def agreement(table: pd.DataFrame, downstream: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Correlate each metric with the loss of Dice, over alterations at their strengths.

    Both are standardised changes that are above 0 where it got worse, so 1 is a metric that orders alterations as the
    task does. Intervals come from drawing alterations with replacement, each with all of its strengths.

    Parameters
    ----------
    table, downstream : pandas.DataFrame
        Rows of `sensitivity.COLUMNS`; the latter's `space` is a task of `TASKS`.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    pandas.DataFrame
        `AGREEMENT`, strongest first within a task.
    """
    key = ["alteration", "strength"]
    rows = []
    for task, of_task in downstream.groupby("space", sort=False):
        lost = of_task.set_index(key)["worse"]
        for (metric, title, family, space), group in table.groupby(["metric", "title", "family", "space"], sort=False):
            both = group.set_index(key)["worse"].to_frame("metric").join(lost.rename("task"), how="inner").dropna()
            names = both.index.get_level_values("alteration").to_numpy(str)
            rho, low, high = rank_correlation(both["metric"].to_numpy(), both["task"].to_numpy(), names, seed)
            about = (metric, title, family, space, task)
            rows.append(dict(zip(AGREEMENT, (*about, rho, low, high, len(set(names)), len(both)), strict=True)))
    correlations = pd.DataFrame(rows, columns=list(AGREEMENT))
    return correlations.sort_values(["task", "rho"], ascending=[False, False], kind="stable").reset_index(drop=True)


def rank_correlation(one: np.ndarray, other: np.ndarray, groups: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Compute Spearman's rho with a 95% bootstrap interval over groups.

    Parameters
    ----------
    one, other : numpy.ndarray of shape (n,)
        Values to be correlated.
    groups : numpy.ndarray of shape (n,)
        Names; values of a group are drawn together.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    tuple of 3 float
        Rho, lower and upper end; NaN for fewer than three groups or without variety.
    """
    names = np.unique(groups)
    if len(names) < 3:
        return (float("nan"),) * 3
    members = [np.flatnonzero(groups == name) for name in names]
    random = np.random.default_rng([seed, 7])
    drawn = []
    for _ in range(DRAWS):
        places = np.concatenate([members[number] for number in random.integers(len(names), size=len(names))])
        drawn.append(_spearman(one[places], other[places]))
    finite = np.array(drawn)[np.isfinite(drawn)]
    ends = np.quantile(finite, [0.025, 0.975]) if len(finite) >= DRAWS / 2 else (np.nan, np.nan)
    return _spearman(one, other), float(ends[0]), float(ends[1])


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    a, b = (rankdata(values) for values in (one, other))
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm > 0 else float("nan")


def downstream_said(found: pd.DataFrame, downstream: pd.DataFrame) -> list[str]:
    """Say which metrics follow the task, and which run against it.

    Parameters
    ----------
    found : pandas.DataFrame
        Of `agreement`.
    downstream : pandas.DataFrame
        Rows of `sensitivity.COLUMNS` for a segmenter's Dice.

    Returns
    -------
    list of str
        Sentences, one a task.
    """
    sentences = []
    for task, group in found.groupby("task", sort=False):
        follow = group[group["low"] > 0]
        against = group[group["high"] < 0]
        largest = downstream[downstream["space"] == task].sort_values("worse").iloc[-1]
        sentences.append(
            f"Segmenter {TASKS[str(task)]}: most Dice was lost by {largest['words']} ({largest['said']}), "
            f"{largest['before']:.2f} to {largest['after']:.2f}. Of {len(group)} metrics {len(follow)} order "
            f"alterations as the task does (interval of Spearman's rho above 0){_named(follow)}, {len(against)} the "
            f"other way round{_named(against[::-1])}."
        )
    return sentences


def _named(rows: pd.DataFrame) -> str:
    first = [
        f"{title}{f' ({space})' if space else ''} {rho:.2f}"
        for title, space, rho in rows.head(3)[["title", "space", "rho"]].to_numpy()
    ]
    return f", first {'; '.join(first)}" if first else ""
