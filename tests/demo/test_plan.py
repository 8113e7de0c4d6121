"""The plan: sizes, patients, and a truth that hangs together."""

from __future__ import annotations

from collections import Counter

import pytest

from napari_relict.demo.build import CT_SIZES, HEAD_SIZES
from napari_relict.demo.operators import PLANTINGS
from napari_relict.demo.plan import DemoSizes, make_plan
from napari_relict.demo.recipes import NATURAL_CROP


def test_the_same_seed_gives_the_same_plan() -> None:
    assert make_plan(HEAD_SIZES, 7, 6) == make_plan(HEAD_SIZES, 7, 6)
    assert make_plan(HEAD_SIZES, 7, 6) != make_plan(HEAD_SIZES, 8, 6)


@pytest.mark.parametrize(("sizes", "fixed"), [(HEAD_SIZES, {}), (CT_SIZES, {NATURAL_CROP: 0})], ids=["head", "ct"])
@pytest.mark.parametrize("seed", [0, 7])
def test_the_plan_hangs_together(sizes: DemoSizes, fixed: dict[str, int], seed: int) -> None:
    plan = make_plan(sizes, seed, 6, fixed)
    training, holdout = plan.of("training"), plan.of("holdout")
    assert (len(training), len(holdout)) == (sizes.training, sizes.holdout)
    names = [scan.name for scan in plan.scans] + [copy.name for copy in plan.copies]
    assert len(names) == len(set(names))
    for cohort in (training, holdout):
        assert sorted(Counter(scan.patient for scan in cohort).values())[-sizes.repeats :] == [2] * sizes.repeats
        assert len({scan.patient for scan in cohort}) == len(cohort) - sizes.repeats
    seeds = {scan.patient_seed for scan in plan.scans}
    assert len(seeds) == len(plan.scans) - 2 * sizes.repeats
    assert len({scan.scan_seed for scan in plan.scans}) == len(plan.scans)


def test_the_truth_names_a_training_volume_for_every_copy_and_for_nothing_else() -> None:
    plan = make_plan(HEAD_SIZES, 7, 6)
    truth = plan.truth()
    training = {scan.name: scan.patient for scan in plan.of("training")}
    assert [row.synthetic for row in truth] == [f"sy-{n:03d}" for n in range(1, len(truth) + 1)]
    copies = [row for row in truth if row.training]
    assert sorted(row.kind for row in copies) == sorted(HEAD_SIZES.planted)
    assert all(row.relation == PLANTINGS[row.kind].relation for row in copies)
    assert all(row.relation == "no replica" and row.kind == "novel" for row in truth if not row.training)
    assert len({training[row.training] for row in copies}) == len(copies)


def test_names_do_not_give_copies_away() -> None:
    places = [place for place, row in enumerate(make_plan(HEAD_SIZES, 7, 6).truth()) if row.training]
    assert min(places) < 7
    assert max(places) > 20


def test_a_fixed_copy_copies_what_it_is_told() -> None:
    plan = make_plan(CT_SIZES, 7, 1, {NATURAL_CROP: 0})
    assert next(copy.training for copy in plan.copies if copy.kind == NATURAL_CROP) == "tr-001"


def test_more_copies_than_patients_are_refused() -> None:
    with pytest.raises(ValueError, match="training patients"):
        make_plan(DemoSizes(2, 2, 1, 0, ("noise", "blur", "bent")), 7, 1)
