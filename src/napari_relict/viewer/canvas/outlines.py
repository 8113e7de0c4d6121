"""Outlines of the segmentations: of all labels or of one alone, in slices; in volumes, surfaces of what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_relict.measures.segmentation import OTHER_LABEL, label_difference
from napari_relict.viewer.canvas.cells import nothing, set_visible
from napari_relict.viewer.pair.difference import surfaces

if TYPE_CHECKING:
    from napari_relict.viewer.canvas.scene import ReviewScene


class Outlines:
    """`visible` and `label` say what is outlined; they stay from pair to pair."""

    def __init__(self, scene: ReviewScene) -> None:
        self._scene = scene
        self.visible = True
        self.label: int | None = None  # the one label that is outlined; None: all

    # What keys do -------------------------------------------------------------------------------------------
    def toggle(self) -> None:
        self.visible = not self.visible
        self._scene.apply_look()

    def next(self) -> None:
        """Outline one label alone, the next one each time, then all again."""
        images = self._scene.images
        if images is None or images.left_labels is None or images.right_labels is None:
            return
        sides = (images.left_labels, images.right_labels)
        # Counting is much faster than sorting the voxels.
        present = sorted({int(v) for side in sides for v in np.flatnonzero(np.bincount(side.ravel())) if v})
        self.show(next((value for value in present if value > (self.label or 0)), None))

    def show(self, label: int | None) -> None:
        """Outline this label alone; None: all of them."""
        self.label = label
        if self._scene.images is not None:
            self.swap()
            self._scene.apply_look()

    def inspect(self, label: int) -> None:
        """Outline this label alone and go where it differs most."""
        self.visible = True
        self.show(label)
        self._scene.pointer.jump()

    # What the scene asks --------------------------------------------------------------------------------------
    def compared(self) -> Any:
        """The difference of the segmentations as outlined: of all labels, or of the one alone; None without any."""
        images = self._scene.images
        if images is None or images.label_difference is None or self.label is None:
            return None if images is None else images.label_difference
        return label_difference(images.left_labels, images.right_labels, self.label)

    def swap(self) -> None:
        """Segmentations of the pair, or what the one chosen label leaves of them."""
        images, annotations = self._scene.images, self._scene.annotations
        assert images is not None and annotations is not None
        _, left, _, right, _, _ = self._scene.layers
        for layer, labels in ((left, images.left_labels), (right, images.right_labels)):
            if labels is None:
                layer.data = nothing(images)
            else:
                layer.data = labels if self.label is None else np.where(labels == self.label, labels, 0)
        annotations.set_label(self.label)

    def update(self) -> None:
        """Slices or volumes, on or off.

        In 3D only what one side clearly has alone is drawn, as surfaces: all else would hide it, or hide the images.
        """
        images, annotations, in_3d = self._scene.images, self._scene.annotations, self._scene.in_3d
        assert images is not None and annotations is not None
        _, left, _, right, _, outlines = self._scene.layers
        compared = self.compared()
        if compared is None:
            outlines.data = nothing(images).astype(np.uint8)
        else:
            outlines.data = surfaces(compared) if in_3d else compared
        for layer in (left, right):
            set_visible(layer, self.visible and not in_3d)
        set_visible(outlines, self.visible)
        in_slices = compared is not None and self.visible and not in_3d
        annotations.show_kinds(both=in_slices, other=in_slices and bool((compared == OTHER_LABEL).any()))
        if not in_3d:
            for layer in (left, right, outlines):
                layer.contour = 1
