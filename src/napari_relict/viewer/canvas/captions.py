"""What the canvas says in words and letters: titles, edge letters, legend, slice, window, place."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from napari_relict.measures.segmentation import OTHER_LABEL
from napari_relict.viewer.canvas.annotations import Annotations
from napari_relict.viewer.canvas.cells import Cells
from napari_relict.viewer.canvas.tool import Tool
from napari_relict.viewer.pair import modes
from napari_relict.viewer.pair.pair import PairImages
from napari_relict.viewer.pair.planes import VIEWS, marks_in_3d, place_text
from napari_relict.viewer.pair.window_level import window_text

#: What changes each kind of words.
_TITLES = frozenset({"images", "texts", "mode", "on_right", "in_3d", "outlined"})
_KINDS = frozenset({"images", "label", "outlined", "in_3d"})
_MARKS = frozenset({"images", "plane", "in_3d", "mode", "on_right"})
_PLACE = frozenset({"images", "plane", "in_3d", "windowing", "rendering", "crosshair"})


def lies(*, registered: bool, alignable: bool) -> str:
    """How the right-hand volume lies; nothing where the study does not know it."""
    if not alignable:
        return ""
    return "(registered)" if registered else "(as it lies, not registered)"


class Captions(Tool):
    """Keeps the words up to date; in volumes, letters follow the camera."""

    listens_to: ClassVar[frozenset[str]] = _TITLES | _KINDS | _MARKS | _PLACE | {"text_scale"}
    annotations: Annotations | None = None

    def bind(self, cells: Cells) -> None:
        super().bind(cells)
        self.annotations = Annotations(self.viewer)
        self.annotations.scale(self.state.text_scale)
        self.viewer.dims.events.point.connect(self._on_point)
        self.viewer.scene.camera.events.angles.connect(self._on_angles)

    def unbind(self) -> None:
        self.viewer.dims.events.point.disconnect(self._on_point)
        self.viewer.scene.camera.events.angles.disconnect(self._on_angles)
        if self.annotations is not None:
            self.annotations.close()
            self.annotations = None
        super().unbind()

    def update(self, cells: Cells, images: PairImages, names: frozenset[str]) -> None:
        assert self.annotations is not None
        if names & _TITLES:
            self._write_titles(cells, self.annotations, images)
        if names & _KINDS:
            self._write_kinds(self.annotations)
        if names & _MARKS:
            self._write_marks(cells, images)
        if names & _PLACE:
            self._write_place(self.annotations, images)
        if "text_scale" in names:
            cells.scale_texts(self.state.text_scale)
            self.annotations.scale(self.state.text_scale)

    def _write_titles(self, cells: Cells, annotations: Annotations, images: PairImages) -> None:
        """Titles of the cells, and the legend that belongs to the third one's."""
        state, texts = self.state, self.state.texts
        if texts is None:
            return
        third = modes.title(
            state.mode,
            texts.difference,
            texts.left_side,
            texts.right_side,
            on_right=state.on_right,
            in_3d=state.in_3d,
        )
        cells.set_titles((texts.left, texts.right, third))
        cells.set_note(lies(registered=images.registered, alignable=images.alignable))
        outlines = images.label_difference is not None and state.outlined
        annotations.set_legend(*modes.legend(state.drawn_mode, texts.left_side, texts.right_side, outlines=outlines))

    def _write_kinds(self, annotations: Annotations) -> None:
        """Which outlines there are, and of which label."""
        state, compared = self.state, self.state.label_difference
        annotations.set_label(state.label)
        if compared is None or not state.outlined or state.in_3d:
            annotations.show_kinds(both=False, other=False)
        else:
            annotations.show_kinds(both=True, other=bool(np.any(compared == OTHER_LABEL)))

    def _write_marks(self, cells: Cells, images: PairImages) -> None:
        """Letters at the edges."""
        state, marks = self.state, VIEWS[self.state.plane].marks
        if state.in_3d:
            camera = self.viewer.scene.camera
            marks = marks_in_3d(camera.view_direction, camera.up_direction)
        shows_right = state.drawn_mode is modes.Mode.AB and state.on_right
        cells.set_marks(marks, right_mirrored=images.key.mirrored, third_mirrored=shows_right)

    def _write_place(self, annotations: Annotations, images: PairImages) -> None:
        """Slice on screen, window, and where the crosshair stands."""
        state, dims = self.state, self.viewer.dims
        annotations.set_window(state.rendering.shown if state.in_3d else window_text(state.window, images.unit))
        if state.in_3d:
            annotations.set_slice("3D")
            annotations.set_place("")
            return
        steps, axis = dims.current_step, dims.order[0]
        mm = steps[axis] * images.spacing[axis]
        annotations.set_slice(
            f"{state.plane.capitalize()}  {steps[axis] + 1} / {images.left.shape[axis]}   {mm:.0f} mm"
        )
        at = (steps[0], steps[1], steps[2])
        annotations.set_place(place_text(at, images.left.shape, images.spacing) if state.crosshair else "")

    def _on_point(self) -> None:
        if self.annotations is not None and self.state.images is not None:
            self._write_place(self.annotations, self.state.images)

    def _on_angles(self) -> None:
        if self._cells is not None and self.state.images is not None:
            self._write_marks(self._cells, self.state.images)
