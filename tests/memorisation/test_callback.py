"""When an audit looks, what it writes down, and how training loops call it."""

from __future__ import annotations

import csv
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.engines import SupervisedTrainer

from napari_relict.errors import UsageError
from napari_relict.memorisation.callback import COLUMNS, EpochCopies, TrainingAudit


def count(epoch: int, volumes: Sequence[Any]) -> EpochCopies:
    """As many copies as the epoch's number."""
    return EpochCopies(epoch, len(volumes), epoch, 1, epoch + 0.5, 0.0, float("nan"), 1.0, 0.0, 2.0, 0.05)


def audit(log: Path | None = None, every: int = 2) -> TrainingAudit:
    return TrainingAudit(lambda number: ["volume"] * number, count, every=every, volumes=3, log=log)


def test_it_looks_every_few_epochs_and_logs_a_line_each_time(tmp_path: Path) -> None:
    looking = audit(tmp_path / "audit.csv")
    found = [looking(epoch) for epoch in range(1, 6)]
    assert [one and one.called for one in found] == [None, 2, None, 4, None]
    with (tmp_path / "audit.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert tuple(rows[0]) == COLUMNS and [row[:3] for row in rows[1:]] == [["2", "3", "2"], ["4", "3", "4"]]
    assert "epoch 4: 4 of 3" in str(found[3])


def test_a_training_that_goes_on_replaces_the_lines_of_epochs_done_again(tmp_path: Path) -> None:
    log = tmp_path / "audit.csv"
    first = audit(log)
    for epoch in (2, 4):
        first(epoch)
    again = audit(log)
    assert [one.epoch for one in again.history] == [2, 4] and again.history[0].n_copies == 2.5
    again(4)
    again(6)
    assert [one.epoch for one in audit(log).history] == [2, 4, 6]
    log.write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="not a log"):
        audit(log)
    with pytest.raises(UsageError, match="at least 1"):
        audit(every=0)


def test_a_trainer_of_monai_is_told() -> None:
    net = torch.nn.Linear(2, 1)
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=5,
        train_data_loader=[{"image": torch.ones(1, 2), "label": torch.ones(1, 1)}],
        network=net,
        optimizer=torch.optim.SGD(net.parameters(), 0.1),
        loss_function=torch.nn.MSELoss(),
    )
    looking = audit()
    looking.attach(trainer)
    trainer.run()
    assert [one.epoch for one in looking.history] == [2, 4]
    assert trainer.state.metrics == {"n_copies": 4.5, "copies_called": 4}


def test_a_lightning_module_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    monkeypatch.setitem(sys.modules, "pytorch_lightning", None)
    with pytest.raises(UsageError, match="pip install lightning"):
        audit().lightning()
    lightning = types.ModuleType("pytorch_lightning")
    lightning.Callback = type("Callback", (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pytorch_lightning", lightning)
    callback = audit().lightning()
    assert isinstance(callback, lightning.Callback)  # type: ignore[attr-defined]
    logged: dict[str, float] = {}
    module = types.SimpleNamespace(log=lambda name, value, **_: logged.update({name: value}))
    callback.on_train_epoch_end(types.SimpleNamespace(current_epoch=0, is_global_zero=True), module)
    callback.on_train_epoch_end(types.SimpleNamespace(current_epoch=1, is_global_zero=False), module)
    assert logged == {}
    callback.on_train_epoch_end(types.SimpleNamespace(current_epoch=1, is_global_zero=True), module)
    assert logged == {"n_copies": 2.5, "copies_called": 2.0}
