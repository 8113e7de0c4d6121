"""A preset of a study of memorisation that trains within seconds."""

from __future__ import annotations

from napari_relict.memorisation import Preset
from napari_relict.memorisation.generators import Widths

SHAPE = (16, 16, 16)
TINY = Preset(
    longest=16,
    blocks=4,
    widths=dict.fromkeys(("small", "medium", "large"), Widths((8,), (8,), (4, 8), 4)),
    autoencoder_steps=2,
    steps=4,
    direct_steps={"vae": 2, "gan": 2},
    batch=4,
    lengths=(0.5, 1.0),
    shares=(0.5, 0.8, 1.0),
    encoded=2,
    synthetic=10,
    sampling_steps=2,
)
