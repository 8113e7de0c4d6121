"""Ways to render volumes."""

from __future__ import annotations

from enum import StrEnum


class Rendering(StrEnum):
    """How volumes are seen through, as napari calls it."""

    ATTENUATED = "attenuated_mip"
    MAXIMUM = "mip"

    @property
    def shown(self) -> str:
        return "Attenuated maximum" if self is Rendering.ATTENUATED else "Maximum"
