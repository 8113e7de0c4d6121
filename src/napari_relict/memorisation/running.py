"""All trainings of a study of memorisation; what each gave is kept, so a killed run goes on.

Under `runs` lie, for each training, a file a length (`NAME-STEPS.json`), and while it goes on a checkpoint. A file
of other volumes, settings or a seed does not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from napari_relict.errors import DataError, disk_faults
from napari_relict.files.json_cache import keep, read_kept
from napari_relict.jobs.executors import Workforce, one_torch_thread
from napari_relict.jobs.processes import Tell, in_processes
from napari_relict.jobs.progress import Progress, silent
from napari_relict.memorisation.generators import Generator
from napari_relict.memorisation.generators.gan import Adversarial
from napari_relict.memorisation.generators.latent_diffusion import LatentDiffusion
from napari_relict.memorisation.generators.vae import Variational
from napari_relict.memorisation.judging import Judge
from napari_relict.memorisation.plan import Setting, learners, settings_of, steps_at
from napari_relict.memorisation.presets import Preset
from napari_relict.memorisation.sampler import SeededFeed
from napari_relict.memorisation.training import lengths_of, sampled
from napari_relict.volumes.grid import Grid

RECIPE = 2  # raise it when the same settings give other numbers
FEWEST_NULL = 10  # patients


@dataclass(frozen=True, eq=False)
class GeneratorVolumes:
    """The volumes of a study on the generators' grid.

    Attributes
    ----------
    training : numpy.ndarray of float32, shape (n, z, y, x)
        0 to 1.
    patients : sequence of str
        Whose each is.
    holdout : numpy.ndarray of float32, shape (n, z, y, x)
        0 to 1.
    holdout_patients : sequence of str
        Whose each is.
    grid : Grid
        Of all volumes.
    """

    training: np.ndarray
    patients: Sequence[str]
    holdout: np.ndarray
    holdout_patients: Sequence[str]
    grid: Grid

    @property
    def people(self) -> int:
        """Training patients."""
        return len(set(self.patients))


@dataclass(frozen=True)
class Tables:
    """What came of all trainings.

    Attributes
    ----------
    runs : pandas.DataFrame
        A row for each training and length.
    rules : pandas.DataFrame
        A row for each of these and each published rule.
    """

    runs: pd.DataFrame
    rules: pd.DataFrame


def run_all(
    pool: GeneratorVolumes,
    preset: Preset,
    folder: Path,
    force: Workforce,
    *,
    alpha: float = 0.05,
    seed: int = 0,
    device: str = "cpu",
    processes: int = 1,
    progress: Progress = silent,
) -> Tables:
    """Train every generator of the plan, draw volumes at each length and judge them.

    Parameters
    ----------
    pool : GeneratorVolumes
        The volumes.
    preset : Preset
        How large the study is.
    folder : pathlib.Path
        For what is kept of each training.
    force : Workforce
        Judges here.
    alpha : float, default: 0.05
        False discovery rate.
    seed : int, default: 0
        Of everything that is drawn.
    device : str, default: 'cpu'
        "cpu" or "cuda".
    processes : int, default: 1
        Trainings at the same time; with more than one, each is judged where it is trained.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    Tables
        What came of them.

    Raises
    ------
    Cancelled
        By `progress`; what was finished stays.
    DataError
        Too few patients in the null, the disk is at fault, or a process was ended from outside.
    """
    if len(set(pool.holdout_patients)) < FEWEST_NULL:
        people = len(set(pool.holdout_patients))
        raise DataError("the null", f"{people} patients", f"give a holdout of at least {FEWEST_NULL}")
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    about = (pool, preset, folder, alpha, seed, device)
    trainings = [_Run(*about, setting) for setting in settings_of(preset, pool.people)]
    missing = [training for training in trainings if not training.finished]
    steps, total = [0] * len(missing), sum(training.total for training in missing)

    def advanced(place: int, done: int) -> None:
        steps[place] = done
        progress("steps of trainings", sum(steps), total)

    if processes > 1 and len(missing) > 1:
        work, plan = partial(_in_process, about), [training.setting for training in missing]
        in_processes(work, plan, min(processes, len(missing)), advanced)
    else:
        judges = _Judges(pool, alpha, force)
        for place, training in enumerate(missing):
            training.train(judges, partial(advanced, place))
    if sum(steps) < total:  # processes do not tell every step
        progress("steps of trainings", total, total)
    kept = [result for training in trainings for result in training.kept().values() if result is not None]
    rules = [{**_about(result["run"]), **rule} for result in kept for rule in result["rules"]]
    return Tables(pd.DataFrame([result["run"] for result in kept]), pd.DataFrame(rules))


def _in_process(about: tuple[GeneratorVolumes, Preset, Path, float, int, str], setting: Setting, tell: Tell) -> None:
    pool, _, _, alpha, _, _ = about
    with ThreadPoolExecutor(1) as single:
        _Run(*about, setting).train(_Judges(pool, alpha, Workforce(single, 1)), tell)


class _Judges:
    """A judge for each set of training volumes: the null's nearest ones are looked for once."""

    def __init__(self, pool: GeneratorVolumes, alpha: float, force: Workforce) -> None:
        self._pool, self._alpha, self._force = pool, alpha, force
        self._known: dict[bytes, Judge] = {}

    def of(self, mine: np.ndarray) -> Judge:
        """Of the training volumes where `mine` is true."""
        pool, key = self._pool, mine.tobytes()
        if key not in self._known:
            patients = list(np.asarray(pool.patients, str)[mine])
            self._known[key] = Judge(
                pool.training[mine],
                patients,
                pool.holdout,
                pool.holdout_patients,
                pool.grid,
                self._alpha,
                self._force,
            )
        return self._known[key]


