"""Shared fixtures. The phantom study is matched once a session; tests that change a study get a copy of it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

sys.path.insert(0, str(Path(__file__).parent))  # for `phantom` and `naive`, wherever a test lies
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    # numba's cache is not safe against two processes that compile for other types at once.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parent / "__pycache__" / f"numba-{worker}"))

import phantom
from napari_relict.study import Study

# Everything but the network encoder, whose weights have to be fetched.
MEASURES = (
    *("ncc", "mse", "half", "region", "nmi", "half_ncc", "region_ncc", "ssim", "bend", "lesion"),
    *("dice", "volume_difference", "surface_dice"),
)


@pytest.fixture(scope="session")
def phantom_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    # The least holdout that can call three copies among five volumes at q < .05.
    return phantom.write_study_folders(tmp_path_factory.mktemp("phantom"), training=8, holdout=34, novel=2)


@pytest.fixture(scope="session")
def _matched(tmp_path_factory: pytest.TempPathFactory, phantom_folders: dict[str, Path]) -> Path:
    """Matched by the process that asks first; another waits for it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    place = shared / "matched-study.txt"
    with FileLock(f"{place}.lock"):
        if not place.exists():
            study = Study.create(tmp_path_factory.mktemp("study") / "phantom", **phantom_folders)
            assert study.match(measures=MEASURES) == []
            study.close()
            place.write_text(str(study.folder), encoding="utf-8")
    return Path(place.read_text(encoding="utf-8"))


@pytest.fixture
def matched(_matched: Path, tmp_path: Path) -> Iterator[Study]:
    """A matched study of its own."""
    study = Study.open(shutil.copytree(_matched, tmp_path / "phantom"))
    yield study
    study.close()


# The whole suite in two processes (pytest-xdist)


def _on_screen(nodeid: str) -> bool:
    return "tests/viewer/" in nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """File by file; all that Qt shows goes to one process, for a screen has one focus."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "screen" if _on_screen(nodeid) else nodeid.partition("::")[0]

    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The screen's tests first, for they are the longest part."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not _on_screen(item.nodeid))
