"""Which trainings there are: one factor at a time around a base, and who is learnt from."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from napari_relict.memorisation.plan import Setting, base_of, factors, learners, settings_of, steps_at
from napari_relict.memorisation.presets import PRESETS

CPU = replace(PRESETS["cpu"], repeats=1)


def test_one_factor_at_a_time_around_the_base() -> None:
    base, plan = base_of(CPU, 40), settings_of(CPU, 40)
    assert base == Setting("ldm", False, "medium", 20) == plan[0]
    assert len(plan) == len(set(plan)) == 8
    for one in plan[1:]:
        changed = [name for name, value in asdict(one).items() if value != asdict(base)[name]]
        assert len(changed) == 1, one
    levels = {factor.name: [factor.level_words(one) for one in factor.levels] for factor in factors(CPU, 40)}
    assert levels["volumes"] == ["40 patients", "20 patients", "8 patients"]
    assert levels["augmentation"] == ["augmented", "not augmented"]
    assert levels["generator"][-1] == "latent diffusion"


def test_repeats_come_after_everything_was_trained_once() -> None:
    plan = settings_of(replace(CPU, repeats=2), 40)
    assert [one.repeat for one in plan] == [0] * 8 + [1] * 8
    assert len({one.name for one in plan}) == 16


def test_with_few_patients_levels_that_are_the_same_are_trained_once() -> None:
    assert len(settings_of(CPU, 4)) == 6  # four patients are the fewest, the base and all


def test_fewer_patients_are_among_more_and_bring_all_their_volumes() -> None:
    patients = ["a", "a", *"bcdefghij"]
    few, many = (learners(Setting("ldm", False, "medium", n), patients, 3) for n in (4, 8))
    assert len(set(np.array(patients)[few])) == 4 and len(set(np.array(patients)[many])) == 8
    assert not (few & ~many).any()
    assert few[0] == few[1] and many[0] == many[1]
    others = [learners(Setting("ldm", False, "medium", 4, repeat), patients, 3) for repeat in range(1, 6)]
    assert any((one != few).any() for one in others)


def test_lengths_are_shares_of_the_steps_of_the_kind() -> None:
    preset = replace(CPU, steps=100, direct_steps={"vae": 10}, lengths=(0.25, 1.0))
    assert steps_at(preset, "ldm") == {0.25: 25, 1.0: 100}
    assert steps_at(preset, "vae") == {0.25: 2, 1.0: 10}
