"""One training from volumes to a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from napari_relict.encoders.registry import check_device
from napari_relict.encoders.slice_net import BACKBONES
from napari_relict.encoders.trained import InputGrid, Trained, write_trained
from napari_relict.errors import UsageError
from napari_relict.files.package_files import MOBILENET_V2, fetch
from napari_relict.jobs.progress import Progress, silent
from napari_relict.training import contrastive, deepssim, deepssim_2d
from napari_relict.training.loop import Epoch, Schedule, TrainingTask, fingerprint_of, fit
from napari_relict.training.volumes import SeenVolumes, split_by_patient
from napari_relict.volumes.cohort import PreparedCohort

KINDS = (deepssim.KIND, deepssim_2d.KIND, contrastive.KIND)
RECIPE = 3  # raise it when the same settings give another network


@dataclass(frozen=True)
class Asked:
    """What is trained and how.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    epochs : int, optional
        At most; None takes those of the kind.
    seed : int, default: 0
        Of everything that is drawn.
    published : bool, default: False
        Positives and schedule of Dar et al. (contrastive only).
    backbone : str, default: 'mobilenet_v2'
        Of `deepssim_2d`.
    weights : pathlib.Path, optional
        ImageNet file of the backbone; None fetches MobileNetV2's, others then start from nothing.
    """

    kind: str
    epochs: int | None = None
    seed: int = 0
    published: bool = False
    backbone: str = "mobilenet_v2"
    weights: Path | None = None


def train(
    asked: Asked,
    cohort: PreparedCohort,
    names: Sequence[str],
    patients: Mapping[str, str],
    file: Path,
    preparation: str,
    *,
    device: str = "cpu",
    progress: Progress = silent,
    report: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
    """Train an encoder on the named volumes of a prepared cohort and write it to `file`.

    A fifth of the patients only check it: training ends when it no longer gets better on them. A stopped training goes
    on after its last whole epoch. The same volumes and settings give the same file, with the same number of threads.

    Parameters
    ----------
    asked : Asked
        What is trained and how.
    cohort : PreparedCohort
        Where the volumes are.
    names : sequence of str
        Which of its volumes.
    patients : mapping of str to str
        Volume -> patient.
    file : pathlib.Path
        Where the encoder goes.
    preparation : str
        Key of how the cohort was prepared.
    device : str, default: 'cpu'
        "cpu" or "cuda".
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.
    report : callable, default: lambda epoch: None
        Told of each epoch.

    Returns
    -------
    Trained
        What the file holds.

    Raises
    ------
    UsageError
        No such kind, backbone or device, or too few patients.
    DataError
        The weights of the backbone are the wrong ones, or the disk is at fault.
    """
    schedule = schedule_of(asked)
    check_device(device)
    if asked.backbone not in BACKBONES:
        raise UsageError(f"no backbone '{asked.backbone}'; there are {', '.join(BACKBONES)}")
    learn, check = split_by_patient(names, patients, schedule.seed)
    grid = input_grid(asked.kind, cohort)
    learned, checking = SeenVolumes(cohort, learn, grid), SeenVolumes(cohort, check, grid)
    trained_on = learned.contents() | checking.contents()
    settings = {**asdict(schedule), "published": asked.published, "backbone": asked.backbone, "recipe": RECIPE}
    fingerprint = fingerprint_of(
        kind=asked.kind, grid=asdict(grid), preparation=preparation, volumes=sorted(trained_on), **settings
    )
    task = _task(asked, schedule, learned, checking, device)
    checkpoint = file.with_suffix(".training")
    history = fit(task, schedule, checkpoint, fingerprint, device=device, progress=progress, report=report)
    state = {key: value.detach().cpu() for key, value in task.net.state_dict().items()}
    rows = [asdict(epoch) for epoch in history]
    trained = Trained(asked.kind, task.architecture, grid, state, trained_on, settings, rows)
    write_trained(trained, file)
    checkpoint.unlink(missing_ok=True)
    return trained


def schedule_of(asked: Asked) -> Schedule:
    """Choose how long and how fast.

    Parameters
    ----------
    asked : Asked
        What is trained and how.

    Returns
    -------
    Schedule
        The kind's, with epochs and seed that were asked for.

    Raises
    ------
    UsageError
        There is no such kind.
    """
    if asked.kind == contrastive.KIND:
        schedule = contrastive.PUBLISHED if asked.published else contrastive.SCHEDULE
    elif asked.kind == deepssim.KIND:
        schedule = deepssim.SCHEDULE
    elif asked.kind == deepssim_2d.KIND:
        schedule = deepssim_2d.SCHEDULE
    else:
        raise UsageError(f"no encoder '{asked.kind}' is trained here; there are {', '.join(KINDS)}")
    return replace(schedule, seed=asked.seed, epochs=asked.epochs or schedule.epochs)


def input_grid(kind: str, cohort: PreparedCohort) -> InputGrid:
    """Choose what an encoder of a kind sees of the volumes of a cohort.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    cohort : PreparedCohort
        Where the volumes are.

    Returns
    -------
    InputGrid
        Its grid.
    """
    finest = {
        deepssim.KIND: (deepssim.FINEST,) * 3,
        contrastive.KIND: (contrastive.FINEST,) * 3,
        deepssim_2d.KIND: (0.0, deepssim_2d.FINEST, deepssim_2d.FINEST),
    }[kind]
    return InputGrid.for_study(cohort.grid.shape, cohort.grid.spacing, finest)


def _task(asked: Asked, schedule: Schedule, learned: SeenVolumes, checking: SeenVolumes, device: str) -> TrainingTask:
    if asked.kind == deepssim.KIND:
        return deepssim.DeepSSIM(learned, checking, schedule, device)
    if asked.kind == contrastive.KIND:
        return contrastive.Contrastive(learned, checking, schedule, device, published=asked.published)
    weights = asked.weights or (fetch(MOBILENET_V2) if asked.backbone == "mobilenet_v2" else None)
    return deepssim_2d.DeepSSIMSlices(learned, checking, schedule, device, backbone=asked.backbone, weights=weights)
