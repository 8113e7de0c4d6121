"""Two volumes -> a number. One file a level; `registry.py` lists every measure."""

from napari_relict.measures.registry import LEVELS, Level, Measure, all_measures, choose_measures

__all__ = ["LEVELS", "Level", "Measure", "all_measures", "choose_measures"]
