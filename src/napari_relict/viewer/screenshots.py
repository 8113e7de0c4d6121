"""Pictures of the real window, for the docs: `python -m napari_relict.viewer.screenshots STUDY --to DIR`.

Works on a copy of the study: the ratings that the pictures need are never written into the study itself.
Needs a display with OpenGL (`xvfb-run` will do). Grades are given by the stored verdicts, so the pictures
show plausible ratings; they are no reading.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
from napari.qt import get_qapp

from napari_relict.viewer.plugin import WIDGET_NAME, open_review
from napari_relict.viewer.review import Review

GRADE_OF = {"exact replica": 4, "near replica": 3, "no replica": 1}
_PATIENCE = 120.0


def wait(until: Callable[[], bool]) -> None:
    """Let the window work until `until()` holds."""
    app, end = get_qapp(), time.monotonic() + _PATIENCE
    while not until():
        if time.monotonic() > end:
            raise TimeoutError(f"the window is not ready after {_PATIENCE:.0f} s")
        app.processEvents()
        time.sleep(0.005)
    for _ in range(5):
        app.processEvents()


def take(viewer: napari.Viewer, review: Review, file: Path) -> None:
    wait(_idle(review))
    viewer.window.screenshot(str(file), canvas_only=False, flash=False)
    print(file)


def pictures(study: Path, to: Path, ratings: int = 12) -> list[Path]:
    """Take all pictures; `ratings` pairs are rated on the way (or as many as there are)."""
    to.mkdir(parents=True, exist_ok=True)
    files = [to / name for name in ("review-2d.png", "review-3d.png", "rating.png", "calibration.png")]
    viewer = open_review(study, reader="reader-1", blinded=False)
    widget = viewer.window.dock_widgets[WIDGET_NAME]
    wait(lambda: widget.review is not None)
    review = widget.review
    wait(_idle(review))
    _go_to_most_telling(review)
    review.tabs.setCurrentWidget(review.matches)
    take(viewer, review, files[0])
    review.act("volume")
    take(viewer, review, files[1])
    widget.stop()
    viewer.close()

    viewer = open_review(study, reader="reader-2", blinded=True)
    widget = viewer.window.dock_widgets[WIDGET_NAME]
    wait(lambda: widget.review is not None)
    review = widget.review
    wait(_idle(review))
    _rate(review, ratings)
    take(viewer, review, files[2])
    review.tabs.setCurrentWidget(review.calibration)
    take(viewer, review, files[3])
    widget.stop()
    viewer.close()
    return files


def _idle(review: Review) -> Callable[[], bool]:
    return lambda: review.idle


def _go_to_most_telling(review: Review) -> None:
    """A near replica if there is one: alike, and yet with something to see in the difference."""
    verdicts = review.scores.verdicts
    for verdict in ("near replica", "exact replica"):
        names = set(verdicts.loc[verdicts["verdict"] == verdict, "synthetic"]) if len(verdicts) else set()
        for pair in review.session.order:
            if pair.synthetic in names:
                review.session.visit(pair)
                return


def _rate(review: Review, ratings: int) -> None:
    """Rate pairs as their verdicts say, by the same actions that keys stand for; stop at a locked one."""
    verdicts = review.scores.verdicts
    told = dict(zip(verdicts["synthetic"], verdicts["verdict"], strict=True)) if len(verdicts) else {}
    wanted = min(ratings, len(review.session.order))
    for number in range(wanted):
        pair: Any = review.session.pair
        review.act(f"grade_{GRADE_OF.get(told.get(pair.synthetic, ''), 2)}")
        review.act("confidence_5")
        review.act("criterion_1")
        review.act("proceed")
        wait(_idle(review))
        if number < wanted - 1:
            review.act("proceed")
            wait(_idle(review))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--ratings", type=int, default=12, help="pairs to rate for the pictures")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / given.study.resolve().name
        shutil.copytree(given.study, copy)
        pictures(copy, given.to, given.ratings)


if __name__ == "__main__":
    main()
