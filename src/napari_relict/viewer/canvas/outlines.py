"""Outlines of the segmentations: of all labels or of one alone, in slices; in volumes, surfaces of what differs."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from napari_relict.viewer.canvas.cells import Cells, nothing, set_visible
from napari_relict.viewer.canvas.tool import Tool
from napari_relict.viewer.pair.difference import surfaces
from napari_relict.viewer.pair.pair import PairImages


class Outlines(Tool):
    """What is outlined stays from pair to pair."""

    listens_to: ClassVar[frozenset[str]] = frozenset({"images", "label", "outlined", "in_3d"})

    # What keys do -------------------------------------------------------------------------------------------
    def toggle(self) -> None:
        self.state.outlined = not self.state.outlined

    def next(self) -> None:
        """Outline one label alone, the next one each time, then all again."""
        images, label = self.state.images, self.state.label
        if images is None or images.left_labels is None or images.right_labels is None:
            return
        sides = (images.left_labels, images.right_labels)
        # Counting is much faster than sorting the voxels.
        present = sorted({int(v) for side in sides for v in np.flatnonzero(np.bincount(side.ravel())) if v})
        self.state.label = next((value for value in present if value > (label or 0)), None)

    # Drawing ------------------------------------------------------------------------------------------------
    def update(self, cells: Cells, images: PairImages, names: frozenset[str]) -> None:
        """Segmentations of the pair, or what the one chosen label leaves of them; slices or volumes, on or off.

        In 3D only what one side clearly has alone is drawn, as surfaces: all else would hide it, or hide the images.
        """
        state = self.state
        _, left, _, right, _, outlines = cells.pictures
        if names & {"images", "label"}:
            for layer, labels in ((left, images.left_labels), (right, images.right_labels)):
                if labels is None:
                    layer.data = nothing(images)
                else:
                    layer.data = labels if state.label is None else np.where(labels == state.label, labels, 0)
        if names & {"images", "label", "in_3d"}:
            compared = state.label_difference
            if compared is None:
                outlines.data = nothing(images).astype(np.uint8)
            else:
                outlines.data = surfaces(compared) if state.in_3d else compared
        for layer in (left, right):
            set_visible(layer, state.outlined and not state.in_3d)
        set_visible(outlines, state.outlined)
        if not state.in_3d:
            for layer in (left, right, outlines):
                layer.contour = 1
