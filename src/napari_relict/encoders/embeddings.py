"""Embeddings of a prepared cohort, computed once, kept by content and weights, and read again without their encoder."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal

import numpy as np

from napari_relict.encoders.contract import Encoder
from napari_relict.errors import disk_faults
from napari_relict.files.vector_cache import VectorCache
from napari_relict.jobs.progress import Progress, silent
from napari_relict.volumes.cohort import PreparedCohort

TABLE = "embedding"


class EmbeddingCache(VectorCache):
    """Vectors of encoders, by encoder (see `cache_key`), content of the volume, and whether it was mirrored.

    Parameters
    ----------
    file : pathlib.Path
        Pathlib.Path The SQLite file; made where it is missing.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(file, TABLE, {"encoder": "TEXT", "volume": "TEXT", "mirrored": "INTEGER"})


def embed(
    encoder: Encoder,
    cohort: PreparedCohort,
    names: Sequence[str],
    cache: EmbeddingCache,
    preparation: str,
    *,
    mirrored: bool = False,
    progress: Progress = silent,
) -> np.ndarray:
    """Encode the named volumes, or read what was kept of them.

    Of an encoder of several layers the vectors of the layers are kept too, each by a key of its own (see
    `stored_layers`); not those of mirror images, which no rule asks for.

    Parameters
    ----------
    encoder : Encoder
        What turns a volume into a vector.
    cohort : PreparedCohort
        Where the volumes are.
    names : sequence of str
        Which of its volumes.
    cache : EmbeddingCache
        Where vectors are kept.
    preparation : str
        Key of how the cohort was prepared; part of the cache key.
    mirrored : bool, default: False
        Encode the left-right mirror images instead.
    progress : Progress, default: silent
        Told of every finished step; may raise `Cancelled`.

    Returns
    -------
    numpy.ndarray of float32, shape (names, features)
        In the order of `names`.
    """
    vectors = []
    key = cache_key(encoder, preparation)
    layers = encoder.needs.layers if len(encoder.needs.layers) > 1 and not mirrored else ()
    for done, name in enumerate(names, start=1):
        content = cohort.rows[name].content
        vector = cache.get(key, content, mirrored)
        lacking = [layer for layer in layers if not cache.has(cache_key(encoder, preparation, layer), content, False)]
        if vector is None or lacking:
            image = cohort.images([name])[0]
            image = image[..., ::-1] if mirrored else image
            vector = encoder.encode(image, cohort.grid.spacing)
            of_layers = encoder.encode_layers(image, cohort.grid.spacing) if lacking else {}
            for layer in lacking:
                cache.put(cache_key(encoder, preparation, layer), content, mirrored, vector=of_layers[layer])
            cache.put(key, content, mirrored, vector=vector)
        vectors.append(vector)
        progress(f"{encoder.title}, {cohort.cohort}{' mirrored' if mirrored else ''}", done, len(names))
    return np.stack(vectors)


def cache_key(encoder: Encoder, preparation: str, layer: str = "") -> str:
    """Say by what the cache keeps the vectors of an encoder, or those of one of its layers.

    Parameters
    ----------
    encoder : Encoder
        The encoder.
    preparation : str
        Key of how the cohort was prepared.
    layer : str, default: ''
        One of its layers; the vector itself when empty.

    Returns
    -------
    str
        Name, weights and preparation.
    """
    return f"{encoder.name}{f'/{layer}' if layer else ''}:{encoder.weights}:{preparation}"


def stored_vectors(file: Path, encoder: str, volumes: Sequence[str]) -> np.ndarray | None:
    """Read vectors of volumes as they lie (not mirrored), in the order asked for.

    The cache may hold several preparations and weights of one encoder: the one added to last that has all of
    the volumes counts.

    Parameters
    ----------
    file : pathlib.Path
        The cache (see `EmbeddingCache`).
    encoder : str
        Name of the encoder.
    volumes : sequence of str
        Contents of the volumes, as the cache keys them.

    Returns
    -------
    numpy.ndarray of float32, shape (volumes, features), or None
        None where there is no cache, or it lacks any of them.

    Raises
    ------
    DataError
        The disk or the file is at fault.
    """
    if not file.is_file() or not volumes:
        return None
    with disk_faults(file), closing(sqlite3.connect(file, timeout=60)) as database:
        for key in reversed(_keys(database, f"{encoder}:", "max")):
            vectors = _vectors(database, key, volumes)
            if vectors is not None:
                return vectors
    return None


def stored_layers(file: Path, encoder: str, volumes: Sequence[str]) -> dict[str, np.ndarray]:
    """Read vectors of the named layers of an encoder, as `stored_vectors` does those of the encoder itself.

    Of several preparations and weights the one added to last that has all of the volumes, in all its layers, counts.

    Parameters
    ----------
    file : pathlib.Path
        The cache (see `EmbeddingCache`).
    encoder : str
        Name of the encoder.
    volumes : sequence of str
        Contents of the volumes, as the cache keys them.

    Returns
    -------
    dict of str to numpy.ndarray
        By layer, float32 (volumes, features), first to last; empty where the encoder has one layer, or there is
        none of which every volume lies in the cache.
    """
    if not file.is_file() or not volumes:
        return {}
    with disk_faults(file), closing(sqlite3.connect(file, timeout=60)) as database:
        by_state: dict[str, list[str]] = {}
        for key in _keys(database, f"{encoder}/", "min"):
            by_state.setdefault(key.partition(":")[2], []).append(key)
        for keys in reversed(by_state.values()):
            of_layers = {}
            for key in keys:
                vectors = _vectors(database, key, volumes)
                if vectors is None:
                    break
                of_layers[key.partition(":")[0].removeprefix(f"{encoder}/")] = vectors
            if len(of_layers) == len(keys):
                return of_layers
    return {}


def _keys(database: sqlite3.Connection, start: str, end: Literal["min", "max"]) -> list[str]:
    """Keys of encoders that start so, by when their first or last vector was added."""
    rows = database.execute(
        f"SELECT encoder FROM {TABLE} WHERE substr(encoder, 1, ?) = ? AND NOT mirrored"
        f" GROUP BY encoder ORDER BY {end}(rowid)",
        (len(start), start),
    )
    return [key for (key,) in rows]


def _vectors(database: sqlite3.Connection, key: str, volumes: Sequence[str]) -> np.ndarray | None:
    """Vectors of volumes as they lie; None where any is missing."""
    where = f"FROM {TABLE} WHERE encoder = ? AND NOT mirrored"
    if not set(volumes) <= {volume for (volume,) in database.execute(f"SELECT volume {where}", (key,))}:
        return None
    vectors = dict(database.execute(f"SELECT volume, vector {where}", (key,)).fetchall())
    return np.stack([np.frombuffer(vectors[volume], np.float32) for volume in volumes])
