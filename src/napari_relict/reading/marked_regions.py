"""What a reader marked in a pair: points and boxes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

Kind = Literal["point", "box"]
Cell = Literal["synthetic", "training", "both"]
Millimetres = tuple[float, float, float]


@dataclass(frozen=True)
class MarkedRegion:
    """A point or box that a reader marked.

    Attributes
    ----------
    centre : mm along z, y, x on the common grid, from the middle of its first voxel, as the left cell shows it.
    size : mm along z, y, x; zeros for a point.
    on : the volume it was marked in; `both` where it was marked in the difference.

    Raises
    ------
    ValueError : another kind or volume, or numbers that are no place.
    """

    kind: Kind
    centre: Millimetres
    size: Millimetres = (0.0, 0.0, 0.0)
    on: Cell = "both"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"a region is a point or a box, not '{self.kind}'")
        if self.on not in get_args(Cell):
            raise ValueError(f"a region is marked on {', '.join(get_args(Cell))}, not '{self.on}'")
        for name in ("centre", "size"):
            values = tuple(float(value) for value in getattr(self, name))
            if len(values) != 3 or not np.isfinite(values).all() or (name == "size" and min(values) < 0):
                raise ValueError(f"the {name} of a region is three numbers in mm, not {values}")
            object.__setattr__(self, name, values)

    def to_json(self) -> dict[str, Any]:
        """A plain dict that JSON can hold."""
        return {**asdict(self), "centre": list(self.centre), "size": list(self.size)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> MarkedRegion:
        """The inverse of `to_json`.

        Raises
        ------
        ValueError : not a region.
        """
        try:
            return cls(**{**values, "centre": tuple(values["centre"])})
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a region: {values}") from error


def regions_to_text(regions: Sequence[MarkedRegion]) -> str:
    """Regions as the database, tables and files keep them: a JSON list."""
    return json.dumps([region.to_json() for region in regions])


def regions_from_text(text: str) -> list[MarkedRegion]:
    """The inverse of `regions_to_text`; empty text is no region.

    Raises
    ------
    ValueError : not a list of regions.
    """
    values = json.loads(text) if text.strip() else []
    if not isinstance(values, list):
        raise ValueError("not a list of regions")
    return [MarkedRegion.from_json(one) for one in values]
