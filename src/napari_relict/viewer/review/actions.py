"""What each key and button does: the name of an action -> a call of session, scene or review."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from napari_relict.viewer.data_models.candidates import MOST
from napari_relict.viewer.pair.planes import Plane
from napari_relict.viewer.review.controls import Controls
from napari_relict.viewer.session.draft import CONFIDENCES, GRADES
from napari_relict.viewer.session.keys import KEYS

#: Actions that make sense before both volumes are on screen, and during a pause.
WITHOUT_PICTURES = {"back", "next", "help", "comment", "undo", "pause"}
WHILE_PAUSED = {"pause", "help"}
#: What speaks of the pair, which is not on screen while an alteration is played.
OF_THE_PAIR = {key.action for key in KEYS if key.group == "Rate"} | {"mark", "unmark", "registered"}


def actions_of(review: Controls) -> dict[str, Callable[[], Any]]:
    """Every action of `keys.KEYS`."""
    session, scene = review.session, review.scene
    actions: dict[str, Callable[[], Any]] = {
        "comment": review.panel.rating.focus_comment, "proceed": session.proceed, "undo": session.undo,
        "amend": session.amend, "back": session.back, "next": session.next, "later": session.review_later,
        "pause": session.pause, "filter": session.next_filter,
        "volume": scene.toggle_3d, "overlay": scene.outlines.toggle, "label": scene.outlines.next,
        "frame": scene.frame,
        "slice_up": partial(scene.step, 1), "slice_down": partial(scene.step, -1),
        "slice_up_5": partial(scene.step, 5), "slice_down_5": partial(scene.step, -5),
        "crosshair": scene.pointer.toggle, "jump": review.jump, "rendering": scene.next_rendering,
        "volumes_beside": review.toggle_volumes,
        "window_next": scene.windows.next, "window_reset": scene.windows.reset,
        "registered": review.toggle_registered, "compare_next": scene.third.next_mode,
        "ab": review.flicker.swap, "flicker": review.flicker.toggle,
        "swipe_left": partial(scene.third.move_split, -0.05), "swipe_right": partial(scene.third.move_split, 0.05),
        "mark": scene.marker.mark_point, "unmark": session.remove_region,
        "help": review.help,
    }  # fmt: skip
    actions |= {f"grade_{n}": partial(session.set_grade, n) for n in GRADES}
    actions |= {f"confidence_{n}": partial(session.set_confidence, n) for n in CONFIDENCES}
    actions |= {f"criterion_{n}": partial(review.toggle_criterion, n) for n in range(1, 6)}
    actions |= {f"candidate_{n}": partial(review.open_candidate, n) for n in range(1, MOST + 1)}
    actions |= {str(plane): partial(scene.set_plane, plane) for plane in Plane}
    return actions
