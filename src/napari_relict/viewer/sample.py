"""Sample data for napari's File menu: the demo study's first pair, and the study itself opened for reading."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np

from napari_relict.errors import DataError
from napari_relict.files.package_files import cache_folder

if TYPE_CHECKING:
    from napari_relict.study import Study

#: What `napari-relict demo` calls its study when no other folder is named.
DEMO_STUDY = "demo-study"


def demo_folder() -> Path:
    """The demo study where napari was started, else the one in the cache folder (which may not be there)."""
    here = Path.cwd() / DEMO_STUDY
    return here if (here / "study.toml").exists() else cache_folder() / DEMO_STUDY


def demo_pair() -> list[tuple[Any, dict[str, Any], str]]:
    """The rank-1 pair of the first synthetic volume, as layers; in a napari window the demo study opens as well.

    While the study is read, these layers are put aside; they are back when its dock is closed.

    Raises
    ------
    DataError : no demo study here; says how to get one. napari shows it as a notification.
    """
    from napari_relict.study import Study

    folder = demo_folder()
    if not (folder / "study.toml").exists():
        raise DataError(folder, "the demo has not been built yet", "run: napari-relict demo")
    study = Study.open(folder)
    try:
        layers = pair_layers(study)
    finally:
        study.close()
    viewer = napari.current_viewer()
    if viewer is not None:
        _, widget = viewer.window.add_plugin_dock_widget("napari-relict", "Review copies")
        widget.open_folder(folder)
    return layers


def pair_layers(study: Study) -> list[tuple[Any, dict[str, Any], str]]:
    """Layer tuples of the study's first pair: images and, where there are any, segmentations.

    The copies outlive the study.
    """
    matches = study.matches()
    if not len(matches):
        raise DataError(study.folder, "has no matches yet", "run: napari-relict match")
    first = matches[matches["rank"] == 1].iloc[0]
    layers: list[tuple[Any, dict[str, Any], str]] = []
    for cohort, name in (("synthetic", first["synthetic"]), ("training", first["training"])):
        volume = study.volume(cohort, name)
        title = f"{cohort.capitalize()}  {name}"
        layers.append(
            (np.array(volume.image), {"scale": volume.spacing, "contrast_limits": (0.0, 1.0), "name": title}, "image")
        )
        if volume.labels is not None:
            about = {"scale": volume.spacing, "opacity": 0.5, "name": f"{title}  segmentation"}
            layers.append((np.array(volume.labels), about, "labels"))
    return layers
