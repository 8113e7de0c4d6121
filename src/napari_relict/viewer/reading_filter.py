"""Parts of a reading list that a reader may want to go through by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from napari_relict.viewer.draft import Draft


@dataclass(frozen=True)
class Filter:
    """Which showings are kept, given what the reader said of them and whether they were put off."""

    name: str
    title: str
    keeps: Callable[[Draft | None, bool], bool]


def _unsure(said: Draft | None) -> bool:
    return said is not None and said.confidence == 1


FILTERS = (
    Filter("all", "All pairs", lambda said, later: True),
    Filter("open", "Still to rate", lambda said, later: said is None),
    Filter("later", "Put off", lambda said, later: later),
    Filter("replicas", "Rated 3 or 4", lambda said, later: said is not None and (said.grade or 0) >= 3),
    Filter("unsure", "Low confidence", lambda said, later: _unsure(said)),
    Filter("commented", "With comment or region", lambda said, later: said is not None and said.noted),
)
