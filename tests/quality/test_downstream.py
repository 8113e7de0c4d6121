"""The downstream task: what segmenters see, that they learn, and how metrics are compared with it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

import phantom
from napari_relict.quality import downstream
from napari_relict.quality.downstream import agreement, coarse, dice, downstream_said, rank_correlation


def test_a_segmenter_learns_and_is_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downstream, "LONGEST", 16)
    monkeypatch.setattr(downstream, "STEPS", 40)
    heads = [phantom.head(seed, (32, 32, 32)) for seed in range(6)]
    images = np.stack([np.clip(values / 1000, 0, 1) for values, _ in heads])
    labels = np.stack([np.where(one == 2, 7, one) for _, one in heads]).astype(np.uint16)
    seen, classes = coarse(images, labels, [1, 7])
    assert seen.shape == classes.shape == (6, 16, 16, 16) and set(np.unique(classes)) == {0, 1, 2}
    count = {value: int((classes == place).sum()) * 8 for place, value in ((1, 1), (2, 7))}
    assert all(count[value] == pytest.approx((labels == value).sum(), rel=0.15) for value in (1, 7))
    net = downstream.trained_segmenter(seen[:4], classes[:4], 3, seed=1)
    learnt = dice(net, seen[4:], classes[4:], 3)
    assert learnt > 0.5
    threads = torch.get_num_threads()
    torch.set_num_threads(3 - min(threads, 2))  # another number than before must change nothing
    try:
        again = downstream.trained_segmenter(seen[:4], classes[:4], 3, seed=1)
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, other) for one, other in zip(net.parameters(), again.parameters(), strict=True))
    # Trained on labels that have nothing to do with the images, it is worth less.
    shuffled = np.random.default_rng(0).permutation(classes[:4].ravel()).reshape(classes[:4].shape)
    assert dice(downstream.trained_segmenter(seen[:4], shuffled, 3, seed=1), seen[4:], classes[4:], 3) < learnt


def test_rank_correlation_over_groups() -> None:
    groups = np.repeat(["noise", "blur", "shift", "lesion"], 3)
    random = np.random.default_rng(1)
    one = np.arange(12.0)
    other = one + random.normal(0, 2, 12)
    rho, low, high = rank_correlation(one, other, groups, 0)
    assert rho == pytest.approx(spearmanr(one, other).statistic) and low < rho <= high + 1e-9 and low > 0
    assert rank_correlation(one, -one, groups, 0) == pytest.approx((-1, -1, -1))
    assert np.isnan(rank_correlation(one[:6], other[:6], groups[:6], 0)).all()
    assert np.isnan(rank_correlation(one, np.zeros(12), groups, 0)[0])


def rows(metric: str, worse: dict[tuple[str, float], float], family: str = "fidelity") -> list[dict[str, object]]:
    return [
        {
            "alteration": name, "strength": strength, "words": name, "said": f"{strength:g}", "metric": metric,
            "title": metric.upper(), "family": family, "space": "", "worse": value, "before": 0.9, "after": 0.5,
        }
        for (name, strength), value in worse.items()
    ]  # fmt: skip


def test_metrics_that_follow_the_task_are_told_from_those_that_do_not() -> None:
    places = [(name, strength) for name in ("noise", "blur", "motion", "lesion") for strength in (1.0, 2.0, 3.0)]
    lost = {place: float(number) for number, place in enumerate(places)}
    follows = {place: value**2 for place, value in lost.items()}
    against = {place: -value for place, value in lost.items()}
    unknown = dict.fromkeys(places, float("nan"))
    table = pd.DataFrame([*rows("fid", follows), *rows("auth", against, "novelty"), *rows("none", unknown)])
    task = pd.DataFrame(rows("downstream", lost)).assign(space="trained on it")
    found = agreement(table, task, 0).set_index("metric")
    assert found.loc["fid", ["rho", "low", "high"]].to_list() == pytest.approx([1, 1, 1])
    assert found.loc["auth", "rho"] == pytest.approx(-1) and np.isnan(found.loc["none", "rho"])
    assert found.loc["fid", "alterations"] == 4 and found.loc["fid", "points"] == 12
    (said,) = downstream_said(found.reset_index(), task)
    assert "most Dice was lost by lesion (3), 0.90 to 0.50" in said
    assert "Of 3 metrics 1 order alterations as the task does" in said and "1 the other way round, first AUTH" in said
