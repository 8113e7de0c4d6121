"""What the scene says in words and letters: titles, edge letters, legend, slice, window, place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_relict.viewer.pair import modes
from napari_relict.viewer.pair.framing import share_of
from napari_relict.viewer.pair.planes import VIEWS, marks_in_3d, place_text
from napari_relict.viewer.pair.window_level import window_text

if TYPE_CHECKING:
    from napari_relict.viewer.canvas.scene import ReviewScene


def lies(*, registered: bool, alignable: bool) -> str:
    """How the right-hand volume lies; nothing where the study does not know it."""
    if not alignable:
        return ""
    return "(registered)" if registered else "(as it lies, not registered)"


class Writing:
    """Keeps the scene's words up to date; every method says anew what it is about."""

    def __init__(self, scene: ReviewScene) -> None:
        self._scene = scene

    def titles(self) -> None:
        """Titles of the cells, and the legend that belongs to the third one's."""
        scene = self._scene
        if scene.cells is None or scene.annotations is None or scene.images is None:
            return
        texts, images, mode = scene.texts, scene.images, scene.third.mode
        third = modes.title(
            mode,
            texts.difference,
            texts.left_side,
            texts.right_side,
            on_right=scene.third.on_right,
            in_3d=scene.in_3d,
        )
        scene.cells.set_titles((texts.left, texts.right, third))
        scene.cells.set_note(lies(registered=images.registered, alignable=images.alignable))
        scene.annotations.set_legend(
            *modes.legend(
                modes.drawn(mode, scene.in_3d),
                texts.left_side,
                texts.right_side,
                outlines=images.label_difference is not None and scene.outlines.visible,
            )
        )

    def marks(self) -> None:
        """Letters at the edges; in volumes they follow the camera."""
        scene = self._scene
        if scene.cells is None or scene.images is None:
            return
        marks = VIEWS[scene.plane].marks
        if scene.in_3d:
            camera = scene.viewer.scene.camera
            marks = marks_in_3d(camera.view_direction, camera.up_direction)
        shows_right = modes.drawn(scene.third.mode, scene.in_3d) is modes.Mode.AB and scene.third.on_right
        scene.cells.set_marks(marks, right_mirrored=scene.images.key.mirrored, third_mirrored=shows_right)

    def place(self) -> None:
        """Slice on screen, window, and where the crosshair stands."""
        scene = self._scene
        if scene.annotations is None or scene.images is None:
            return
        write, images = scene.annotations, scene.images
        write.set_window(scene.rendering.shown if scene.in_3d else window_text(scene.windows.window, images.unit))
        if scene.in_3d:
            write.set_slice("3D")
            write.set_place("")
            return
        steps, axis = scene.viewer.dims.current_step, scene.viewer.dims.order[0]
        mm = steps[axis] * images.spacing[axis]
        write.set_slice(f"{scene.plane.capitalize()}  {steps[axis] + 1} / {images.left.shape[axis]}   {mm:.0f} mm")
        at = (steps[0], steps[1], steps[2])
        write.set_place(place_text(at, images.left.shape, images.spacing) if scene.pointer.visible else "")

    def fit(self, cell: tuple[float, float]) -> None:
        """Smaller letters in small cells, so that titles and legend stay inside their own."""
        scene, share = self._scene, share_of(cell)
        if scene.cells is not None and scene.annotations is not None:
            scene.cells.scale_texts(share)
            scene.annotations.scale(share)
