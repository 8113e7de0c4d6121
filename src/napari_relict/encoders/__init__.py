"""A volume -> a vector. One file an encoder; `registry.py` knows them all. torch is imported on first use only."""

from napari_relict.encoders.contract import Encoder
from napari_relict.encoders.embeddings import EmbeddingCache, embed
from napari_relict.encoders.registry import encoder_names, open_encoder

__all__ = ["EmbeddingCache", "Encoder", "embed", "encoder_names", "open_encoder"]
