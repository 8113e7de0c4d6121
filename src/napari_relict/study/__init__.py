"""What a study is on disk: settings, database, reading lists. `Study` is the way in."""

from napari_relict.study.ratings import Pair
from napari_relict.study.settings import Settings
from napari_relict.study.study import Study

__all__ = ["Pair", "Settings", "Study"]
