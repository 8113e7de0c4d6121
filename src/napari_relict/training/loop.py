"""The training loop: epochs, early stopping, a checkpoint after each epoch, the same result from the same seed."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.encoders.weights import load_checkpoint
from napari_relict.errors import DataError, disk_faults
from napari_relict.jobs.progress import Progress, silent


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes
    ----------
    epochs : int
        At most.
    patience : int
        Epochs without a better checking loss after which it stops.
    batch : int
        Volumes a step.
    rate, decay : float
        Of AdamW; the rate falls along a cosine to zero.
    clip : float
        Largest norm of a step's gradient.
    seed : int
        Of everything drawn.
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
    """What came of one epoch.

    Attributes
    ----------
    number : int
        From 1.
    loss : float
        On volumes it learns from, the mean of batches.
    checking_loss : float
        On those that check it.
    """

    number: int
    loss: float
    checking_loss: float


class TrainingTask(ABC):
    """What is learned.

    Attributes
    ----------
    net : object
        Torch.nn.Module Whose parameters are learned.
    architecture : mapping of str to object
        Mapping of str to object What it is built from again.
    checked : list of object
        List of object Batches of volumes that are not learned from, the same ones in the same state each time.
    """

    net: Any
    architecture: Mapping[str, Any]
    checked: list[Any]

    def groups(self, rate: float) -> list[dict[str, Any]]:
        """List the parameter groups of the optimiser, each with its rate.

        Parameters
        ----------
        rate : float
            Float Of the schedule.

        Returns
        -------
        list of dict of str to object
            As torch's optimisers take them.
        """
        return list(self.net.groups(rate))

    @abstractmethod
    def batches(self, epoch: int) -> Iterator[Any]:
        """Make the batches of one epoch; the same whenever they are asked for.

        Parameters
        ----------
        epoch : int
            Int Its number.

        Returns
        -------
        iterator of object
            What `loss` takes.
        """

    @abstractmethod
    def batch_count(self) -> int:
        """Count the batches of an epoch.

        Returns
        -------
        int
            How many there are.
        """

    @abstractmethod
    def loss(self, batch: Any) -> Any:
        """Compute the loss of one batch.

        Parameters
        ----------
        batch : object
            Object Of `batches`.

        Returns
        -------
        torch.Tensor
            A differentiable number.
        """

    def checking_loss(self) -> float:
        """Compute the mean loss of volumes that are not learned from.

        Returns
        -------
        float
            Over all of `checked`.
        """
        import torch

        self.net.eval()
        with torch.no_grad():
            return float(np.mean([float(self.loss(batch)) for batch in self.checked]))


def fit(
    task: TrainingTask,
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
    task : TrainingTask
        What is learned.
    schedule : Schedule
        How long and how fast.
    checkpoint : pathlib.Path
        File kept while it goes on; a stopped training goes on from there, and it is deleted at the end.
    fingerprint : str
        Of all that the result depends on; a checkpoint with another one is not gone on from.
    device : str, default: 'cpu'
        "cpu" or "cuda".
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.
    report : callable, default: lambda epoch: None
        Told of each epoch, also of those of an earlier run.

    Returns
    -------
    list of Epoch
        What came of each epoch, earlier runs' too.

    Raises
    ------
    Cancelled
        By `progress`; the checkpoint of the last whole epoch stays.
    DataError
        The loss is not a number, or the disk is at fault.
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
                "history": [asdict(past) for past in history],
                "best_state": best_state,
                "best_loss": best_loss,
            },
        )
        report(epoch)
    net.load_state_dict(best_state)
    return history


def fingerprint_of(**settings: Any) -> str:
    """Write settings down so that equal ones are equal text.

    Parameters
    ----------
    **settings : object
        That JSON can hold, in whatever order.

    Returns
    -------
    str
        JSON.
    """
    return json.dumps(settings, sort_keys=True, default=list)


def _one_epoch(task: TrainingTask, optimiser: Any, schedule: Schedule, number: int, progress: Progress) -> float:
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
    """Read what an earlier run of the same training left; nothing where it is another's, or damaged."""
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
