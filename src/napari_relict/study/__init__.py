"""What a study is on disk: settings, database, reading lists. `Study` is the way in."""

from napari_relict.reading.kit import Kit
from napari_relict.reading.marked_regions import MarkedRegion
from napari_relict.reading.reading_list import ROUNDS, Pair, Showing
from napari_relict.records.settings import Settings
from napari_relict.study.opening import open_reading
from napari_relict.study.study import Study

__all__ = ["ROUNDS", "Kit", "MarkedRegion", "Pair", "Settings", "Showing", "Study", "open_reading"]
