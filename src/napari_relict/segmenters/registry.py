"""Every segmenter by name. A new one: write its file, add its line here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from napari_relict.errors import UsageError
from napari_relict.segmenters import bundle, ct, deepbet, tissue, totalsegmentator
from napari_relict.segmenters.contract import SegmenterKind, Segmenting
from napari_relict.volumes.intensity import Modality

SEGMENTERS: Mapping[str, SegmenterKind] = {
    kind.name: kind for kind in (deepbet.KIND, tissue.KIND, ct.KIND, bundle.KIND, totalsegmentator.KIND)
}


def open_segmenter(name: str, modality: Modality, folder: Path | None = None, device: str = "cpu") -> Segmenting:
    """Open what segments volumes of one modality.

    Parameters
    ----------
    name : str
        One of `SEGMENTERS`.
    modality : Modality
        Of the study.
    folder : pathlib.Path, optional
        Of a MONAI bundle; only for the segmenter `bundle`.
    device : str, default: 'cpu'
        "cpu" or "cuda".

    Returns
    -------
    Segmenting
        What is called with each volume.

    Raises
    ------
    UsageError
        No such segmenter, not made for the modality, or a bundle missing or not needed.
    DataError
        Something it needs cannot be had.
    """
    kind = SEGMENTERS.get(name)
    if kind is None:
        raise UsageError(f"no segmenter '{name}'; there are {', '.join(SEGMENTERS)}")
    if modality not in kind.modalities:
        made_for = " and ".join(kind.modalities).upper()
        raise UsageError(f"{name} ({kind.title}) is made for {made_for}, and this is a study of {modality.upper()}")
    if kind.needs_bundle != (folder is not None):
        raise UsageError(f"{name} needs the folder of a bundle" if kind.needs_bundle else f"{name} takes no bundle")
    return kind.open(folder, device)
