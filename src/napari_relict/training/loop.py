"""The training loop: epochs, early stopping, a checkpoint after each epoch, the same result from the same seed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from napari_relict.encoders.weights import load_checkpoint
from napari_relict.errors import DataError, disk_faults
from napari_relict.jobs.progress import Progress, silent


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes
    ----------
    epochs : at most.
    patience : epochs without a better checking loss after which it stops.
    batch : volumes a step.
    rate, decay : of AdamW; the rate falls along a cosine to zero.
    clip : largest norm of a step's gradient.
    seed : of everything drawn.
    """

    epochs: int
    patience: int
    batch: int
    rate: float
    decay: float
    clip: float
    seed: int


@dataclass(frozen=True)
class Epoch:
    """What came of one epoch: losses on volumes it learns from and on those that check it."""

    number: int
    loss: float
    checking_loss: float


class Task(Protocol):
    """What is learned.

    Attributes
    ----------
    net : module whose parameters are learned.
    architecture : what it is built from again.
    """

    net: Any
    architecture: Mapping[str, Any]

    def groups(self, rate: float) -> list[dict[str, Any]]:
        """Parameter groups of the optimiser, each with its rate."""

    def batches(self, epoch: int) -> Iterator[Any]:
        """Batches of one epoch; the same whenever they are asked for."""

    def batch_count(self) -> int:
        """How many of them there are."""

    def loss(self, batch: Any) -> Any:
        """Of one batch, differentiable."""

    def checking_loss(self) -> float:
        """On volumes that are not learned from, the same ones in the same state each time."""


def fit(
    task: Task,
    schedule: Schedule,
    checkpoint: Path,
    fingerprint: str,
    *,
    device: str = "cpu",
    progress: Progress = silent,
    report: Callable[[Epoch], None] = lambda epoch: None,
) -> list[Epoch]:
    """Train `task.net` in place; it ends with the parameters that had the best checking loss.

    Parameters
    ----------
    checkpoint : file kept while it goes on; a stopped training goes on from there, and it is deleted at the end.
    fingerprint : of all that the result depends on; a checkpoint with another one is not gone on from.
    report : told of each epoch, also of those of an earlier run.

    Raises
    ------
    Cancelled : by `progress`; the checkpoint of the last whole epoch stays.
    DataError : the loss is not a number, or the disk is at fault.
    """
    import torch

    net = task.net.to(device)
    optimiser = torch.optim.AdamW(task.groups(schedule.rate), lr=schedule.rate, weight_decay=schedule.decay)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(schedule.epochs, 1))
    history: list[Epoch] = []
    best_state, best_loss = deepcopy(net.state_dict()), math.inf
    kept = _kept(checkpoint, fingerprint)
    if kept is not None:
        net.load_state_dict(kept["net"])
        optimiser.load_state_dict(kept["optimiser"])
        rates.load_state_dict(kept["rates"])
        history = [Epoch(int(row["number"]), row["loss"], row["checking_loss"]) for row in kept["history"]]
        best_state, best_loss = kept["best_state"], kept["best_loss"]
        for epoch in history:
            report(epoch)
    while len(history) < schedule.epochs and not _stalled(history, schedule.patience):
        number = len(history) + 1
        epoch = Epoch(number, _one_epoch(task, optimiser, schedule, number, progress), task.checking_loss())
        if not math.isfinite(epoch.loss + epoch.checking_loss):
            raise DataError(checkpoint.stem, f"the loss is not a number in epoch {number}", "train with a lower rate")
        rates.step()
        history.append(epoch)
        if epoch.checking_loss < best_loss:
            best_state, best_loss = deepcopy(net.state_dict()), epoch.checking_loss
        _keep(
            checkpoint,
            {
                "fingerprint": fingerprint,
                "net": net.state_dict(),
                "optimiser": optimiser.state_dict(),
                "rates": rates.state_dict(),
                "history": [asdict(one) for one in history],
                "best_state": best_state,
                "best_loss": best_loss,
            },
        )
        report(epoch)
    net.load_state_dict(best_state)
    return history


def fingerprint_of(**settings: Any) -> str:
    """Of settings that JSON can hold, in whatever order."""
    return json.dumps(settings, sort_keys=True, default=list)


def _one_epoch(task: Task, optimiser: Any, schedule: Schedule, number: int, progress: Progress) -> float:
    import torch

    task.net.train()
    total, count, stage = 0.0, task.batch_count(), f"epoch {number} of at most {schedule.epochs}"
    for done, batch in enumerate(task.batches(number), start=1):
        loss = task.loss(batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(task.net.parameters(), schedule.clip)
        optimiser.step()
        total += float(loss.detach())
        progress(stage, done, count)
    return total / max(count, 1)


def _stalled(history: list[Epoch], patience: int) -> bool:
    losses = [epoch.checking_loss for epoch in history]
    return len(losses) > patience and min(losses[-patience:]) > min(losses[:-patience])


def _kept(checkpoint: Path, fingerprint: str) -> dict[str, Any] | None:
    """What an earlier run of the same training left; nothing where it is another's, or damaged."""
    if not checkpoint.is_file():
        return None
    try:
        kept = load_checkpoint(checkpoint, "a training that was stopped")
    except DataError:
        return None
    return kept if isinstance(kept, dict) and kept.get("fingerprint") == fingerprint else None


def _keep(checkpoint: Path, content: dict[str, Any]) -> None:
    import torch

    unfinished = checkpoint.with_suffix(checkpoint.suffix + ".part")
    with disk_faults(checkpoint):
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.save(content, unfinished)
            unfinished.replace(checkpoint)
        finally:
            unfinished.unlink(missing_ok=True)
