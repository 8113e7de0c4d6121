"""Sample data for napari's File menu: the first pair of the demo study, if the demo was built here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.errors import DataError
from napari_relict.fetching import cache_folder

#: What `napari-relict demo` calls its study when no other folder is named.
DEMO_STUDY = "demo-study"


def demo_folder() -> Path:
    """The demo study where napari was started, else the one in the cache folder (which may not be there)."""
    here = Path.cwd() / DEMO_STUDY
    return here if (here / "study.toml").exists() else cache_folder() / DEMO_STUDY


def demo_pair() -> list[tuple[Any, dict[str, Any], str]]:
    """The rank-1 pair of the first synthetic volume, as layers: synthetic, training.

    Raises
    ------
    DataError : no demo study here; says how to get one.
    """
    from napari_relict.study import Study

    folder = demo_folder()
    if not (folder / "study.toml").exists():
        raise DataError(folder, "the demo has not been built yet", "run: napari-relict demo")
    study = Study.open(folder)
    try:
        return pair_layers(study)
    finally:
        study.close()


def pair_layers(study: Any) -> list[tuple[Any, dict[str, Any], str]]:
    """Layer tuples of the study's first pair. The copies outlive the study."""
    matches = study.matches()
    first = matches[matches["rank"] == 1].iloc[0]
    layers: list[tuple[Any, dict[str, Any], str]] = []
    for cohort, name in (("synthetic", first["synthetic"]), ("training", first["training"])):
        volume = study.volume(cohort, name)
        title = f"{cohort.capitalize()}  {name}"
        about = {"scale": volume.spacing, "contrast_limits": (0.0, 1.0), "name": title}
        layers.append((np.array(volume.image), about, "image"))
    return layers
