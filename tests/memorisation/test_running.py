"""A tiny study: every generator trains, a killed run goes on to the same table, and other settings start anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from memorisation_preset import TINY
from napari_relict.errors import Cancelled, DataError
from napari_relict.jobs.executors import Workforce
from napari_relict.jobs.processes import in_processes
from napari_relict.memorisation import GeneratorVolumes, nearest_distances, run_all, running, training
from napari_relict.memorisation.plan import settings_of
from napari_relict.memorisation.running import made
from napari_relict.memorisation.sampler import SeededFeed


@pytest.fixture
def _as_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is aligned: what is tested is how a study goes on."""
    monkeypatch.setattr(nearest_distances, "ALIGNED", 0)


@pytest.mark.usefixtures("_as_they_lie")
def test_a_killed_run_goes_on_to_the_same_table(
    pool: GeneratorVolumes, force: Workforce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = [one for one in settings_of(TINY, pool.people) if one.size == "medium" and one.n_patients in (6, 8)]
    monkeypatch.setattr(running, "settings_of", lambda preset, people: plan)
    whole = run_all(pool, TINY, tmp_path / "whole", force)
    assert len(plan) == 5 and len(whole.runs) == 2 * 5 and set(whole.runs["kind"]) == {"ldm", "vae", "gan"}
    assert whole.runs["n_training"].max() == 9 and whole.runs["n_patients"].max() == 8
    assert not list((tmp_path / "whole").glob("*.pt")) and not list((tmp_path / "whole").glob("*.part"))
    assert {"control_new", "control_copies", "rule_dar_published"} <= set(whole.runs)
    assert len(whole.rules) == len(whole.runs) * whole.rules["rule"].nunique()

    monkeypatch.setattr(training, "KEPT_EVERY", -1.0)  # a checkpoint at every step
    steps: list[str] = []

    def killing(stage: str, done: int, total: int) -> None:
        steps.append(stage)
        if len(steps) in (2, 5, 14):  # in the autoencoder, between two lengths, in a later training
            raise Cancelled("stopped")

    for _ in range(3):
        with pytest.raises(Cancelled):
            run_all(pool, TINY, tmp_path / "killed", force, progress=killing)
    before = len(steps)
    again = run_all(pool, TINY, tmp_path / "killed", force, progress=killing)
    pd.testing.assert_frame_equal(again.runs, whole.runs)
    pd.testing.assert_frame_equal(again.rules, whole.rules)
    # 28 steps in all; the three at which it was killed are done again, the others are not.
    assert before == 14 and len(steps) == 28 + 3
    known = len(steps)
    run_all(pool, TINY, tmp_path / "killed", force, progress=killing)
    assert len(steps) == known  # nothing is trained again


@pytest.mark.usefixtures("_as_they_lie")
def test_other_settings_and_other_volumes_start_anew(pool: GeneratorVolumes, force: Workforce, tmp_path: Path) -> None:
    few = replace(TINY, lengths=(1.0,), synthetic=10, shares=(1.0, 1.0, 1.0), autoencoder_steps=1, steps=1)
    stages: list[str] = []

    def told(stage: str, done: int, total: int) -> None:
        stages.append(stage)

    run_all(pool, few, tmp_path, force, progress=told)
    trained = len(stages)
    brighter = replace(pool, holdout=np.clip(pool.holdout * 1.1, 0, 1))
    run_all(brighter, few, tmp_path, force, progress=told)
    assert len(stages) == 2 * trained
    with pytest.raises(DataError, match="9 patients"):
        run_all(replace(pool, holdout_patients=[f"h-{min(n, 8)}" for n in range(12)]), few, tmp_path, force)


@pytest.mark.usefixtures("_as_they_lie")
def test_more_repeats_train_only_what_is_new(pool: GeneratorVolumes, force: Workforce, tmp_path: Path) -> None:
    few = replace(TINY, lengths=(1.0,), shares=(1.0, 1.0, 1.0), autoencoder_steps=1, steps=1)
    trained: list[str] = []

    def told(stage: str, done: int, total: int) -> None:
        trained.append(stage)

    once = run_all(pool, few, tmp_path, force, progress=told)
    steps = len(trained)
    thrice = run_all(pool, replace(few, repeats=3), tmp_path, force, progress=told)
    assert len(trained) == 3 * steps
    assert thrice.runs.groupby("repeat").size().tolist() == [len(once.runs)] * 3
    pd.testing.assert_frame_equal(thrice.runs[thrice.runs["repeat"] == 0].reset_index(drop=True), once.runs)


def test_networks_train_on_one_thread_whatever_there_was(
    pool: GeneratorVolumes, force: Workforce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "settings_of", lambda preset, people: settings_of(preset, people)[:1])
    before, seen = torch.get_num_threads(), set()

    def look(stage: str, done: int, total: int) -> None:
        seen.add(torch.get_num_threads())
        if done == 3:  # in the diffusion model
            raise Cancelled("stopped")

    torch.set_num_threads(2)
    try:
        with pytest.raises(Cancelled):
            run_all(pool, TINY, tmp_path, force, progress=look)
        assert seen == {1} and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_trainings_side_by_side_find_the_same(
    pool: GeneratorVolumes, force: Workforce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = replace(TINY, lengths=(1.0,), synthetic=4)
    monkeypatch.setattr(running, "settings_of", lambda preset, people: settings_of(preset, people)[:2])
    reports: list[tuple[int, int]] = []

    def told(stage: str, done: int, total: int) -> None:
        reports.append((done, total))

    asked: list[int] = []

    def spy(work: Any, items: Any, count: int, advanced: Any) -> list[Any]:
        asked.append(count)
        return in_processes(work, items, count, advanced)

    monkeypatch.setattr(running, "in_processes", spy)
    single = run_all(pool, preset, tmp_path / "one", force)
    assert not asked
    both = run_all(pool, preset, tmp_path / "two", force, processes=2, progress=told)
    pd.testing.assert_frame_equal(both.runs, single.runs)
    pd.testing.assert_frame_equal(both.rules, single.rules)
    assert asked == [2] and reports[-1] == (12, 12) and {total for _, total in reports} == {12}


@pytest.mark.parametrize("augment", [False, True])
def test_batches_are_the_same_whenever_they_are_asked_for(pool: GeneratorVolumes, augment: bool) -> None:
    one, other = (SeededFeed(pool.training, 4, augment=augment, seed=5) for _ in range(2))
    later = [other.batch(step) for step in (2, 0, 1)]
    for mine, theirs in zip([one.batch(step) for step in (0, 1, 2)], [*later[1:], later[0]], strict=True):
        assert mine.shape == (4, 1, 16, 16, 16) and np.array_equal(mine, theirs)
    rounds = list(one.rounds(2))
    assert sum(len(batch) for batch in rounds) == 18
    standard = np.concatenate([np.asarray(batch)[:, 0] for batch in rounds[:3]])
    if not augment:
        assert standard.mean(0) == pytest.approx(0, abs=1e-5) and standard.std() == pytest.approx(1, rel=1e-4)
        assert one.restored(standard) == pytest.approx(pool.training, abs=1e-5)
        nine = np.concatenate([np.asarray(one.batch(step))[:, 0] for step in range(9)])
        assert (np.abs(nine[:, None] - standard[None]).max((2, 3, 4)) < 1e-6).sum(0).tolist() == [4] * 9
    else:
        assert not np.array_equal(rounds[0], rounds[3])


def test_generators_learn(pool: GeneratorVolumes) -> None:
    """With enough steps on two volumes, an autoencoder gives them back better than their mean does."""
    preset = replace(TINY, autoencoder_steps=120)
    (setting,) = (one for one in settings_of(preset, 4) if one.kind == "ldm" and one.augment)
    volumes = pool.training[:2]
    feed = SeededFeed(volumes, 4, augment=False, seed=0)
    generator = made(setting, preset, pool.grid.shape, "cpu", 0)
    generator.stages[0].begin(feed)
    for step in range(120):
        generator.stages[0].step(step)
    given = generator.reconstructed(feed.standardised(volumes))  # type: ignore[attr-defined]
    assert ((given - feed.standardised(volumes)) ** 2).mean() < 0.5
