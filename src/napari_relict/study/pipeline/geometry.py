"""Geometry as evidence, in a study: what its training volumes look like, and how its other cohorts lie."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from napari_relict.errors import DataError, disk_faults
from napari_relict.jobs.executors import workforce
from napari_relict.jobs.progress import Progress, silent
from napari_relict.records.settings import GeometrySettings
from napari_relict.volumes.cohort import PreparedCohort
from napari_relict.volumes.finding import VolumeFile
from napari_relict.volumes.geometry import Evidence, Norm, Vote, evidence_of, norm_of, vote
from napari_relict.volumes.reading import read_volume

VOTERS = 24  # volumes of a cohort that are looked at
FILE = "geometry.npz"  # beside the prepared volumes
NAMED = 5  # volumes that are named in one line


def training_norm(files: Sequence[VolumeFile], folder: Path, progress: Progress = silent) -> Norm | None:
    """What the training volumes look like; made once and kept, so that more of them turn nobody else.

    Parameters
    ----------
    files : sequence of VolumeFile
        The training volumes.
    folder : Path
        The study's `volumes/`.
    progress : Progress

    Raises
    ------
    DataError
        The disk is at fault.
    """
    path = folder / FILE
    if path.exists():
        try:
            with np.load(path) as kept:
                return Norm(kept["cube"], kept["spread"], kept["spacing"], float(kept["least"]))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):  # damaged: made anew
            pass
    norm = seen_norm(files, progress)
    if norm is not None:
        keep_norm(norm, folder)
    return norm


def seen_norm(files: Sequence[VolumeFile], progress: Progress = silent) -> Norm | None:
    """What the training volumes look like, nothing kept; None where none shows a body."""
    return norm_of(_looked_at(files, "geometry of training", progress))


def keep_norm(norm: Norm, folder: Path) -> None:
    """Keep it for `training_norm`.

    Raises
    ------
    DataError
        The disk is at fault.
    """
    path = folder / FILE
    unfinished = path.with_suffix(".part.npz")
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(unfinished, cube=norm.cube, spread=norm.spread, spacing=norm.spacing, least=norm.least)
        unfinished.replace(path)


def vote_on(
    cohort: str, files: Sequence[VolumeFile], norm: Norm, progress: Progress = silent
) -> tuple[GeometrySettings | None, str]:
    """How a cohort lies, where that is otherwise than its files say, and what is to be said of it in one line.

    Parameters
    ----------
    cohort : str
    files : sequence of VolumeFile
    norm : Norm
        Of the training volumes.
    progress : Progress

    Returns
    -------
    GeometrySettings or None
        None: the files are believed.
    str
        "" likewise.
    """
    seen = _looked_at(files, f"geometry of {cohort}", progress)
    told = sum(not one.lost for one in seen) * 2 > len(seen) or all(file.spacing is not None for file in files)
    found = vote(seen, norm, told=told)
    if found.orientation is None and found.spacing is None:
        return None, ""
    settings = GeometrySettings(
        orientation=None if found.orientation is None else found.orientation.code, spacing=found.spacing
    )
    return settings, _said(cohort, len(files), found)


def _said(cohort: str, volumes: int, found: Vote) -> str:
    """In one line, with how to insist on the files."""
    lies = []
    if found.orientation is not None:
        lies.append(f"with axes that grow to {found.orientation.code}")
    if found.spacing is not None:
        lies.append(f"with voxels of {' x '.join(f'{mm:g}' for mm in found.spacing)} mm (z, y, x)")
    return (
        f"the {volumes} {cohort} volumes lie beside the training volumes {' and '.join(lies)}, as {found.share:.0%} of"
        f" {found.volumes} looked at show: compared so; --geometry header believes the files"
    )


def turned_volumes(cohorts: Mapping[str, PreparedCohort]) -> list[str]:
    """A line for each cohort of which single volumes were turned, for they lie otherwise than their files say."""
    notes = []
    for name, cohort in cohorts.items():
        turned = {row.name: row.turned for row in cohort.rows.values() if row.turned}
        if turned:
            first = ", ".join(f"{volume} ({code})" for volume, code in list(turned.items())[:NAMED])
            notes.append(
                f"{len(turned)} of {len(cohort)} {name} volumes lie otherwise than their files say and were turned:"
                f" {first}{', ...' if len(turned) > NAMED else ''}"
            )
    return notes


def _looked_at(files: Sequence[VolumeFile], stage: str, progress: Progress) -> list[Evidence]:
    """Evidence of some volumes, spread evenly over all; those that cannot be read are said elsewhere."""
    chosen = list(files[:: max(1, len(files) // VOTERS)][:VOTERS])
    seen = []
    with workforce() as crew:
        for done, one in enumerate(crew.in_order(_evidence, chosen), start=1):
            progress(stage, done, len(chosen))
            if one is not None:
                seen.append(one)
    return seen


def _evidence(file: VolumeFile) -> Evidence | None:
    try:
        return evidence_of(read_volume(file))
    except DataError:
        return None
