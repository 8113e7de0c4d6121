"""One training of a generator: stage by stage, stopped at any step, gone on with from the last kept one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.encoders.weights import load_checkpoint
from napari_relict.errors import DataError, disk_faults
from napari_relict.jobs.processes import Tell
from napari_relict.memorisation.generators.contract import Feed, Generator

KEPT_EVERY = 60.0  # seconds between two checkpoints


def _nobody(steps: int) -> None:
    """Whom to tell when nobody asks."""


def lengths_of(
    generator: Generator,
    feed: Feed,
    lengths: Sequence[int],
    *,
    seed: int,
    checkpoint: Path,
    fingerprint: str,
    tell: Tell = _nobody,
) -> Iterator[int]:
    """Train, and stop at each length, for volumes to be drawn.

    Each step draws from a generator seeded by its number, so a training that was stopped ends with the same weights.

    Parameters
    ----------
    generator : Generator
        What is trained.
    feed : Feed
        What it learns from.
    lengths : sequence of int
        Steps of the last stage, rising.
    seed : int
        Of everything that is drawn.
    checkpoint : pathlib.Path
        Kept about once a minute and at each length; the caller deletes it.
    fingerprint : str
        Of all that the weights depend on; a checkpoint with another one does not count.
    tell : Tell, default: _nobody
        Called after each step with how many of all stages are finished; may raise `Cancelled`.

    Yields
    ------
    int
        Each length, with the generator as it is then.

    Raises
    ------
    Cancelled
        By `tell`; the last checkpoint stays.
    DataError
        The disk is at fault.
    """
    from torch import manual_seed

    stages, kept = generator.stages, time.monotonic()
    first, start = _go_on(generator, checkpoint, fingerprint, (len(stages) - 1, min(lengths)))
    for place in range(first, len(stages)):
        stage, last = stages[place], place == len(stages) - 1
        before = sum(earlier.steps for earlier in stages[:place])
        manual_seed(_seed(seed, place, 0))
        stage.begin(feed)
        if last and start in lengths:
            yield start  # it was killed between training so long and looking at what came of it
        for step in range(start, stage.steps):
            manual_seed(_seed(seed, place, 1 + step))
            stage.step(step)
            tell(before + step + 1)
            asked = last and step + 1 in lengths
            if asked or time.monotonic() - kept > KEPT_EVERY:
                _keep(generator, checkpoint, fingerprint, place, step + 1)
                kept = time.monotonic()
            if asked:
                yield step + 1
        start = 0


def sampled(generator: Generator, count: int, seed: int) -> np.ndarray:
    """Draw volumes; the same from the same seed.

    Parameters
    ----------
    generator : Generator
        As it is now.
    count : int
        How many.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    numpy.ndarray of float32, shape (count, z, y, x)
        Standardised.
    """
    from torch import manual_seed

    manual_seed(_seed(seed, 99, 0))
    return generator.sample(count)


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(list(numbers)).generate_state(1)[0])


def _go_on(generator: Generator, checkpoint: Path, fingerprint: str, latest: tuple[int, int]) -> tuple[int, int]:
    """Stage and step to go on with; (0, 0) where there is nothing to go on from, or only beyond the latest of use."""
    if not checkpoint.is_file():
        return 0, 0
    try:
        kept = load_checkpoint(checkpoint, "a training that was stopped")
    except DataError:
        return 0, 0
    if not isinstance(kept, dict) or kept.get("fingerprint") != fingerprint:
        return 0, 0
    if (kept["stage"], kept["step"]) > latest:
        return 0, 0
    for name, part in generator.parts().items():
        part.load_state_dict(kept["parts"][name])
    return int(kept["stage"]), int(kept["step"])


def _keep(generator: Generator, checkpoint: Path, fingerprint: str, stage: int, step: int) -> None:
    import torch

    content: dict[str, Any] = {
        "fingerprint": fingerprint,
        "stage": stage,
        "step": step,
        "parts": {name: part.state_dict() for name, part in generator.parts().items()},
    }
    unfinished = checkpoint.with_suffix(".part")
    with disk_faults(checkpoint):
        try:
            torch.save(content, unfinished)
            unfinished.replace(checkpoint)
        finally:
            unfinished.unlink(missing_ok=True)
