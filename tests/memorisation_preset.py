"""A preset of a study of memorisation that trains within seconds."""

from __future__ import annotations

from napari_relict.memorisation import Preset
from napari_relict.memorisation.generators import Widths

SHAPE = (16, 16, 16)
TINY = Preset(
    longest=16,
    blocks=4,
    widths=dict.fromkeys(("small", "medium", "large"), Widths((8,), (8,), (4, 8), 4)),
    autoencoder_steps=4,
    steps=6,
    direct_steps={"vae": 4, "gan": 4},
    batch=4,
    lengths=(0.5, 1.0),
    shares=(0.5, 0.8, 1.0),
    encoded=2,
    synthetic=12,
    sampling_steps=3,
)
