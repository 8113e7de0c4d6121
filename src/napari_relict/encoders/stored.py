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


def stored_layers(file: Path, encoder: str, volumes: Sequence[str]) -> dict[str, np.ndarray]:
    """Vectors of the named layers of an encoder, as `stored_vectors` gives those of the encoder itself.

    Of several preparations and weights the one added to last that has all of the volumes, in all its layers, counts.

    Returns
    -------
    layer -> float32 (len(volumes), features), first to last; empty where the encoder has one layer, or there is none
    of which every volume lies in the cache.
    """
    if not file.is_file() or not volumes:
        return {}
    with disk_faults(file), closing(sqlite3.connect(file, timeout=60)) as database:
        keys = database.execute(
            "SELECT encoder FROM embedding WHERE substr(encoder, 1, ?) = ? AND NOT mirrored"
            " GROUP BY encoder ORDER BY min(rowid)",
            (len(encoder) + 1, f"{encoder}/"),
        ).fetchall()
        by_state: dict[str, list[str]] = {}
        for (key,) in keys:
            by_state.setdefault(key.partition(":")[2], []).append(key)
        for of_layers in reversed(by_state.values()):
            found = {}
            for key in of_layers:
                rows = database.execute(
                    "SELECT volume, vector FROM embedding WHERE encoder = ? AND NOT mirrored", (key,)
                )
                vectors = dict(rows.fetchall())
                if not set(volumes) <= set(vectors):
                    break
                layer = key.partition(":")[0].removeprefix(f"{encoder}/")
                found[layer] = np.stack([np.frombuffer(vectors[volume], np.float32) for volume in volumes])
            if len(found) == len(of_layers):
                return found
    return {}
