"""Files -> volumes: reading, one common grid, and the prepared cohort on disk."""

from napari_relict.volumes.cohort import PreparedCohort, PreparedVolume
from napari_relict.volumes.finding import VolumeFile, find_volumes
from napari_relict.volumes.grid import Grid
from napari_relict.volumes.preparing import Preparation, prepare_cohort
from napari_relict.volumes.reading import read_segmentation, read_volume

__all__ = [
    "Grid",
    "Preparation",
    "PreparedCohort",
    "PreparedVolume",
    "VolumeFile",
    "find_volumes",
    "prepare_cohort",
    "read_segmentation",
    "read_volume",
]
