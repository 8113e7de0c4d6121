"""A tiny pool of phantom patients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import phantom
from memorisation_preset import SHAPE
from napari_relict.jobs.executors import Workforce, workforce
from napari_relict.memorisation import GeneratorVolumes
from napari_relict.volumes.grid import Grid


@pytest.fixture(scope="session")
def pool() -> GeneratorVolumes:
    """Nine training volumes of eight patients (p-0 has two), twelve of the holdout."""
    heads = np.stack([np.clip(phantom.head(seed, SHAPE)[0] / 1000, 0, 1) for seed in range(21)]).astype(np.float32)
    patients = [f"p-{max(number - 1, 0)}" for number in range(9)]
    return GeneratorVolumes(
        heads[:9], patients, heads[9:], [f"h-{number}" for number in range(12)], Grid(SHAPE, (8.0,) * 3)
    )


@pytest.fixture
def force() -> Iterator[Workforce]:
    with workforce() as crew:
        yield crew
