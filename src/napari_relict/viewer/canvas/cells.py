"""The layers of the three cells: an image, its segmentation, what is drawn on it, and letters at the four edges.

A name overlay is the only canvas text of napari that differs by cell: it stands in its layer's cell and shows the
layer's name. Titles are the names of the images; each letter is the name of a layer that holds no points.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Image, Labels, Layer, Points, Vectors

from napari_relict.viewer.pair.colours import REGION, difference_labels, diverging
from napari_relict.viewer.pair.pair import PairImages
from napari_relict.viewer.pair.planes import Marks

_EDGES = {"left": "middle_left", "right": "middle_right", "top": "top_center", "bottom": "bottom_center"}
_TITLE_SIZE, _NOTE_SIZE, _MARK_SIZE = 12, 9, 13
#: Layers of one cell, which is the stride of the grid: image, what lies over it, segmentation, strokes, numbers.
STRIDE = 5 + len(_EDGES)


class Cells:
    """`pictures` are images and segmentations in turn, from left to right; iterating gives every layer.

    `second` is the image that lies over the third one in overlays; every cell has as many layers, so the others have
    an empty one in its place.
    """

    def __init__(self, images: PairImages) -> None:
        shared = {"scale": images.spacing}
        grey = {"interpolation2d": "linear", "rendering": "attenuated_mip", "attenuation": 0.3} | shared
        empty = nothing(images)
        self.pictures: list[Any] = [
            Image(images.left, **grey),
            Labels(empty, opacity=0.5, **shared),
            Image(images.right, **grey),
            Labels(empty, opacity=0.5, **shared),
            Image(images.difference, colormap=diverging(), contrast_limits=(-1, 1),
                  **(grey | {"rendering": "translucent"})),
            Labels(empty.astype(np.uint8), opacity=0.9, colormap=difference_labels(), **shared),
        ]  # fmt: skip
        self.second = Image(images.right, name="overlay", visible=False, blending="additive", **grey)
        self._over: list[Layer] = [Points(ndim=3, name=f"over {cell}", **shared) for cell in range(2)]
        self._over.append(self.second)
        self.strokes = [
            Vectors(ndim=3, name=f"drawn {cell}", vector_style="line", edge_color="white", **shared)
            for cell in range(3)
        ]
        self.numbers = [_numbers(cell, shared) for cell in range(3)]
        self._marks = [
            {edge: Points(ndim=3, name=f"mark {cell} {edge}", **shared) for edge in _EDGES} for cell in range(3)
        ]
        for title in self.pictures[::2]:
            _write(title, "top_left", "white", _TITLE_SIZE)
        _write(self._over[1], "top_left", "white", _NOTE_SIZE)
        for marks in self._marks:
            for edge, mark in marks.items():
                _write(mark, _EDGES[edge], "#ffe9a8", _MARK_SIZE)
        self.set_note("")

    def __iter__(self) -> Iterator[Layer]:
        for cell, marks in enumerate(self._marks):
            image, segmentation = self.pictures[2 * cell : 2 * cell + 2]
            over = self._over[cell]
            # Of what is written into one corner, the later layer stands above: the title above its note.
            yield from (image, over) if over is self.second else (over, image)
            yield from (segmentation, self.strokes[cell], self.numbers[cell])
            yield from marks.values()

    def set_titles(self, titles: tuple[str, str, str]) -> None:
        outlines = ("left outlines", "right outlines", "outlines")
        for layer, name in zip(
            self.pictures, [n for pair in zip(titles, outlines, strict=True) for n in pair], strict=True
        ):
            if layer.name != name:  # every name makes napari arrange what is written anew
                layer.name = name

    def set_note(self, text: str) -> None:
        """A line under the right-hand title. No part of the title: the status bar has one line for all of them."""
        if self._over[1].name != (text or "over 1"):
            self._over[1].name = text or "over 1"
        if self._over[1].name_overlay.visible != bool(text):
            self._over[1].name_overlay.visible = bool(text)

    @property
    def note(self) -> str:
        return str(self._over[1].name) if self._over[1].name_overlay.visible else ""

    def set_marks(self, marks: Marks, *, right_mirrored: bool, third_mirrored: bool = False) -> None:
        """Letters of all cells; those of the right one are exchanged when it shows a mirror image.

        `third_mirrored`: the third cell shows that very volume.
        """
        mirrored = (False, right_mirrored, right_mirrored and third_mirrored)
        named = [
            (layer, _padded(edge, getattr(letters, edge), cell))
            for cell, letters in enumerate(marks.mirrored() if exchanged else marks for exchanged in mirrored)
            for edge, layer in self._marks[cell].items()
        ]
        changed = [(layer, name) for layer, name in named if layer.name != name]
        for number, (layer, _) in enumerate(changed):
            layer.name = f"mark {number}"  # names are unique: first free those that change places
        for layer, name in changed:
            layer.name = name

    def marks(self, cell: int) -> Marks:
        """What stands at the edges of a cell."""
        return Marks(**{edge: layer.name.strip() for edge, layer in self._marks[cell].items()})

    def scale_texts(self, share: float) -> None:
        """Write everything at this share of its full size."""
        for title in self.pictures[::2]:
            title.name_overlay.font_size = _TITLE_SIZE * share
        self._over[1].name_overlay.font_size = _NOTE_SIZE * share
        for marks in self._marks:
            for mark in marks.values():
                mark.name_overlay.font_size = _MARK_SIZE * share


def set_visible(layer: Layer, on: bool) -> None:
    """napari lays out every cell anew whenever this is set, changed or not: a quarter of a second a time."""
    if layer.visible != on:
        layer.visible = on


def nothing(images: PairImages) -> npt.NDArray[np.uint16]:
    """An empty segmentation on the pair's grid, of the type of all segmentations.

    napari goes on drawing nothing where a layer's first labels were of another type than the later ones.
    """
    return np.zeros(images.left.shape, np.uint16)


def _numbers(cell: int, shared: dict[str, Any]) -> Points:
    """A layer for the numbers of regions: its points cannot be seen, only what is written at them."""
    written = {"string": "{number}", "color": REGION, "size": 11, "anchor": "lower_left"}
    return Points(
        np.zeros((1, 3)),
        name=f"numbers {cell}",
        features={"number": [""]},
        text=written,
        size=0.1,
        face_color="transparent",
        border_color="transparent",
        **shared,
    )


def _write(layer: Layer, position: str, colour: str, size: float) -> None:
    text = layer.name_overlay
    text.position, text.color, text.box, text.font_size = position, colour, False, size
    text.visible = True


def _padded(edge: str, letter: str, cell: int) -> str:
    """Layers' names are unique: the same letter has one more space in every cell, where it moves nothing."""
    pad = " " * cell
    if edge == "left":
        return letter + pad
    if edge == "right":
        return pad + letter
    # The title has the first line of the cell.
    return f"\n{pad}{letter}{pad}" if edge == "top" else pad + letter + pad
