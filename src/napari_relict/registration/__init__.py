"""One volume brought onto another: Gauss-Newton on the correlation, coarse to fine, compiled; knows arrays alone."""

from napari_relict.registration.engine import Contrast, Registered, register
from napari_relict.registration.pyramid import Pyramid
from napari_relict.registration.transforms import Kind

__all__ = ["Contrast", "Kind", "Pyramid", "Registered", "register"]
