"""The fake study must not drift from the true one, or the other tests prove nothing."""

from __future__ import annotations

import inspect

import pytest
from fake_study import FakeStudy, FakeVolume, Measure, NullScores

from napari_relict import calibration, measures, study
from napari_relict.volumes.cohort import PreparedVolume

CALLS = sorted(name for name, call in vars(FakeStudy).items() if callable(call) and not name.startswith("_"))


@pytest.mark.parametrize("name", CALLS)
def test_every_call_of_the_fake_can_be_made_on_a_study(name: str) -> None:
    true = inspect.signature(getattr(study.Study, name)).parameters
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in true.values())
    for parameter in inspect.signature(getattr(FakeStudy, name)).parameters:
        assert parameter in true or takes_any, f"Study.{name} has no {parameter}"


@pytest.mark.parametrize(
    ("fake", "true"),
    [
        (NullScores, calibration.NullScores),
        (Measure, measures.Measure),
        (FakeVolume, PreparedVolume),
    ],
)
def test_records_have_the_fields_of_the_true_ones(fake: type, true: type) -> None:
    assert set(fake.__dataclass_fields__) - {"unit"} <= set(true.__dataclass_fields__)
