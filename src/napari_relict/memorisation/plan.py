"""Which generators are trained: a base, and one factor at a time changed around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_relict.memorisation.generators import KINDS
from napari_relict.memorisation.presets import Preset, Size

FEWEST = 4  # patients a generator learns from
SIZES: tuple[Size, ...] = ("small", "medium", "large")


@dataclass(frozen=True)
class Setting:
    """One training.

    Attributes
    ----------
    n_patients : how many it learns from; all volumes of each.
    """

    kind: str
    augment: bool
    size: Size
    n_patients: int
    repeat: int = 0

    @property
    def name(self) -> str:
        augmented = "augmented" if self.augment else "plain"
        return f"{self.kind}-{augmented}-{self.size}-{self.n_patients}-{self.repeat}"

    @property
    def words(self) -> str:
        augmented = "augmented" if self.augment else "not augmented"
        return f"{KINDS[self.kind].title}, {self.size}, {self.n_patients} patients, {augmented}"


@dataclass(frozen=True)
class Factor:
    """What is varied, and what publications say of it.

    Attributes
    ----------
    levels : settings from that of least copying to that of most, as published.
    """

    name: str
    title: str
    published: str
    levels: tuple[Setting, ...]

    def level_words(self, setting: Setting) -> str:
        return {
            "volumes": f"{setting.n_patients} patients",
            "augmentation": "augmented" if setting.augment else "not augmented",
            "size": setting.size,
            "generator": KINDS[setting.kind].title,
        }[self.name]


def base_of(preset: Preset, patients: int) -> Setting:
    """The setting all others are compared with."""
    return Setting("ldm", False, "medium", _numbers(preset, patients)[1])


def factors(preset: Preset, patients: int) -> tuple[Factor, ...]:
    """Factors other than length, which is looked at along every training.

    Parameters
    ----------
    patients : of the training cohort.
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
    """Every training once, the base first; repeats come after all settings were trained once."""
    one_each = dict.fromkeys(
        [base_of(preset, patients), *(one for factor in factors(preset, patients) for one in factor.levels)]
    )
    return [replace(one, repeat=number) for number in range(preset.repeats) for one in one_each]


def learners(setting: Setting, patients: Sequence[str], seed: int) -> np.ndarray:
    """bool (volumes,): those of the patients that a generator learns from.

    Of one repeat, the patients of a smaller number are among those of a larger one.

    Parameters
    ----------
    patients : (volumes,), whose each training volume is.
    """
    people = np.unique(np.asarray(patients, str))
    order = np.random.default_rng([seed, setting.repeat, 11]).permutation(len(people))
    return np.isin(np.asarray(patients, str), people[order[: setting.n_patients]])


def steps_at(preset: Preset, kind: str) -> Mapping[float, int]:
    """Steps of the last stage by share of its length."""
    steps = preset.direct_steps.get(kind, preset.steps)
    return {share: max(1, round(share * steps)) for share in preset.lengths}


def _numbers(preset: Preset, patients: int) -> list[int]:
    return [min(max(FEWEST, round(share * patients)), patients) for share in preset.shares]
