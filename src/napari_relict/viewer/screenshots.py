"""Pictures of the real window, for the docs: `python -m napari_relict.viewer.screenshots STUDY --to DIR [--ct STUDY]`.

Works on a copy of what a study needs to be read, its database above all: the ratings made for the pictures are
never written into the study itself. Needs a display with OpenGL (`xvfb-run` will do).

Grades come from the truth of a demo study (`source/truth.csv`). Other studies have none; there the stored
verdicts are repeated, and the calibration picture only shows what the panel looks like.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import napari
import numpy as np
import pandas as pd
from napari.qt import get_qapp

from napari_relict.study import Study
from napari_relict.study.database import FILE as DATABASE
from napari_relict.study.settings import FILE as SETTINGS
from napari_relict.viewer.compare import Mode
from napari_relict.viewer.plugin import WIDGET_NAME, ReviewWidget, open_review
from napari_relict.viewer.regions import point_region
from napari_relict.viewer.review import Review

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


def pictures(study: Path, to: Path, ratings: int = 12, ct: Path | None = None) -> list[Path]:
    """Take all pictures; `ratings` pairs are rated on the way (or as many as there are). Give it copies."""
    to.mkdir(parents=True, exist_ok=True)
    names = ["review-2d.png", "review-3d.png", "rating.png", "calibration.png"]
    files = [to / name for name in names + (["review-ct.png", "window-level.png"] if ct is not None else [])]
    viewer, widget = open_widget(study, blinded=False)
    review = widget.review
    go_to_most_telling(review, true_grades(study, review.scores.verdicts))
    review.tabs.setCurrentWidget(review.tabs.matches)
    take(viewer, review, files[0])
    review.act("volume")
    take(viewer, review, files[1])
    review.act("volume")
    files += compared(viewer, review, to)
    close(viewer)

    viewer, widget = open_widget(study, blinded=True)
    review = widget.review
    _rate(review, true_grades(study, review.scores.verdicts), ratings)
    take(viewer, review, files[2])
    review.tabs.setCurrentWidget(review.tabs.calibration)
    take(viewer, review, files[3])
    close(viewer)

    if ct is not None:
        viewer, widget = open_widget(ct, blinded=False)
        review = widget.review
        go_to_most_telling(review, true_grades(ct, review.scores.verdicts))
        review.tabs.setCurrentWidget(review.tabs.matches)
        take(viewer, review, files[4])
        review.act("jump")
        wait(idle(review))
        review.act("crosshair")
        review.act("overlay")
        review.scene.windows.choose("bone")
        take(viewer, review, files[5])
        close(viewer)
    return files


def compared(viewer: napari.Viewer, review: Review, to: Path) -> list[Path]:
    """Ways to compare the open pair, marks, slices beside volumes; by the same actions that keys stand for."""
    names = ["compare-checkerboard", "compare-overlay", "regions", "two-and-three-d"]
    files = [to / f"{name}.png" for name in names]
    scene = review.scene
    review.act("jump")
    wait(idle(review))
    review.act("compare_next")
    take(viewer, review, files[0])
    review.act("compare_next")
    review.act("compare_next")
    take(viewer, review, files[1])
    scene.third.set_mode(Mode.DIFFERENCE)
    z, y, x = (step * mm for step, mm in zip(viewer.dims.current_step, scene.images.spacing, strict=True))
    scene.marker.mark_box((z, y - 14, x - 14), (z, y + 14, x + 14), cell=0)
    first, last = (np.array(end) * scene.images.spacing for end in scene.images.bounds)
    scene.marker.show([*scene.marker.regions, point_region((z, *((first + last) / 2)[1:]), "both")])
    take(viewer, review, files[2])
    scene.marker.show([])
    review.act("volumes_beside")
    take(viewer, review, files[3])
    review.act("volumes_beside")
    return files


def open_widget(study: Path, *, blinded: bool) -> tuple[napari.Viewer, ReviewWidget]:
    viewer = open_review(study, reader="screenshots", blinded=blinded)
    widget = viewer.window.dock_widgets[WIDGET_NAME]
    wait(lambda: widget.review is not None)
    wait(idle(widget.review))
    return viewer, widget


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


def _rate(review: Review, grades: dict[tuple[str, str], int], ratings: int) -> None:
    """Rate pairs by the same actions that keys stand for; stop at a locked one."""
    wanted = min(ratings, len(review.session.order))
    for number in range(wanted):
        pair: Any = review.session.pair
        grade = grades.get((pair.synthetic, pair.training), 1)
        review.act(f"grade_{grade}")
        review.act("confidence_5")
        review.act("criterion_1")
        review.act("proceed")
        wait(idle(review))
        if number < wanted - 1:
            review.act("proceed")
            wait(idle(review))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--ct", type=Path, help="a study of CT, for one more picture")
    parser.add_argument("--ratings", type=int, default=16, help="pairs to rate for the pictures")
    parser.add_argument("--all", action="store_true", help="of reading, quality, alterations and training, too")
    parser.add_argument("--learning", action="store_true", help="only quality, alteration and training")
    given = parser.parse_args()
    # These use this file.
    from napari_relict.viewer.screenshots_learning import learning_pictures
    from napari_relict.viewer.screenshots_reading import reading_pictures

    with tempfile.TemporaryDirectory() as place:
        if given.all or given.learning:
            learning_pictures(copy_of(given.study, Path(place) / "learning"), given.study, given.to)
        if given.learning:
            return
        copies = [
            copy_of(study, Path(place) / name) for name, study in (("mr", given.study), ("ct", given.ct)) if study
        ]
        pictures(copies[0], given.to, given.ratings, *copies[1:])
        if given.all:
            fresh = copy_of(given.study, Path(place) / "reading")
            reading_pictures(fresh, given.to, true_grades(fresh, Study.open(fresh).verdicts()))


if __name__ == "__main__":
    main()
