"""Which generators are trained: a base, and one factor at a time changed around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_relict.memorisation.generators import KINDS
from napari_relict.memorisation.presets import NetworkSize, Preset

FEWEST = 4  # patients a generator learns from
SIZES: tuple[NetworkSize, ...] = ("small", "medium", "large")


@dataclass(frozen=True)
class Setting:
    """One training.

    Attributes
    ----------
    kind : str
        Of generator; see `KINDS`.
    augment : bool
        Whether it learns from augmented volumes.
    size : NetworkSize
        Of its networks.
    n_patients : int
        How many it learns from; all volumes of each.
    repeat : int, default: 0
        Number of the training of this setting, from 0.
    """

    kind: str
    augment: bool
    size: NetworkSize
    n_patients: int
    repeat: int = 0

    @property
    def name(self) -> str:
        """Name of its files."""
        augmented = "augmented" if self.augment else "plain"
        return f"{self.kind}-{augmented}-{self.size}-{self.n_patients}-{self.repeat}"

    @property
    def words(self) -> str:
        """As people read it."""
        augmented = "augmented" if self.augment else "not augmented"
        return f"{KINDS[self.kind]}, {self.size}, {self.n_patients} patients, {augmented}"


@dataclass(frozen=True)
class Factor:
    """What is varied, and what publications say of it.

    Attributes
    ----------
    name, title : str
        Its name, and as people read it.
    published : str
        What publications say of it.
    levels : tuple of Setting
        Settings from that of least copying to that of most, as published.
    """

    name: str
    title: str
    published: str
    levels: tuple[Setting, ...]

    def level_words(self, setting: Setting) -> str:
        """Say what a setting is as a level of this factor.

        Parameters
        ----------
        setting : Setting
            One of `levels`.

        Returns
        -------
        str
            In a word or two.
        """
        return {
            "volumes": f"{setting.n_patients} patients",
            "augmentation": "augmented" if setting.augment else "not augmented",
            "size": setting.size,
            "generator": KINDS[setting.kind],
        }[self.name]


def base_of(preset: Preset, patients: int) -> Setting:
    """Choose the setting all others are compared with.

    Parameters
    ----------
    preset : Preset
        How large the study is.
    patients : int
        Of the training cohort.

    Returns
    -------
    Setting
        Latent diffusion of medium size, not augmented.
    """
    return Setting("ldm", False, "medium", _numbers(preset, patients)[1])


def factors(preset: Preset, patients: int) -> tuple[Factor, ...]:
    """List the factors other than length, which is looked at along every training.

    Parameters
    ----------
    preset : Preset
        How large the study is.
    patients : int
        Of the training cohort.

    Returns
    -------
    tuple of Factor
        With their levels.
    """
    base = base_of(preset, patients)
    numbers = sorted(set(_numbers(preset, patients)), reverse=True)
    return (
        Factor(
            "volumes", "number of training patients", "fewer patients: more copying",
            tuple(replace(base, n_patients=number) for number in numbers),
        ),
        Factor(
            "augmentation", "augmentation", "without augmentation: more copying",
            (replace(base, augment=True), base),
        ),
        Factor(
            "size", "size of the networks", "larger networks: more copying",
            tuple(replace(base, size=size) for size in SIZES),
        ),
        Factor(
            "generator", "kind of generator", "latent diffusion copies more than a VAE or a GAN",
            tuple(replace(base, kind=kind) for kind in ("vae", "gan", "ldm")),
        ),
    )  # fmt: skip


def settings_of(preset: Preset, patients: int) -> list[Setting]:
    """List every training once, the base first; repeats come after all settings were trained once.

    Parameters
    ----------
    preset : Preset
        How large the study is.
    patients : int
        Of the training cohort.

    Returns
    -------
    list of Setting
        In the order they are trained.
    """
    one_each = dict.fromkeys(
        [base_of(preset, patients), *(setting for factor in factors(preset, patients) for setting in factor.levels)]
    )
    return [replace(setting, repeat=number) for number in range(preset.repeats) for setting in one_each]


def learners(setting: Setting, patients: Sequence[str], seed: int) -> np.ndarray:
    """Choose the patients that a generator learns from.

    Of one repeat, the patients of a smaller number are among those of a larger one.

    Parameters
    ----------
    setting : Setting
        The training.
    patients : sequence of str
        (volumes,), whose each training volume is.
    seed : int
        Of everything that is drawn.

    Returns
    -------
    numpy.ndarray of bool, shape (volumes,)
        Volumes of those patients.
    """
    people = np.unique(np.asarray(patients, str))
    order = np.random.default_rng([seed, setting.repeat, 11]).permutation(len(people))
    return np.isin(np.asarray(patients, str), people[order[: setting.n_patients]])


def steps_at(preset: Preset, kind: str) -> Mapping[float, int]:
    """Say after how many steps of the last stage volumes are drawn.

    Parameters
    ----------
    preset : Preset
        How large the study is.
    kind : str
        Of generator.

    Returns
    -------
    mapping of float to int
        By share of the stage's length.
    """
    steps = preset.direct_steps.get(kind, preset.steps)
    return {share: max(1, round(share * steps)) for share in preset.lengths}


def _numbers(preset: Preset, patients: int) -> list[int]:
    return [min(max(FEWEST, round(share * patients)), patients) for share in preset.shares]
