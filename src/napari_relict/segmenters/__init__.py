"""A volume -> a label map, for cohorts that have none. One file a segmenter; `registry.py` knows them all."""

from napari_relict.segmenters.contract import SegmenterKind, Segmenting
from napari_relict.segmenters.registry import SEGMENTERS, open_segmenter

__all__ = ["SEGMENTERS", "SegmenterKind", "Segmenting", "open_segmenter"]
