"""What is written on the canvas: slice position, window, place of the crosshair, legend of the third cell.

These are canvas text overlays. They stand at the corners of the whole canvas, which puts the slice position
into the left cell and the legend into the difference cell. Titles and letters differ by cell: see `cells`.
"""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.components.overlays import TextOverlay

from napari_relict.viewer.pair import colours


class Annotations:
    """Texts of one canvas; `close` takes them off again."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self.texts: dict[str, TextOverlay] = {}
        self._sizes: dict[str, int] = {}
        # Texts of one corner stack upwards in the order in which they are made. The lowest line of each cell
        # is left to the letter at its edge.
        for corner in ("bottom_left", "bottom_right"):
            self._add(f"room_{corner}", corner, "white", 12)
            self.texts[f"room_{corner}"].text = " "
        self._add("place", "bottom_left", (*colours.CROSSHAIR[:3], 1), 9)
        self._add("window", "bottom_left", "white", 9)
        self._add("slice", "bottom_left", "white", 10)
        self._add("label", "bottom_left", "white", 9)
        self._add("only_right", "bottom_right", (*colours.RIGHT, 1), 8)
        self._add("only_left", "bottom_right", (*colours.LEFT, 1), 8)
        self._add("both", "bottom_right", (*colours.IN_BOTH, 1), 8)
        self._add("other", "bottom_right", (*colours.OTHER, 1), 8)
        tiling = viewer.canvas.overlay_tiling
        self._tiling = tiling.bottom_left, tiling.padding
        viewer.canvas.overlay_tiling.bottom_left = "vertical"
        self.texts["both"].text = "■ outline in both"
        self.texts["other"].text = "◆ outline of another label"

    def set_slice(self, text: str) -> None:
        self.texts["slice"].text = text

    def set_window(self, text: str) -> None:
        self.texts["window"].text = text

    def set_place(self, text: str) -> None:
        """Where the crosshair stands; empty while there is none."""
        self.texts["place"].text = text
        self.texts["place"].visible = bool(text)

    def set_legend(self, left: str, right: str) -> None:
        """What the colours of the left and of the right side mean."""
        self.texts["only_left"].text, self.texts["only_right"].text = left, right

    def show_kinds(self, *, both: bool, other: bool) -> None:
        """Explain only those kinds of outline that are drawn."""
        self.texts["both"].visible, self.texts["other"].visible = both, other

    def set_label(self, label: int | None) -> None:
        """Say which label is outlined alone; None: all are, which needs no words."""
        self.texts["label"].visible = label is not None
        self.texts["label"].text = f"label {label} alone"

    def scale(self, share: float) -> None:
        """Write everything at this share of its full size."""
        for key, text in self.texts.items():
            text.font_size = self._sizes[key] * share
        # Between the lines; in low cells they have to stand closer.
        self._viewer.canvas.overlay_tiling.padding = (10.0, max(2.0, 10.0 * (2 * share - 1)))

    def close(self) -> None:
        tiling = self._viewer.canvas.overlay_tiling
        tiling.bottom_left, tiling.padding = self._tiling
        for key in self.texts:
            self._viewer.canvas.overlays.pop(f"relict_{key}", None)
        self.texts.clear()

    def _add(self, key: str, position: str, colour: Any, size: int) -> None:
        overlay = TextOverlay(position=position, color=colour, font_size=size, box=False)
        self.texts[key] = overlay
        self._sizes[key] = size
        self._viewer.canvas.overlays[f"relict_{key}"] = overlay
        overlay.visible = True
