"""A small prepared cohort of phantom heads."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

import phantom
from napari_relict.encoders.mobilenet_v2 import mobilenet_features
from napari_relict.training import contrastive, deepssim
from napari_relict.volumes import Grid, PreparedCohort
from napari_relict.volumes.cohort import CohortWriter, Row

SHAPE = (24, 28, 26)
GRID = Grid(SHAPE, (6.0, 6.0, 6.0))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread; each volume once an epoch."""
    torch.set_num_threads(1)
    for kind in (contrastive, deepssim):
        monkeypatch.setattr(kind, "ROUNDS", 1)


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> PreparedCohort:
    """Twelve volumes of eleven patients: p-0 has two."""
    folder = tmp_path_factory.mktemp("cohort") / "training.zarr"
    writer = CohortWriter(folder, GRID, "key")
    for number in range(12):
        values, _ = phantom.head(number, SHAPE)
        image = np.clip(values / 1000, 0, 1).astype(np.float16)
        content = hashlib.sha256(image.tobytes()).hexdigest()
        name = f"v-{number:02d}"
        row = Row(
            0, name, "stamp", content, content, False, [], (0.0, 1.0), [], False, [], [], [], name,
        )  # fmt: skip
        writer.add(row, image, None)
    return PreparedCohort(folder, "training", writer.rows, GRID, "")


@pytest.fixture
def patients(cohort: PreparedCohort) -> dict[str, str]:
    return {name: f"p-{max(number - 1, 0)}" for number, name in enumerate(cohort.names)}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "encoders" / "mine.pt"


@pytest.fixture
def mobilenet(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    file = tmp_path / "mobilenet.pth"
    torch.save({f"features.{key}": value for key, value in mobilenet_features().state_dict().items()}, file)
    return file
