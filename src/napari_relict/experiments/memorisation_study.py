"""Where memorisation comes from: generators trained on a study's patients, judged by its holdout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from napari_relict.encoders.registry import check_device
from napari_relict.errors import UsageError, disk_faults
from napari_relict.experiments.quality import Gathered, gather
from napari_relict.jobs.executors import workforce
from napari_relict.jobs.progress import Progress, silent
from napari_relict.memorisation.factor_effects import FactorEffect, factor_effects
from napari_relict.memorisation.presets import PRESETS, Preset
from napari_relict.memorisation.running import FEWEST_NULL, GeneratorVolumes, run_all
from napari_relict.records.files import write_table
from napari_relict.records.reader import Stored
from napari_relict.records.settings import Settings
from napari_relict.volumes.grid import Grid

FOLDER = "memorisation-study"


@dataclass(frozen=True)
class MemorisationResult:
    """What a study of memorisation found.

    Attributes
    ----------
    folder : pathlib.Path
        Where page, plots and tables lie.
    runs, rules : pandas.DataFrame
        See `napari_relict.memorisation.Tables`.
    directions : list of FactorEffect
        What each factor did.
    notes : list of str
        What to keep in mind, in words.
    """

    folder: Path
    runs: pd.DataFrame
    rules: pd.DataFrame
    directions: list[FactorEffect]
    notes: list[str]


def run_memorisation_study(
    study: Stored,
    settings: Settings,
    to: Path | None = None,
    *,
    preset: str = "cpu",
    repeats: int | None = None,
    processes: int = 1,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress = silent,
) -> MemorisationResult:
    """Train generators with one factor changed at a time, and count the copies among what they make.

    Generators learn from the study's prepared training volumes. The null is its holdout, or, without one of
    ten patients, half of the training patients, whom no generator then sees.

    Parameters
    ----------
    study : Stored
        The study.
    settings : Settings
        Of the study.
    to : pathlib.Path, optional
        Folder for what is kept of each training, tables, plots and page; in the study when None.
    preset : str, default: 'cpu'
        How large everything is; see `napari_relict.memorisation.PRESETS`.
    repeats : int, optional
        Trainings of each setting; the preset's when None. With more than before, only those that are new are trained.
    processes : int, default: 1
        Trainings at the same time, each in a process of its own: on the CPU alone, where a training uses one core. A
        script that asks for several needs the line `if __name__ == "__main__":`, as all that start processes.
    seed : int, default: 0
        Of everything that is drawn.
    device : str, default: 'cpu'
        "cpu" or "cuda".
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    MemorisationResult
        Where it lies, and what it found.

    Raises
    ------
    DataError
        Nothing was matched yet, or too few patients.
    UsageError
        No such preset or device, no repeats, or several processes on one GPU.
    """
    from napari_relict.memorisation.page import write_page
    from napari_relict.memorisation.plots import write_plots  # matplotlib takes a while to load

    if preset not in PRESETS:
        raise UsageError(f"no preset '{preset}'; there are {', '.join(PRESETS)}")
    check_device(device)
    if repeats is not None and repeats < 1:
        raise UsageError("each setting is trained at least once")
    if processes < 1 or (processes > 1 and device != "cpu"):
        raise UsageError("on the CPU at least one process trains; on another device exactly one")
    chosen = PRESETS[preset] if repeats is None else replace(PRESETS[preset], repeats=repeats)
    folder = study.folder / FOLDER if to is None else to
    with workforce() as force:
        gathered = gather(study, force, (), leave_out=("synthetic",), seed=seed, progress=progress)
        pool, notes = pool_of(gathered, settings, chosen, seed, progress)
        tables = run_all(
            pool, chosen, folder / "runs", force,
            alpha=settings.alpha, seed=seed, device=device, processes=processes, progress=progress,
        )  # fmt: skip
    answers = factor_effects(tables.runs, chosen, pool.people)
    if chosen.repeats == 1:
        notes.append(
            "each setting was trained once: intervals hold what sampling and the null leave open, not how much "
            "trainings of one setting differ"
        )
    else:
        notes.append(
            f"each setting was trained {chosen.repeats} times, with another seed and, where it does not use all, "
            "other patients: intervals are of the mean, and at least as wide as the trainings differ"
        )
    with disk_faults(folder):
        write_table(tables.runs, folder / "runs.csv")
        write_table(tables.rules, folder / "rules.csv")
        write_plots(answers, tables.runs, folder)
        write_page(answers, tables.runs, folder, notes)
    return MemorisationResult(folder, tables.runs, tables.rules, answers, notes)


def pool_of(
    found: Gathered, settings: Settings, preset: Preset, seed: int, progress: Progress = silent
) -> tuple[GeneratorVolumes, list[str]]:
    """Bring a study's volumes onto the generators' grid.

    Parameters
    ----------
    found : Gathered
        Of `gather`.
    settings : Settings
        Of the study.
    preset : Preset
        How large everything is.
    seed : int
        Of everything that is drawn.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    tuple of (GeneratorVolumes, list of str)
        The volumes, and what has to be said of them.
    """
    grid, inner = grid_of(settings, preset)
    training, holdout = (found.pool.places(cohort) for cohort in ("training", "holdout"))
    whose = found.volumes["patient"].to_numpy(str)
    notes = []
    if len(set(whose[holdout])) < FEWEST_NULL:
        people = np.unique(whose[training])
        apart = people[np.random.default_rng([seed, 10]).permutation(len(people))[: len(people) // 2]]
        chosen = np.isin(whose[training], apart)
        training, holdout = training[~chosen], training[chosen]
        notes.append(
            f"the holdout has fewer than {FEWEST_NULL} patients: {len(apart)} of the training patients stand in for "
            "it, and no generator saw them"
        )
    total, done = len(training) + len(holdout), 0
    arrays = []
    for places in (training, holdout):
        images = np.empty((len(places), *grid.shape), np.float32)
        for row, place in enumerate(places):
            images[row] = on_grid_of(found.image(place), grid, inner)
            done += 1
            progress("volumes", done, total)
        arrays.append(images)
    return GeneratorVolumes(arrays[0], list(whose[training]), arrays[1], list(whose[holdout]), grid), notes


def grid_of(settings: Settings, preset: Preset) -> tuple[Grid, tuple[int, int, int]]:
    """Choose the generators' grid.

    Parameters
    ----------
    settings : Settings
        Of the study.
    preset : Preset
        How large everything is.

    Returns
    -------
    tuple of (Grid, tuple of 3 int)
        The grid, and how many of its voxels z, y, x the study's grid fills; the rest is black.
    """
    extents = np.multiply(settings.grid.shape, settings.grid.spacing)
    step = float(extents.max()) / preset.longest
    z, y, x = (max(1, round(mm / step)) for mm in extents)
    filled = [-(-side // preset.divisor) * preset.divisor for side in (z, y, x)]
    return Grid((filled[0], filled[1], filled[2]), (step,) * 3), (z, y, x)


def on_grid_of(image: np.ndarray, grid: Grid, inner: tuple[int, int, int]) -> np.ndarray:
    """Bring a prepared volume into the middle of the generators' grid, smoothed as far as that is coarser.

    Parameters
    ----------
    image : numpy.ndarray of shape (z, y, x)
        0 to 1.
    grid : Grid
        Of the generators.
    inner : tuple of 3 int
        Voxels z, y, x that the volume fills.

    Returns
    -------
    numpy.ndarray of float32, shape (z, y, x)

    """
    from skimage.transform import resize

    small = resize(image, inner, order=1, anti_aliasing=True)
    before = [(side - own) // 2 for side, own in zip(grid.shape, inner, strict=True)]
    out = np.zeros(grid.shape, np.float32)
    out[tuple(slice(start, start + own) for start, own in zip(before, inner, strict=True))] = small
    return out
