"""Copies counted while somebody's own generator trains: a callable for any training loop, and thin adaptors.

What is counted is known to whoever makes the audit (see `study.pipeline.auditing`); this file knows when to
look, what to write down, and how training loops call back.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from napari_relict.errors import UsageError, disk_faults

# A file, a SimpleITK image, or an array (z, y, x) whose z grows upwards, y backwards and x to the patient's left.
Sampled = Any


@dataclass(frozen=True)
class EpochCopies:
    """What was found after one epoch; a line of the log.

    Attributes
    ----------
    epoch : int
        Of those finished, counted from 1.
    volumes : int
        Sampled ones that could be read.
    called : int
        Of these, copies at the study's false discovery rate.
    patients_called : int
        Training patients nearest to those.
    n_copies, n_copies_low, n_copies_high : float
        As estimated from all scores, with a 95% interval; NaN with a null of fewer than ten patients.
    n_mem, n_mem_low, n_mem_high : float
        Training patients whom these copies show, likewise.
    smallest_p : float
        That the null allows.
    """

    epoch: int
    volumes: int
    called: int
    patients_called: int
    n_copies: float
    n_copies_low: float
    n_copies_high: float
    n_mem: float
    n_mem_low: float
    n_mem_high: float
    smallest_p: float

    def __str__(self) -> str:
        """Say it in a line."""
        return (
            f"epoch {self.epoch}: {self.called} of {self.volumes} volumes called copies, of {self.patients_called} "
            f"patients; N_copies {self.n_copies:.1f} ({self.n_copies_low:.1f} to {self.n_copies_high:.1f})"
        )


COLUMNS = tuple(field.name for field in fields(EpochCopies))


class TrainingAudit:
    """Called with the number of each finished epoch; every few of them it samples, counts and logs.

    Parameters
    ----------
    sample : callable
        Called with how many volumes to make; each is a file, a SimpleITK image or an array (z, y, x).
    count : callable
        Epoch and volumes -> what was found.
    every : int, default: 5
        Epochs from one look to the next.
    volumes : int, default: 32
        Sampled each time.
    log : pathlib.Path, optional
        CSV file a line is added to; an epoch that is logged again (a training that goes on) replaces its line.

    Attributes
    ----------
    history : list of EpochCopies
        All lines of the log, earlier runs' too.

    Raises
    ------
    UsageError
        `every` or `volumes` below 1, or `log` is no log of an audit.

    Examples
    --------
    >>> audit = study.audit_while_training(my_generator.sample, every=5)  # doctest: +SKIP
    >>> for epoch in range(1, 101):  # doctest: +SKIP
    ...     train_one_epoch()
    ...     audit(epoch)
    """

    def __init__(
        self,
        sample: Callable[[int], Sequence[Sampled]],
        count: Callable[[int, Sequence[Sampled]], EpochCopies],
        *,
        every: int = 5,
        volumes: int = 32,
        log: Path | None = None,
    ) -> None:
        if every < 1 or volumes < 1:
            raise UsageError("every and volumes must be at least 1")
        self._sample, self._count, self.every, self.volumes, self.log = sample, count, every, volumes, log
        self.history: list[EpochCopies] = [] if log is None else _read(log)

    def __call__(self, epoch: int) -> EpochCopies | None:
        """Look, if it is time.

        Parameters
        ----------
        epoch : int
            Of those finished, counted from 1.

        Returns
        -------
        EpochCopies or None
            What was found; None when it is not time.
        """
        if epoch % self.every:
            return None
        counted = self._count(epoch, self._sample(self.volumes))
        self.history = [*(line for line in self.history if line.epoch != epoch), counted]
        if self.log is not None:
            _write(self.log, self.history)
        return counted

    def attach(self, engine: Any) -> None:
        """Look after epochs of an Ignite engine, and of MONAI's trainers, which are such engines.

        What was found is in `engine.state.metrics` as `n_copies` and `copies_called`.

        Parameters
        ----------
        engine : ignite.engine.Engine
            The trainer.
        """

        def finished(engine: Any) -> None:
            counted = self(int(engine.state.epoch))
            if counted is not None:
                engine.state.metrics |= {"n_copies": counted.n_copies, "copies_called": counted.called}

        from ignite.engine import Events

        engine.add_event_handler(Events.EPOCH_COMPLETED, finished)

    def lightning(self) -> Any:
        """Make a callback for a Lightning trainer: `Trainer(callbacks=[audit.lightning()])`.

        Returns
        -------
        lightning.pytorch.Callback
            What was found goes to the module's log as `n_copies` and `copies_called`.

        Raises
        ------
        UsageError
            Neither lightning nor pytorch_lightning is installed.
        """
        audit = self

        class Audit(_lightning_callback()):  # type: ignore[misc]
            def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
                if not trainer.is_global_zero:
                    return
                counted = audit(int(trainer.current_epoch) + 1)
                if counted is not None:
                    pl_module.log("n_copies", counted.n_copies, rank_zero_only=True)
                    pl_module.log("copies_called", float(counted.called), rank_zero_only=True)

        return Audit()


def _lightning_callback() -> Any:
    for name in ("lightning.pytorch", "pytorch_lightning"):
        try:
            return __import__(name, fromlist=["Callback"]).Callback
        except ImportError:
            continue
    raise UsageError("needs the package lightning, or pytorch_lightning: pip install lightning")


def _read(log: Path) -> list[EpochCopies]:
    if not log.is_file():
        return []
    with log.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    try:
        return [EpochCopies(*map(int, _cells(row, COLUMNS[:4])), *map(float, _cells(row, COLUMNS[4:]))) for row in rows]
    except (KeyError, ValueError, TypeError) as error:
        raise UsageError(f"{log}: is not a log of an audit; give another file") from error


def _cells(row: Mapping[str, str], names: Sequence[str]) -> list[str]:
    return [row[name] for name in names]


def _write(log: Path, history: Sequence[EpochCopies]) -> None:
    unfinished = log.with_suffix(".part")
    with disk_faults(log):
        with unfinished.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(asdict(line) for line in history)
        unfinished.replace(log)
