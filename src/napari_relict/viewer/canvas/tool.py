"""What every tool of the canvas is: it is bound to layers once, draws when the state changes, and lets go again."""

from __future__ import annotations

from typing import ClassVar

from napari.components import ViewerModel

from napari_relict.viewer.canvas.cells import Cells
from napari_relict.viewer.canvas.state import CanvasState
from napari_relict.viewer.pair.pair import PairImages


class Tool:
    """`bind` and `unbind` are the only places where a tool connects and disconnects; both may be extended.

    Attributes
    ----------
    listens_to : names of the fields of the state after whose change `update` is called, once a change.
    """

    listens_to: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, state: CanvasState, viewer: ViewerModel) -> None:
        self.state, self.viewer = state, viewer
        self._cells: Cells | None = None

    def bind(self, cells: Cells) -> None:
        """Draw into these layers from now on. Tools draw in the order in which they are bound."""
        self._cells = cells
        self.state.changed.connect(self._on_changed)

    def unbind(self) -> None:
        self.state.changed.disconnect(self._on_changed)
        self._cells = None

    def update(self, cells: Cells, images: PairImages, names: frozenset[str]) -> None:
        """Draw what these fields say now."""

    def _on_changed(self, names: frozenset[str]) -> None:
        images = self.state.images
        if self._cells is not None and images is not None and names & self.listens_to:
            self.update(self._cells, images, names)
