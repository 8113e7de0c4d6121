"""Shared fixtures. The phantom study is matched once a session; tests that change a study get a copy of it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `phantom` and `naive`, wherever a test lies

import phantom
from napari_relict.study import Study

# Everything but the network encoder, whose weights have to be fetched.
MEASURES = (
    *("ncc", "mse", "registered", "half", "region", "nmi", "half_ncc", "region_ncc", "ssim", "bend", "lesion"),
    *("dice", "volume_difference", "surface_dice"),
)


@pytest.fixture(scope="session")
def phantom_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    # By ranks alone so small a holdout could call nobody.
    return phantom.write_study_folders(tmp_path_factory.mktemp("phantom"), training=8, holdout=20, novel=2)


@pytest.fixture(scope="session")
def _matched(tmp_path_factory: pytest.TempPathFactory, phantom_folders: dict[str, Path]) -> Path:
    made = Study.create(tmp_path_factory.mktemp("study") / "phantom", **phantom_folders)
    study = Study.open(phantom.with_null_of(made.folder, 24))
    assert study.match(measures=MEASURES) == []
    return study.folder


@pytest.fixture
def matched(_matched: Path, tmp_path: Path) -> Iterator[Study]:
    """A matched study of its own."""
    study = Study.open(shutil.copytree(_matched, tmp_path / "phantom"))
    yield study
    study.close()
