"""A volume -> a vector. One file a kind; `registry.py` knows them all. torch is imported on first use only."""

from napari_relict.encoders.contract import Encoder, EncoderKind, Needs
from napari_relict.encoders.embeddings import EmbeddingCache, embed
from napari_relict.encoders.registry import KINDS, check_device, open_encoder

__all__ = ["KINDS", "EmbeddingCache", "Encoder", "EncoderKind", "Needs", "check_device", "embed", "open_encoder"]
