"""The real window, for pictures of it: a copy of a study to open, waiting until it is drawn, and taking the picture."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import napari
import pandas as pd
from napari.qt import get_qapp

from napari_relict.records.database import FILE as DATABASE
from napari_relict.records.settings import FILE as SETTINGS
from napari_relict.viewer.plugin import WIDGET_NAME, ReviewWidget, open_review
from napari_relict.viewer.review.review import Review

TRUTH = Path("source") / "truth.csv"
GRADE_OF = {"exact replica": 4, "near replica": 3}
_PATIENCE = 120.0


def copy_of(study: Path, to: Path) -> Path:
    """What reading needs: settings, database, prepared volumes and, if there is one, the truth."""
    copy = to / study.resolve().name
    copy.mkdir(parents=True)
    shutil.copy(study / SETTINGS, copy)
    # Copied by SQLite itself, ratings that are still in its log come along.
    with closing(sqlite3.connect(study / DATABASE)) as old, closing(sqlite3.connect(copy / DATABASE)) as new:
        old.backup(new)
    shutil.copytree(study / "volumes", copy / "volumes")
    if (study / TRUTH).exists():
        (copy / TRUTH).parent.mkdir()
        shutil.copy(study / TRUTH, copy / TRUTH)
    return copy


def true_grades(study: Path, verdicts: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Grades of the pairs that are copies; every other pair is different (1)."""
    if (study / TRUTH).exists():
        told = pd.read_csv(study / TRUTH, dtype=str)[["synthetic", "training", "relation"]]
    else:
        told = verdicts.reindex(columns=["synthetic", "training", "verdict"])
    return {(s, t): GRADE_OF[relation] for s, t, relation in told.itertuples(index=False) if relation in GRADE_OF}


def wait(until: Callable[[], bool], patience: float = _PATIENCE) -> None:
    """Let the window work until `until()` holds, for so many seconds at most."""
    app, end = get_qapp(), time.monotonic() + patience
    while not until():
        if time.monotonic() > end:
            raise TimeoutError(f"the window is not ready after {patience:.0f} s")
        app.processEvents()
        time.sleep(0.005)
    for _ in range(5):
        app.processEvents()


def take(viewer: napari.Viewer, review: Review, file: Path) -> None:
    wait(idle(review))
    viewer.window.screenshot(str(file), canvas_only=False, flash=False)
    print(file)


def open_for_pictures(study: Path, *, blinded: bool) -> tuple[napari.Viewer, Review]:
    """A window on this study, once its first pair is shown."""
    viewer = open_review(study, reader="screenshots", blinded=blinded)
    widget: ReviewWidget = viewer.window.dock_widgets[WIDGET_NAME]
    wait(lambda: widget.review is not None)
    assert widget.review is not None
    wait(idle(widget.review))
    return viewer, widget.review


def close(viewer: napari.Viewer) -> None:
    viewer.window.dock_widgets[WIDGET_NAME].stop()
    viewer.close()


def idle(review: Review) -> Callable[[], bool]:
    return lambda: review.idle


def go_to_most_telling(review: Review, grades: dict[tuple[str, str], int]) -> None:
    """A near replica if there is one: alike, and yet with something to see in the difference."""
    for grade in (3, 4):
        for pair in review.session.order:
            if grades.get((pair.synthetic, pair.training)) == grade:
                review.session.visit(pair.synthetic, pair.training)
                return
