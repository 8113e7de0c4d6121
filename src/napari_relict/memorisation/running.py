"""All trainings of a study of memorisation, one after the other; what each gave is kept, so a killed run goes on.

Under `runs` lie, for each training, a file a length (`NAME-STEPS.json`), and while it goes on a checkpoint. A file
of other volumes, settings or a seed does not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_relict.errors import DataError, disk_faults
from napari_relict.kept import keep, read_kept
from napari_relict.memorisation.feeding import SeededFeed
from napari_relict.memorisation.generators import Generator
from napari_relict.memorisation.generators.gan import Adversarial
from napari_relict.memorisation.generators.latent_diffusion import LatentDiffusion
from napari_relict.memorisation.generators.vae import Variational
from napari_relict.memorisation.judging import Judge
from napari_relict.memorisation.plan import Setting, learners, settings_of, steps_at
from napari_relict.memorisation.presets import Preset
from napari_relict.memorisation.training import lengths_of, sampled
from napari_relict.progress import Progress, silent
from napari_relict.volumes.grid import Grid
from napari_relict.workers import Workforce, one_torch_thread

RECIPE = 2  # raise it when the same settings give other numbers
FEWEST_NULL = 10  # patients


@dataclass(frozen=True, eq=False)
class Pool:
    """The volumes of a study on the generators' grid.

    Attributes
    ----------
    training, holdout : float32 (n, z, y, x), 0 to 1. patients, holdout_patients : whose each is.
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
    """Attributes
    ----------
    runs : a row for each training and length. rules : a row for each of these and each published rule.
    """

    runs: pd.DataFrame
    rules: pd.DataFrame


def run_all(
    pool: Pool,
    preset: Preset,
    folder: Path,
    force: Workforce,
    *,
    alpha: float = 0.05,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress = silent,
) -> Tables:
    """Train every generator of the plan, draw volumes at each length and judge them.

    Parameters
    ----------
    folder : for what is kept of each training.

    Raises
    ------
    Cancelled : by `progress`; what was finished stays.
    DataError : too few patients in the null, or the disk is at fault.
    """
    if len(set(pool.holdout_patients)) < FEWEST_NULL:
        people = len(set(pool.holdout_patients))
        raise DataError("the null", f"{people} patients", f"give a holdout of at least {FEWEST_NULL}")
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
    plan, judges = settings_of(preset, pool.people), _Judges(pool, alpha, force)
    runs: list[dict[str, Any]] = []
    rules: list[dict[str, Any]] = []
    with one_torch_thread():
        for number, setting in enumerate(plan, start=1):
            one = _Run(pool, preset, setting, folder, judges, alpha, seed, device)
            for kept in one.results(progress, f"{number} of {len(plan)}, "):
                runs.append(kept["run"])
                rules += [{**_about(kept["run"]), **rule} for rule in kept["rules"]]
            progress("trainings", number, len(plan))
    return Tables(pd.DataFrame(runs), pd.DataFrame(rules))


class _Judges:
    """A judge for each set of training volumes: the null's nearest ones are looked for once."""

    def __init__(self, pool: Pool, alpha: float, force: Workforce) -> None:
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
        pool: Pool,
        preset: Preset,
        setting: Setting,
        folder: Path,
        judges: _Judges,
        alpha: float,
        seed: int,
        device: str,
    ) -> None:
        self._pool, self._setting, self._folder, self._judges = pool, setting, folder, judges
        longer = preset.augmented_longer if setting.augment else 1
        self._preset = replace(preset, autoencoder_steps=longer * preset.autoencoder_steps)
        self._alpha, self._device = alpha, device
        self._seed = int(np.random.SeedSequence([seed, setting.repeat]).generate_state(1)[0])
        self._mine = learners(setting, pool.patients, seed)
        self._steps = steps_at(preset, setting.kind)
        self._key = self._fingerprint(seed)

    def results(self, progress: Progress, title: str) -> list[dict[str, Any]]:
        """What is kept for each length, trained for where it is not there yet."""
        known = {steps: read_kept(self._file(steps), self._key) for steps in self._steps.values()}
        missing = [steps for steps, kept in known.items() if kept is None]
        if missing:
            self._train(known, min(missing), progress, title)
        return [kept for kept in known.values() if kept is not None]

    def _train(self, known: dict[int, dict[str, Any] | None], first: int, progress: Progress, title: str) -> None:
        pool, setting, preset = self._pool, self._setting, self._preset
        volumes = pool.training[self._mine]
        judge = self._judges.of(self._mine)
        feed = SeededFeed(volumes, preset.batch, augment=setting.augment, seed=self._seed)
        generator = made(setting, preset, pool.grid.shape, self._device, self._seed)
        checkpoint = self._folder / f"{setting.name}.pt"
        trained = lengths_of(
            generator, feed, [steps for steps in known if steps >= first],
            seed=self._seed, checkpoint=checkpoint, fingerprint=self._key, progress=progress, title=title,
        )  # fmt: skip
        shares = {steps: share for share, steps in self._steps.items()}
        control: dict[str, float] = {}
        for steps in trained:
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
            known[steps] = dict(keep(self._file(steps), self._key, run=run, rules=judged.rules()))
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
        what = [RECIPE, voxels.hexdigest(), people, preset, asdict(self._setting), self._alpha, seed]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    def _file(self, steps: int) -> Path:
        return self._folder / f"{self._setting.name}-{steps}.json"


def made(setting: Setting, preset: Preset, shape: tuple[int, int, int], device: str, seed: int) -> Generator:
    """The generator of a setting, untrained; the same networks from the same seed."""
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
