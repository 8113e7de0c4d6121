"""Builds the demo: cohorts of head and body volumes with known copies among them, out of a few real volumes.

Nothing here knows a screen or a study. `build_demo` and `build_ct_demo` write folders of volumes,
segmentations and tables; whoever called them makes a study of these.
"""

from napari_relict.demo.build import (
    CT_SIZES,
    HEAD_SIZES,
    DemoFolders,
    build_ct_demo,
    build_demo,
)
from napari_relict.demo.plan import DemoSizes

__all__ = ["CT_SIZES", "HEAD_SIZES", "DemoFolders", "DemoSizes", "build_ct_demo", "build_demo"]
