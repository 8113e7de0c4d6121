"""What a study is on disk: settings, database, reading lists. `Study` is the way in."""

from napari_relict.study.kit import Kit
from napari_relict.study.opening import open_reading
from napari_relict.study.reading import ROUNDS, Pair, Showing
from napari_relict.study.regions import MarkedRegion
from napari_relict.study.settings import Settings
from napari_relict.study.study import Study

__all__ = ["ROUNDS", "Kit", "MarkedRegion", "Pair", "Settings", "Showing", "Study", "open_reading"]
