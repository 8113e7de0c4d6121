"""What makes p-values wrong is noticed, and is not noticed where nothing is wrong."""

from __future__ import annotations

import numpy as np

from napari_relict.calibration.guards import groups_differ, nearer_as_a_whole, null_outliers


def test_another_site_is_noticed() -> None:
    random = np.random.default_rng(0)
    same, apart = random.standard_normal(80), random.standard_normal(80)
    left_out = np.arange(80) < 40
    apart[left_out] += 1.5
    assert groups_differ(apart, left_out)
    assert not groups_differ(same, left_out)
    assert not groups_differ(apart, np.zeros(80, bool))


def test_a_generator_that_is_nearer_to_everybody_is_noticed_and_copies_do_not_look_like_one() -> None:
    random = np.random.default_rng(1)
    null, strangers = random.standard_normal(60), random.standard_normal(80)
    copies = random.standard_normal(40) + 10
    assert nearer_as_a_whole(strangers + 1, null)
    assert not nearer_as_a_whole(np.concatenate([strangers, copies]), null)
    assert not nearer_as_a_whole(strangers - 1, null)
    assert not nearer_as_a_whole(copies, null)  # nobody is left to compare


def test_mislabelled_patients_of_the_null_are_found() -> None:
    random = np.random.default_rng(2)
    for count, number in ((12, 1), (50, 1), (200, 3)):
        null = random.standard_normal(count)
        assert null_outliers(null) == []
        null[:number] += np.arange(40, 40 + 20 * number, 20)
        found = null_outliers(null)
        assert {one.place for one in found} == set(range(number))
        assert all(one.p < 0.01 / count for one in found)


def test_heavy_tails_are_seldom_taken_for_mislabelled() -> None:
    false = sum(bool(null_outliers(np.random.default_rng(seed).standard_t(3, 60))) for seed in range(150))
    assert false <= 6
