"""Where a reader looks, as plain values: kept when a session stops, given back when it goes on."""

from __future__ import annotations

from typing import Any

from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.pair.planes import Plane


def place_of(scene: ReviewScene) -> dict[str, Any]:
    """Plane, volumes or slices, and the slice of each axis; empty before anything is shown."""
    if scene.images is None:
        return {}
    at = [int(step) for step in scene.viewer.dims.current_step]
    return {"plane": str(scene.state.plane), "in_3d": scene.state.in_3d, "at": at}


def go_back_to(scene: ReviewScene, place: dict[str, Any]) -> None:
    """Look there again; a place of another grid, or one that cannot be read, changes nothing."""
    if scene.images is None or not place:
        return
    try:
        plane, at = Plane(place["plane"]), [int(step) for step in place["at"]]
    except (KeyError, TypeError, ValueError):
        return
    scene.set_plane(plane)
    if place.get("in_3d"):
        scene.set_3d(True)
    for axis, (step, side) in enumerate(zip(at, scene.images.left.shape, strict=False)):
        if 0 <= step < side:
            scene.viewer.dims.set_current_step(axis, step)
