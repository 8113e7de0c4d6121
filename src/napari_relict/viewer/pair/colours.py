"""Colours of the three cells. Orange is the left cell and blue the right one, in images and outlines alike.

Orange and blue stay apart in every common colour blindness, and the legend names them with a shape.
"""

from __future__ import annotations

import numpy as np
from napari.utils import Colormap, DirectLabelColormap

from napari_relict.measures.segmentation import BOTH, ONLY_LEFT, ONLY_RIGHT, OTHER_LABEL

LEFT, RIGHT = (1.0, 0.62, 0.16), (0.33, 0.67, 1.0)
IN_BOTH, OTHER = (0.62, 0.62, 0.62), (0.85, 0.45, 0.95)
#: Line art: the crosshair, regions that the reader marked (their shapes and numbers say what they are).
CROSSHAIR, REGION, SPLIT = (0.45, 1.0, 0.55, 0.8), (1.0, 0.93, 0.3, 1.0), (1.0, 1.0, 1.0, 0.9)


def diverging(power: float = 1.0) -> Colormap:
    """Right colour - nothing - left colour. Zero is transparent, so dark stays dark.

    `power` above 1 thins out small differences; volumes need it, for there they add up along the view.
    """
    steps = np.linspace(-1, 1, 65)
    colours = np.where(steps[:, None] < 0, np.array(RIGHT), np.array(LEFT))
    return Colormap(np.column_stack([colours, np.abs(steps) ** power]), name=f"relict difference {power:g}")


def difference_labels() -> DirectLabelColormap:
    """Outlines of the segmentation difference."""
    return DirectLabelColormap(
        color_dict={
            None: (0, 0, 0, 0),
            BOTH: (*IN_BOTH, 0.3),
            ONLY_LEFT: (*LEFT, 1),
            ONLY_RIGHT: (*RIGHT, 1),
            # With tissue classes most borders are of this kind: faint, or they would drown the rest.
            OTHER_LABEL: (*OTHER, 0.2),
        }
    )


def complement(colour: tuple[float, float, float]) -> tuple[float, float, float]:
    """The colour that makes white with this one: equal brightness of both is grey."""
    return 1 - colour[0], 1 - colour[1], 1 - colour[2]


def ramp(colour: tuple[float, float, float]) -> Colormap:
    """Black to this colour."""
    name = "relict " + " ".join(f"{part:.2f}" for part in colour)
    return Colormap(np.array([(0, 0, 0, 1), (*colour, 1)], float), name=name)
