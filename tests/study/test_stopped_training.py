"""A training that was stopped says how it goes on."""

from __future__ import annotations

import pytest

from napari_relict.errors import Cancelled
from napari_relict.study import Study
from napari_relict.study.stopped_training import stopped_trainings


def test_settings_and_history_of_a_stopped_training(matched: Study) -> None:
    assert stopped_trainings(matched) == []

    def stop(stage: str, done: int, total: int) -> None:
        if stage.startswith("epoch 2"):
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        matched.train("contrastive", name="mine", epochs=2, seed=3, progress=stop)
    (matched.folder / "encoders" / "other.training").write_bytes(b"not one")
    (found,) = stopped_trainings(matched)
    assert (found.name, found.kind, found.on, found.epochs, found.seed) == ("mine", "contrastive", "training", 2, 3)
    assert [epoch.number for epoch in found.history] == [1]
    begun: list[str] = []
    matched.train(
        found.kind, name=found.name, on=found.on, epochs=found.epochs, seed=found.seed,
        progress=lambda stage, done, total: begun.append(stage),
    )  # fmt: skip
    assert "epoch 1 of at most 2" not in begun and "epoch 2 of at most 2" in begun
    assert stopped_trainings(matched) == []
