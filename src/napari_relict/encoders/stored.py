"""Embeddings that an earlier match left in the cache, read all at once and without their encoder."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from napari_relict.errors import disk_faults


def stored_vectors(file: Path, encoder: str, volumes: Sequence[str]) -> np.ndarray | None:
    """Vectors of volumes as they lie (not mirrored), in the order asked for.

    The cache may hold several preparations and weights of one encoder: the one added to last that has all of
    the volumes counts.

    Parameters
    ----------
    file : the cache (see `EmbeddingCache`).
    encoder : name of the encoder.
    volumes : contents of the volumes, as the cache keys them.

    Returns
    -------
    float32 (len(volumes), features); None where there is no cache, or it lacks any of them.

    Raises
    ------
    DataError : the disk or the file is at fault.
    """
    if not file.is_file() or not volumes:
        return None
    with disk_faults(file), closing(sqlite3.connect(file, timeout=60)) as database:
        keys = database.execute(
            "SELECT encoder FROM embedding WHERE substr(encoder, 1, ?) = ? AND NOT mirrored"
            " GROUP BY encoder ORDER BY max(rowid) DESC",
            (len(encoder) + 1, f"{encoder}:"),
        ).fetchall()
        for (key,) in keys:
            rows = database.execute("SELECT volume FROM embedding WHERE encoder = ? AND NOT mirrored", (key,))
            if not set(volumes) <= {volume for (volume,) in rows}:
                continue
            found = dict(
                database.execute("SELECT volume, vector FROM embedding WHERE encoder = ? AND NOT mirrored", (key,))
            )
            return np.stack([np.frombuffer(found[volume], np.float32) for volume in volumes])
    return None