class _Run:
    """One training and what comes of it."""

    def __init__(
        self,
        pool: GeneratorVolumes,
        preset: Preset,
        folder: Path,
        alpha: float,
        seed: int,
        device: str,
        setting: Setting,
    ) -> None:
        self._pool, self.setting, self._folder = pool, setting, folder
        longer = preset.augmented_longer if setting.augment else 1
        self._preset = replace(preset, autoencoder_steps=longer * preset.autoencoder_steps)
        self._alpha, self._device = alpha, device
        self._seed = int(np.random.SeedSequence([seed, setting.repeat]).generate_state(1)[0])
        self._mine = learners(setting, pool.patients, seed)
        self._steps = steps_at(preset, setting.kind)
        self._key = self._fingerprint(seed)

    @property
    def total(self) -> int:
        """Steps of all stages."""
        return max(self._steps.values()) + (self._preset.autoencoder_steps if self.setting.kind == "ldm" else 0)

    @property
    def finished(self) -> bool:
        return None not in self.kept().values()

    def kept(self) -> dict[int, dict[str, Any] | None]:
        """Read what was found at each length; None where it is not there yet."""
        return {steps: read_kept(self._file(steps), self._key) for steps in self._steps.values()}

    def train(self, judges: _Judges, tell: Tell) -> None:
        """Train for the lengths that are missing, and keep what is found at each.

        Parameters
        ----------
        tell : called with how many steps are finished.
        """
        pool, setting, preset = self._pool, self.setting, self._preset
        volumes = pool.training[self._mine]
        feed = SeededFeed(volumes, preset.batch, augment=setting.augment, seed=self._seed)
        checkpoint = self._folder / f"{setting.name}.pt"
        first = min(steps for steps, result in self.kept().items() if result is None)
        shares = {steps: share for share, steps in self._steps.items()}
        control: dict[str, float] = {}
        with one_torch_thread(), threadpool_limits(1, "blas"):
            judge = judges.of(self._mine)
            generator = made(setting, preset, pool.grid.shape, self._device, self._seed)
            for steps in lengths_of(
                generator, feed, [steps for steps in shares if steps >= first],
                seed=self._seed, checkpoint=checkpoint, fingerprint=self._key, tell=tell,
            ):  # fmt: skip
                synthetic = feed.restored(sampled(generator, preset.synthetic, self._seed))
                judged = judge(synthetic, self._seed % 2**31)
                control = control or self._control(generator, feed, judge, volumes)
                run = {
                    **asdict(setting),
                    "length": shares[steps],
                    "steps": steps,
                    "passes": steps * preset.batch / len(volumes),
                    "n_training": len(volumes),
                    **judged.row,
                    **control,
                    **{f"rule_{rule['rule']}": rule["share"] for rule in judged.rules()},
                }
                keep(self._file(steps), self._key, run=run, rules=judged.rules())
        checkpoint.unlink(missing_ok=True)

    def _control(self, generator: Generator, feed: SeededFeed, judge: Judge, volumes: np.ndarray) -> dict[str, float]:
        """Share called of real volumes seen through the autoencoder: of new patients, and of those in training."""
        reconstructed = getattr(generator, "reconstructed", None)
        if reconstructed is None:
            return {"control_new": np.nan, "control_copies": np.nan}

        def called(real: np.ndarray) -> float:
            return judge.share_called(feed.restored(reconstructed(feed.standardised(real))))

        return {"control_new": called(self._pool.holdout), "control_copies": called(volumes)}

    def _fingerprint(self, seed: int) -> str:
        """Of all that the numbers depend on."""
        pool = self._pool
        voxels = hashlib.sha256()
        for array in (pool.training[self._mine], pool.holdout):
            voxels.update(np.ascontiguousarray(array).tobytes())
        people = [list(pool.patients), list(pool.holdout_patients)]
        preset = _plain(replace(self._preset, repeats=1))  # more trainings leave those there are as they were
        what = [RECIPE, voxels.hexdigest(), people, preset, asdict(self.setting), self._alpha, seed]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    def _file(self, steps: int) -> Path:
        return self._folder / f"{self.setting.name}-{steps}.json"


def made(setting: Setting, preset: Preset, shape: tuple[int, int, int], device: str, seed: int) -> Generator:
    """Make the generator of a setting, untrained; the same networks from the same seed.

    Parameters
    ----------
    setting : Setting
        The training.
    preset : Preset
        How large the study is.
    shape : tuple of 3 int
        Voxels z, y, x.
    device : str
        "cpu" or "cuda".
    seed : int
        Of everything that is drawn.

    Returns
    -------
    Generator
        The generator.
    """
    from torch import manual_seed

    manual_seed(int(np.random.SeedSequence([seed, 12]).generate_state(1)[0]))
    widths, steps = preset.widths[setting.size], max(steps_at(preset, setting.kind).values())
    if setting.kind == "vae":
        return Variational(shape, widths, steps=steps, device=device)
    if setting.kind == "gan":
        return Adversarial(shape, widths, steps=steps, device=device)
    return LatentDiffusion(
        shape,
        widths,
        blocks=preset.blocks,
        autoencoder_steps=preset.autoencoder_steps,
        steps=steps,
        encoded=preset.encoded if setting.augment else 1,
        batch=2 * preset.batch,
        sampling_steps=preset.sampling_steps,
        device=device,
    )


def _about(run: Mapping[str, Any]) -> dict[str, Any]:
    return {name: run[name] for name in ("kind", "augment", "size", "n_patients", "repeat", "length", "steps")}


def _plain(preset: Preset) -> dict[str, Any]:
    return json.loads(json.dumps(asdict(preset)))  # type: ignore[no-any-return]
