"""What is done to real volumes, with known strength, to see which metrics see it."""

from napari_relict.quality.alterations.registry import ALTERATIONS, Alteration
from napari_relict.quality.alterations.subject import Subject

__all__ = ["ALTERATIONS", "Alteration", "Subject"]
