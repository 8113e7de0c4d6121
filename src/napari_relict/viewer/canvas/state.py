"""What the canvas shows, as values that tell when they change. Tools listen to it and draw; none of them is called.

Where the slices stand is not kept here: it is napari's own, `viewer.dims.current_step`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import numpy.typing as npt
from psygnal import EmissionInfo, Signal, SignalGroupDescriptor

from napari_relict.measures.segmentation import label_difference
from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.viewer.pair.modes import Mode, drawn
from napari_relict.viewer.pair.pair import PairImages
from napari_relict.viewer.pair.planes import Plane
from napari_relict.viewer.pair.rendering import Rendering
from napari_relict.viewer.pair.text import CellTexts
from napari_relict.viewer.pair.window_level import HOUNSFIELD, Window, Windowing, maximum_window

Value = TypeVar("Value")


@dataclass(eq=False)
class CanvasState:
    """Set a field and `changed` says its name; set several inside `together` and it says all names at once.

    All but the pair and its regions stay from pair to pair.

    Attributes
    ----------
    images, texts : the pair, and what is written over it; None until one is shown.
    plane, in_3d : which slices, or volumes.
    rendering : how volumes are seen through.
    windowing, window_dragged : the choice of the window; whether the mouse is still setting it.
    mode, on_right, split : the third cell: way to compare, whether A/B shows the right-hand volume, and where swipe
        changes sides, as a share of the anatomy.
    outlined, label : whether segmentations are shown, and the one label that is alone; None: all.
    crosshair : whether it is shown.
    regions, preview : marks of the pair, and the one that is being drawn.
    text_scale : size of what is written, as a share of its full size.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()
    changed: ClassVar[Signal] = Signal(frozenset)  # names of fields

    images: PairImages | None = None
    texts: CellTexts | None = None
    plane: Plane = Plane.AXIAL
    in_3d: bool = False
    rendering: Rendering = Rendering.ATTENUATED
    windowing: Windowing = field(default_factory=Windowing)
    window_dragged: bool = False
    mode: Mode = Mode.DIFFERENCE
    on_right: bool = False
    split: float = 0.5
    outlined: bool = True
    label: int | None = None
    crosshair: bool = False
    regions: tuple[MarkedRegion, ...] = ()
    preview: MarkedRegion | None = None
    text_scale: float = 1.0

    def __post_init__(self) -> None:
        self._kept: dict[str, tuple[object, Any]] = {}
        self._grouping = False
        self.events.connect(self._on_field)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is set inside is one change: tools draw once, at its end."""
        if self._grouping:
            yield
            return
        self._grouping = True
        try:
            with self.changed.paused(_united):
                yield
        finally:
            self._grouping = False

    # What follows from it -----------------------------------------------------------------------------------
    @property
    def drawn_mode(self) -> Mode:
        """What the third cell really shows of the mode that was asked for."""
        return drawn(self.mode, self.in_3d)

    @property
    def window(self) -> Window:
        """Black and white of the slices."""
        images, windowing = self.images, self.windowing
        if images is None:
            return 0.0, 1.0
        return self._once(
            "window",
            windowing,
            lambda: windowing.window(images.unit, (images.left, images.right), images.level),
        )

    @property
    def window_of_volumes(self) -> Window:
        """The window of volumes: the reader's is of slices, and would show air or nothing there."""
        images = self.images
        if images is None:
            return 0.0, 1.0
        if self.rendering is not Rendering.MAXIMUM or images.unit == HOUNSFIELD:
            return images.volume_window
        return self._once("maximum", None, lambda: maximum_window((images.left, images.right), images.level))

    @property
    def label_difference(self) -> npt.NDArray[Any] | None:
        """The difference of the segmentations as outlined: of all labels, or of the one alone; None without any."""
        images, label = self.images, self.label
        if images is None or images.label_difference is None or label is None:
            return None if images is None else images.label_difference
        left, right = images.left_labels, images.right_labels
        assert left is not None and right is not None, "there is no difference without both"
        return self._once("label", label, lambda: label_difference(left, right, label))

    def _once(self, name: str, of: object, work_out: Callable[[], Value]) -> Value:
        """Worked out once for the open pair and this choice: several tools ask."""
        stored = self._kept.get(name)
        if stored is None or stored[0] != of:
            stored = self._kept[name] = of, work_out()
        value: Value = stored[1]
        return value

    def _on_field(self, emission: EmissionInfo) -> None:
        if emission.signal.name == "images":
            self._kept.clear()
        self.changed.emit(frozenset({emission.signal.name}))


def _united(one: tuple[frozenset[str]], other: tuple[frozenset[str]]) -> tuple[frozenset[str]]:
    return (one[0] | other[0],)
