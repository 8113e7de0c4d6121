"""Where memorisation comes from: generators trained under different conditions, and how many patients each copies."""

from napari_relict.memorisation.factor_effects import factor_effects
from napari_relict.memorisation.page import control_said, table_of, write_page
from napari_relict.memorisation.presets import PRESETS, Preset
from napari_relict.memorisation.running import GeneratorVolumes, Tables, run_all

__all__ = [
    "PRESETS",
    "GeneratorVolumes",
    "Preset",
    "Tables",
    "control_said",
    "factor_effects",
    "run_all",
    "table_of",
    "write_page",
]
