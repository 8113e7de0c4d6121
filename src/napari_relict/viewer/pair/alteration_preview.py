"""An alteration of one volume at any strength, and what measures see of it. No Qt, no napari; slow: use a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from napari_relict.measures.segmentation import dice_per_label, mean_dice, pack_labels
from napari_relict.measures.ssim import local_statistics, ssim
from napari_relict.quality import METRICS
from napari_relict.quality.alterations import ALTERATIONS, Alteration, Subject
from napari_relict.quality.alterations.lesions import add_lesion
from napari_relict.quality.alterations.registry import PLANTED
from napari_relict.quality.alterations.structures import deepest_label
from napari_relict.quality.appearance import NAMES, appearance
from napari_relict.viewer.pair.pair import PairImages, PairKey, compare

#: Whose place would change with its strength: as deep as the strongest asks for, it stays.
_STEADY: Mapping[str, Callable[[Subject, float, int, np.random.Generator], Subject]] = {
    "lesion_added": lambda subject, radius, label, rng: add_lesion(
        subject, radius, rng, depth=ALTERATIONS["lesion_added"].strengths[-1]
    )
}


@dataclass(frozen=True)
class Seen:
    """What one measure says.

    Attributes
    ----------
    name : of a measure between two volumes, or of a look of one.
    before, after : of the volume with itself and with the altered one; of a look, of the one and of the other.
    """

    name: str
    title: str
    pair: bool
    before: float
    after: float


@dataclass(frozen=True)
class Altered:
    """A volume at one strength of an alteration, beside itself."""

    strength: float
    images: PairImages
    seen: tuple[Seen, ...]
    after: npt.NDArray[np.float32]  # 0 to 1
    place: tuple[int, int, int] | None  # voxel (z, y, x) where it changed most; of what changes one place


def playable(labelled: bool) -> list[Alteration]:
    """What can be done to one volume; what changes anatomy needs its segmentation."""
    return [one for one in ALTERATIONS.values() if one.make is not None and (labelled or one.kind == "image")]


def strongest(alteration: Alteration) -> float:
    """The end of the slider. What happens to a share of the volumes happens to this one, or does not."""
    return 1.0 if alteration.by_share else alteration.strengths[-1]


def strength_in_words(alteration: Alteration, strength: float) -> str:
    if strength <= 0:
        return "unaltered"
    return alteration.title if alteration.by_share else f"{alteration.title} {alteration.words(round(strength, 3))}"


class Player:
    """One volume and one alteration.

    What is drawn at random is drawn alike at every strength, so that the alteration grows where it is.

    Parameters
    ----------
    volume : a `PreparedVolume`.
    name : what it is called.
    """

    def __init__(self, volume: Any, alteration: Alteration, name: str, seed: int = 0) -> None:
        self.alteration, self.name, self._volume, self._seed = alteration, name, volume, seed
        self._bounds: tuple[tuple[int, int, int], tuple[int, int, int]] | None = None
        self._make = _STEADY.get(alteration.name, alteration.make)

    @cached_property
    def before(self) -> Subject:
        """The volume as it is, or with what the alteration needs to be there."""
        labels = None if self._volume.labels is None else np.ascontiguousarray(self._volume.labels, np.uint16)
        spacing = tuple(float(step) for step in self._volume.spacing)
        subject = Subject(np.ascontiguousarray(self._volume.image, np.float32), labels, spacing)  # type: ignore[arg-type]
        if self.alteration.base:
            return PLANTED[self.alteration.base](subject, np.random.default_rng([self._seed, 1]))
        return subject

    def at(self, strength: float) -> Altered:
        """The volume altered so much."""
        before = self.before
        assert self._make is not None, "what is previewed alters one volume"
        after = before if strength <= 0 else self._make(before, strength, self._label, self._random())
        names = (self.name, f"{self.alteration.name} {strength:g}")
        images = compare(PairKey(*names), *(self._shown(subject) for subject in (before, after)))
        self._bounds = self._bounds or images.bounds
        images = replace(images, bounds=self._bounds)  # the frame stays where it is while the slider moves
        place = None
        if self.alteration.kind == "local" and after is not before:
            changed = gaussian_filter(np.abs(after.image - before.image), 2.0)
            z, y, x = np.unravel_index(int(changed.argmax()), changed.shape)
            place = int(z), int(y), int(x)
        return Altered(strength, images, tuple(self._seen(after)), after.image, place)

    # Inside -----------------------------------------------------------------------------------------------
    def _random(self) -> np.random.Generator:
        return np.random.default_rng([self._seed, 2])

    @cached_property
    def _label(self) -> int:
        """The structure that is enlarged or mirrored: the deepest one."""
        if self.alteration.kind != "local" or self.before.labels is None:
            return 0
        return deepest_label([self.before.labels], self.before.spacing) or 0

    def _shown(self, subject: Subject) -> Any:
        return replace(self._volume, image=subject.image, labels=subject.labels)

    @cached_property
    def _statistics(self) -> Any:
        return local_statistics(self.before.image)

    @cached_property
    def _looks(self) -> npt.NDArray[np.float64]:
        return appearance(self.before.image)

    def _seen(self, after: Subject) -> list[Seen]:
        one, other = self.before.image, after.image
        same = after is self.before
        pair = partial(Seen, pair=True)
        similar = 1.0 if same else ssim(one, other, statistics=(self._statistics, None))
        rows = [
            pair("ncc", "NCC", before=1.0, after=1.0 if same else _ncc(one, other)),
            pair("ssim", "SSIM", before=1.0, after=similar),
            pair("mse", "MSE", before=0.0, after=float(np.mean((one - other) ** 2, dtype=np.float64))),
        ]
        if self.before.labels is not None:
            rows.append(pair("dice", "Dice", before=1.0, after=_dice(self.before.known, after.known)))
        looks = self._looks if same else appearance(other)
        rows += [
            Seen(name, METRICS[name].title, False, float(before), float(look))
            for name, before, look in zip(NAMES, self._looks, looks, strict=True)
        ]
        return rows


def _ncc(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    first, second = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / size if size > 0 else float("nan")


def _dice(one: npt.NDArray[np.uint16], other: npt.NDArray[np.uint16]) -> float:
    """Mean over the labels that either has."""
    present = [np.flatnonzero(np.bincount(labels.ravel())) for labels in (one, other)]
    labels = sorted({int(value) for found in present for value in found if value})
    if not labels:
        return float("nan")
    packed = [pack_labels(np.ascontiguousarray(side)[None], labels) for side in (one, other)]
    return float(mean_dice(dice_per_label(*packed))[0, 0])
