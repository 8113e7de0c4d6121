"""An afternoon in the reading room: `python afternoon.py STUDY READER [--die-after N] [--round ROUND]`.

Opens the real window and rates by the actions that keys stand for, with an undo and a pause on the way. With
`--die-after` the process kills itself with a draft on the screen. Prints one line of JSON at the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from napari_relict.viewer.plugin import WIDGET_NAME, open_review
from napari_relict.viewer.screenshots.window import wait


def grade_of(reader: str, synthetic: str, repeat: bool) -> int:
    """Copies are 4, the others 1; one in twelve pairs is seen otherwise, by each reader and showing another one."""
    grade = 4 if synthetic.startswith("copy") else 1
    slip = hashlib.sha256(f"{reader} {synthetic} {repeat}".encode()).digest()[0] % 12 == 0
    return {4: 3, 1: 2}[grade] if slip else grade


def rate_all(review: Any, reader: str, die_after: int | None) -> dict[str, Any]:
    session, seconds, rated = review.session, [], 0
    while session.progress()[0] < session.progress()[1]:
        pair = session.pair
        review.act(f"grade_{grade_of(reader, pair.synthetic, pair.repeat)}")
        review.act("confidence_5" if rated % 3 else "confidence_1")
        if rated % 5 == 0:
            review.act("criterion_1")
        if rated == die_after:
            # A draft is on screen and kept; then the power goes.
            wait(lambda: not review.keeping.timer.isActive() and review.idle)
            print(json.dumps({"rated": rated, "open": [pair.synthetic, pair.training, pair.repeat]}), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        review.act("proceed")
        rated += 1
        if rated == 10:
            review.act("undo")
            wait(lambda: review.idle)
            review.act(f"grade_{grade_of(reader, session.pair.synthetic, session.pair.repeat)}")
            review.act("proceed")
        if rated == 5:
            review.act("pause")
            review.act("pause")
        begin = time.perf_counter()
        review.act("proceed")
        wait(lambda: not review.loading)
        seconds.append(time.perf_counter() - begin)
    return {"rated": rated, "median_ms": 1000 * sorted(seconds)[len(seconds) // 2]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("study", type=Path)
    parser.add_argument("reader")
    parser.add_argument("--die-after", type=int)
    parser.add_argument("--round", default="first")
    given = parser.parse_args()
    viewer = open_review(given.study, reader=given.reader, round=given.round)
    viewer.window.resize(1000, 700)  # software draws every pixel
    widget = viewer.window.dock_widgets[WIDGET_NAME]
    wait(lambda: widget.review is not None)
    wait(lambda: widget.review.idle)
    review = widget.review
    begun = {
        "open": [review.session.pair.synthetic, review.session.pair.training, review.session.pair.repeat],
        "done": review.session.progress()[0],
        "grade": review.session.draft.grade,
        "confidence": review.session.draft.confidence,
    }
    done = rate_all(review, given.reader, given.die_after)
    wait(lambda: review.idle)
    widget.stop()
    viewer.close()
    print(json.dumps({"begun": begun, **done}), flush=True)


if __name__ == "__main__":
    main()
    sys.exit(0)
