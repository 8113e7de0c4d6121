"""Where memorisation comes from: generators trained under different conditions, and how many patients each copies."""

from napari_relict.memorisation.factor_effects import directions
from napari_relict.memorisation.page import control_said, table_of, write_page
from napari_relict.memorisation.presets import PRESETS, Preset
from napari_relict.memorisation.running import Pool, Tables, run_all

__all__ = [
    "PRESETS",
    "Pool",
    "Preset",
    "Tables",
    "control_said",
    "directions",
    "run_all",
    "table_of",
    "write_page",
]
