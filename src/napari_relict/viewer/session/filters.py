"""Parts of a reading list that a reader may want to go through by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from napari_relict.calibration.verdicts import VERDICTS
from napari_relict.reading.reading_list import Showing
from napari_relict.viewer.session.draft import Draft


@dataclass(frozen=True)
class Filter:
    """Which showings are kept, given what the reader said of them and whether they were put off."""

    name: str
    title: str
    keeps: Callable[[Draft | None, bool], bool]


def _unsure(said: Draft | None) -> bool:
    return said is not None and said.confidence == 1


def undecided_first(order: list[Showing], verdicts: pd.DataFrame) -> list[Showing]:
    """The list with undecided volumes first, then replicas, then the others; for readers who are not blinded."""
    place = {
        name: VERDICTS.index(verdict) for name, verdict in zip(verdicts["synthetic"], verdicts["verdict"], strict=True)
    }
    return sorted(order, key=lambda showing: place.get(showing.synthetic, len(VERDICTS)))


FILTERS = (
    Filter("all", "All pairs", lambda said, later: True),
    Filter("open", "Still to rate", lambda said, later: said is None),
    Filter("later", "Put off", lambda said, later: later),
    Filter("replicas", "Rated 3 or 4", lambda said, later: said is not None and (said.grade or 0) >= 3),
    Filter("unsure", "Low confidence", lambda said, later: _unsure(said)),
    Filter("commented", "With comment or region", lambda said, later: said is not None and said.noted),
)
