"""Every alteration by name, with the strengths it is tried at. A new one: write its function, add its line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_relict.quality.alterations import image, lesions, structures, vessels
from napari_relict.quality.alterations.subject import Subject

AlterationKind = Literal["image", "local", "cohort"]
Base = Literal["", "lesion", "vessel"]
KINDS: Mapping[AlterationKind, str] = {
    "image": "the whole image",
    "local": "anatomy, in one place",
    "cohort": "who is in the cohort",
}
LESION_MM = 8.0  # radius of the lesion that is removed, moved or grown


@dataclass(frozen=True)
class Alteration:
    """One alteration.

    Attributes
    ----------
    name, title : str
        Of files, and as people read it.
    kind : AlterationKind
        What it alters.
    unit : str
        Of the strengths.
    strengths : tuple of float
        Weakest first.
    make : callable, optional
        Subject, strength, label of the structure that is enlarged or mirrored, generator -> altered subject; None for
        what happens to the cohort.
    base : Base, default: ''
        What is planted in all volumes beforehand; its effect is compared with volumes that have it.
    by_share : bool, default: False
        The strength is the share of volumes that are altered, each in the same way.
    """

    name: str
    title: str
    kind: AlterationKind
    unit: str
    strengths: tuple[float, ...]
    make: Callable[[Subject, float, int, np.random.Generator], Subject] | None = None
    base: Base = ""
    by_share: bool = False

    def words(self, strength: float) -> str:
        """Write a strength with its unit.

        Parameters
        ----------
        strength : float
            The strength.

        Returns
        -------
        str
            In words.
        """
        return f"{strength:.0%}" if self.unit == "share" else f"{strength:g} {self.unit}".strip()


PLANTED: Mapping[Base, Callable[[Subject, np.random.Generator], Subject]] = {
    "lesion": lambda subject, rng: lesions.add_lesion(subject, LESION_MM, rng),
    "vessel": vessels.add_vessel,
}
THIRDS = (1 / 3, 2 / 3, 1.0)
_ALL = (
    Alteration("noise", "noise", "image", "of range", (0.01, 0.03, 0.08), lambda s, k, n, r: image.noise(s, k, r)),
    Alteration("blur", "blur", "image", "mm", (1.0, 2.0, 4.0), lambda s, k, n, r: image.blur(s, k)),
    Alteration(
        "bias_field", "bias field", "image", "", (0.1, 0.3, 0.6), lambda s, k, n, r: image.bias_field(s, k, r)
    ),
    Alteration("motion", "motion", "image", "mm", (1.0, 3.0, 6.0), lambda s, k, n, r: image.motion(s, k, r)),
    Alteration("contrast", "contrast", "image", "gamma", (0.1, 0.3, 0.8), lambda s, k, n, r: image.contrast(s, k)),
    Alteration(
        "lesion_added", "lesion added", "local", "mm", (4.0, 8.0, 14.0), lambda s, k, n, r: lesions.add_lesion(s, k, r)
    ),
    Alteration(
        "lesion_removed", "lesion removed", "local", "share", THIRDS, lambda s, k, n, r: lesions.remove(s),
        base="lesion", by_share=True,
    ),
    Alteration(
        "lesion_moved", "lesion moved", "local", "mm", (10.0, 20.0, 40.0), lambda s, k, n, r: lesions.move(s, k, r),
        base="lesion",
    ),
    Alteration(
        "lesion_grown", "lesion grown", "local", "mm", (2.0, 4.0, 8.0), lambda s, k, n, r: lesions.grow(s, k),
        base="lesion",
    ),
    Alteration(
        "vessel_cut", "vessel cut", "local", "mm", (5.0, 15.0, 40.0), lambda s, k, n, r: vessels.cut(s, k, r),
        base="vessel",
    ),
    Alteration(
        "vessel_narrowed", "vessel narrowed", "local", "share", (0.25, 0.5, 0.75),
        lambda s, k, n, r: vessels.narrow(s, k), base="vessel",
    ),
    Alteration(
        "enlarged", "structure enlarged", "local", "mm", (1.0, 2.5, 5.0), lambda s, k, n, r: structures.enlarge(s, k, n)
    ),
    Alteration(
        "mirrored", "structure mirrored", "local", "share", THIRDS,
        lambda s, k, n, r: structures.mirror_structure(s, n), by_share=True,
    ),
    Alteration("shift", "larger patients only", "cohort", "share", THIRDS),
    Alteration("collapse", "mode collapse", "cohort", "share", (0.25, 0.5, 0.75)),
    Alteration("copied", "training volumes copied", "cohort", "share", (0.05, 0.15, 0.3, 0.45)),
)  # fmt: skip
ALTERATIONS: Mapping[str, Alteration] = {alteration.name: alteration for alteration in _ALL}
