"""Bone, soft tissue and air of a CT, by Hounsfield units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from napari_relict.errors import DataError
from napari_relict.segmenters.contract import SegmenterKind, Segmenting

AIR_BELOW, BONE_FROM = -300.0, 200.0  # HU; between them lies soft tissue, fat included
CLASSES = {1: "soft tissue", 2: "bone (and whatever else is as dense)", 3: "air inside the body"}
REGROWN = 3  # times what opening took away
TABLE_MM = 4.0  # what is thinner than this is no body: tables, wires, blankets


def ct_classes(image: sitk.Image) -> sitk.Image:
    """Split a CT into soft tissue, bone and air inside the body.

    The body is the largest part that is denser than air, with what it encloses in each axial slice.

    Parameters
    ----------
    image : SimpleITK.Image
        In Hounsfield units.

    Returns
    -------
    SimpleITK.Image
        Labels (see `CLASSES`), uint8 on the grid of `image`, zero outside the body.

    Raises
    ------
    DataError
        Nothing is denser than air.
    """
    turned = sitk.DICOMOrient(image, "LPS")
    values = sitk.GetArrayFromImage(turned).astype(np.float32, copy=False)
    dense = values >= AIR_BELOW
    steps = [max(1, round(TABLE_MM / 2 / mm)) for mm in turned.GetSpacing()[:2]]
    disc = np.ones((1, 2 * steps[1] + 1, 2 * steps[0] + 1), bool)
    parts, count = ndimage.label(ndimage.binary_opening(dense, disc))
    if not count:
        raise DataError("CT classes", "nothing is denser than air", "check that it is a CT in Hounsfield units")
    core = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    # With the edges and thin walls that opening took away, and little of a table that the body lies on.
    body = ndimage.binary_dilation(core, disc, iterations=REGROWN, mask=dense)
    body = np.stack([ndimage.binary_fill_holes(plane) for plane in body])
    classes = np.where(values >= BONE_FROM, 2, np.where(dense, 1, 3)) * body
    labels = sitk.GetImageFromArray(classes.astype(np.uint8))
    labels.CopyInformation(turned)
    return sitk.Resample(labels, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)


def _open(folder: Path | None, device: str) -> Segmenting:
    return lambda image, modality: ct_classes(image)


KIND = SegmenterKind("ct-thresholds", "bone, soft tissue and air by HU", ("ct",), CLASSES, _open)
