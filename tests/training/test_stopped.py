"""A training that was stopped says how it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_relict.errors import Cancelled
from napari_relict.study.pipeline.stopped_training import read_stopped
from napari_relict.training import Asked, train
from napari_relict.volumes import PreparedCohort


@pytest.mark.parametrize("on", ["training", "holdout"])
def test_settings_and_history_of_a_stopped_training(
    on: str, cohort: PreparedCohort, patients: dict[str, str], place: Path
) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        if stage.startswith("epoch 2"):
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        train(Asked("contrastive", 3, 5), cohort, cohort.names, patients, place, "key", progress=stop)
    cohorts = {row.content: on for row in cohort.rows.values()}
    found = read_stopped(place.with_suffix(".training"), cohorts)
    assert found is not None
    assert (found.name, found.kind, found.on, found.epochs, found.seed) == ("mine", "contrastive", on, 3, 5)
    assert [epoch.number for epoch in found.history] == [1]
    place.with_suffix(".training").write_bytes(b"cut off")
    assert read_stopped(place.with_suffix(".training"), cohorts) is None
