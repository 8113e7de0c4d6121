"""Pictures of a reading from the start page to the consensus; see `screenshots`, which calls this on a copy."""

from __future__ import annotations

from pathlib import Path

import napari
from qtpy.QtWidgets import QApplication, QDialog

from napari_relict.study import Study
from napari_relict.viewer.plugin import WIDGET_NAME, ReviewWidget, open_review
from napari_relict.viewer.review.review import Review
from napari_relict.viewer.screenshots.window import close, idle, take, wait

FIRST, SECOND = "A. Reader", "B. Reader"


def reading_pictures(study: Path, to: Path, grades: dict[tuple[str, str], int]) -> list[Path]:
    """Start page, keys, pause, a hidden candidate, map, labels, agreement, consensus, reading kit; both themes.

    Parameters
    ----------
    study : a copy that may be rated.
    grades : of the pairs that are copies; every other pair is different (1).
    """
    done = [_start_page(to / "start.png")]
    _read(study, FIRST, grades, slips=9)
    _read(study, SECOND, grades, slips=5)

    viewer, review = _open(study, "C. Reader", blinded=True)
    order = [one.synthetic for one in review.session.order]
    review.session.go_to(next(place for place, name in enumerate(order) if order.count(name) == 1))
    wait(idle(review))
    for action in ("grade_1", "confidence_3", "proceed"):
        review.act(action)
    wait(idle(review))
    assert review.session.pair is not None
    here = [one.training for one in review.about.candidates].index(review.session.pair.training)
    review.act(f"candidate_{2 if here == 0 else 1}")
    done.append(_take(viewer, review, to / "candidate.png"))
    review.act("back")
    wait(idle(review))
    review.act("pause")
    done.append(_take(viewer, review, to / "paused.png"))
    review.act("pause")
    review.act("help")
    wait(idle(review))
    dialog = next(one for one in QApplication.topLevelWidgets() if isinstance(one, QDialog) and one.isVisible())
    dialog.grab().save(str(to / "keys.png"))
    dialog.close()
    done.append(to / "keys.png")
    close(viewer)

    viewer, review = _open(study, FIRST, blinded=False)
    pair = next(one for one in review.session.order if grades.get((one.synthetic, one.training)) == 3)
    review.session.visit(pair.synthetic, pair.training)
    wait(idle(review))
    for widget, name in (
        (review.tabs.map, "map"), (review.tabs.labels, "labels"), (review.tabs.agreement, "agreement"),
    ):  # fmt: skip
        review.tabs.setCurrentWidget(widget)
        done.append(_take(viewer, review, to / f"{name}.png"))
    review.tabs.setCurrentWidget(review.tabs.map)
    viewer.theme = "light"
    done.append(_take(viewer, review, to / "light.png"))
    viewer.theme = "dark"
    viewer.window.resize(1280, 800)
    done.append(_take(viewer, review, to / "small-window.png"))
    close(viewer)

    viewer, review = _open(study, "A and B", blinded=False, round="consensus")
    done.append(_take(viewer, review, to / "consensus.png"))
    close(viewer)

    opened = Study.open(study)
    kit = opened.make_kit("D. Reader", study.parent / "kit")
    opened.close()
    viewer, review = _open(kit, "D. Reader", blinded=True)
    done.append(_take(viewer, review, to / "kit.png"))
    close(viewer)
    return done


def _start_page(file: Path) -> Path:
    viewer = napari.Viewer()
    widget = ReviewWidget(viewer)
    viewer.window.add_dock_widget(widget, name=WIDGET_NAME, area="right", add_vertical_stretch=False)
    viewer.window.resize(1600, 1000)
    wait(lambda: widget.isVisible())
    viewer.window.screenshot(str(file), canvas_only=False, flash=False)
    print(file)
    viewer.close()
    return file


def _read(folder: Path, reader: str, grades: dict[tuple[str, str], int], slips: int) -> None:
    """A whole reading without its window; every so many pairs (`slips`) are graded a step away from the truth."""
    study = Study.open(folder)
    for place, showing in enumerate(study.reading_list(reader)):
        grade = grades.get((showing.synthetic, showing.training), 1)
        if place % slips == slips - 1:
            grade = grade - 1 if grade > 1 else 2
        study.rate(
            showing, grade, reader=reader, session="pictures", order_index=place, confidence=3, seconds=20.0,
            comment="same sulci" if grade >= 3 else "",
        )  # fmt: skip
    study.close()


def _open(folder: Path, reader: str, *, blinded: bool, round: str = "first") -> tuple[napari.Viewer, Review]:
    viewer = open_review(folder, reader=reader, blinded=blinded, round=round)
    widget = viewer.window.dock_widgets[WIDGET_NAME]
    wait(lambda: widget.review is not None)
    wait(idle(widget.review))
    return viewer, widget.review


def _take(viewer: napari.Viewer, review: Review, file: Path) -> Path:
    take(viewer, review, file)
    return file
