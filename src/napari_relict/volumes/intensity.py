"""Stored values -> the common range 0 to 1: by percentile for MR, by HU window for CT."""

from __future__ import annotations

from typing import Literal

import numpy as np

from napari_relict.errors import DataError

Modality = Literal["mr", "ct"]
LOW_PERCENTILE, HIGH_PERCENTILE = 0.5, 99.5


def value_range(values: np.ndarray, modality: Modality, window: tuple[float, float], name: str) -> tuple[float, float]:
    """The stored values that become 0 and 1.

    Parameters
    ----------
    values : the volume on the common grid, stored units (HU for CT).
    window : HU that become 0 and 1; used for CT only, so that HU mean the same in every volume.

    Raises
    ------
    DataError : nothing of the volume lies inside the range.
    """
    if modality == "ct":
        low, high = window
        inside = np.clip(values, low, high)
        if inside.min() == inside.max():
            raise DataError(name, f"has no voxel inside the HU window {window}", "check that it is a CT in HU")
        return float(low), float(high)
    low = float(np.percentile(values, LOW_PERCENTILE))
    # Percentile of the tissue, not of all voxels: else the share of air decides how bright a head is.
    # Not the maximum: a few hot voxels would make all tissue look like air.
    middle = low + 0.1 * (float(np.percentile(values, 99.9)) - low)
    tissue = values[values > middle]
    high = float(np.percentile(tissue, HIGH_PERCENTILE)) if tissue.size else float(values.max())
    if not high > low:
        raise DataError(name, "is constant where the common grid lies", "check its origin and spacing")
    return low, high


def to_unit(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map `low`..`high` to 0..1 and clip. float32, same shape."""
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)
