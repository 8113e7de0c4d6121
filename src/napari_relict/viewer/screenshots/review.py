"""Pictures of the review itself: two and three dimensions, rating, calibration, ways to compare; called on copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import napari
import numpy as np

from napari_relict.viewer.pair.modes import Mode
from napari_relict.viewer.pair.region_geometry import point_region
from napari_relict.viewer.review.review import Review
from napari_relict.viewer.screenshots.window import (
    close,
    go_to_most_telling,
    idle,
    open_for_pictures,
    take,
    true_grades,
    wait,
)


def review_pictures(study: Path, to: Path, ratings: int = 12, ct: Path | None = None) -> list[Path]:
    """Take all pictures; `ratings` pairs are rated on the way (or as many as there are). Give it copies."""
    to.mkdir(parents=True, exist_ok=True)
    names = ["review-2d.png", "review-3d.png", "rating.png", "calibration.png"]
    files = [to / name for name in names + (["review-ct.png", "window-level.png"] if ct is not None else [])]
    viewer, review = open_for_pictures(study, blinded=False)
    go_to_most_telling(review, true_grades(study, review.scores.verdicts))
    review.tabs.setCurrentWidget(review.tabs.matches)
    take(viewer, review, files[0])
    review.act("volume")
    take(viewer, review, files[1])
    review.act("volume")
    files += _compared(viewer, review, to)
    close(viewer)

    viewer, review = open_for_pictures(study, blinded=True)
    _rate(review, true_grades(study, review.scores.verdicts), ratings)
    take(viewer, review, files[2])
    review.tabs.setCurrentWidget(review.tabs.calibration)
    take(viewer, review, files[3])
    close(viewer)

    if ct is not None:
        viewer, review = open_for_pictures(ct, blinded=False)
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


def _compared(viewer: napari.Viewer, review: Review, to: Path) -> list[Path]:
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
    assert scene.images is not None
    z, y, x = (step * mm for step, mm in zip(viewer.dims.current_step, scene.images.spacing, strict=True))
    scene.marker.mark_box((z, y - 14, x - 14), (z, y + 14, x + 14), cell=0)
    _, row, column = np.mean(scene.images.bounds, axis=0) * scene.images.spacing
    scene.marker.show([*scene.marker.regions, point_region((z, row, column), "both")])
    take(viewer, review, files[2])
    scene.marker.show([])
    review.act("volumes_beside")
    take(viewer, review, files[3])
    review.act("volumes_beside")
    return files


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
