"""Embeddings of a prepared cohort, computed once and kept by content and weights."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from napari_relict.encoders.contract import Encoder
from napari_relict.errors import disk_faults
from napari_relict.progress import Progress, silent
from napari_relict.volumes.cohort import PreparedCohort


class EmbeddingCache:
    """Vectors in one SQLite file: each is durable once stored, so a stopped job goes on where it was."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with disk_faults(file):
            file.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS embedding"
                " (encoder TEXT, volume TEXT, mirrored INTEGER, vector BLOB, PRIMARY KEY (encoder, volume, mirrored))"
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with disk_faults(self._file), closing(sqlite3.connect(self._file, timeout=60)) as database, database:
            database.execute("PRAGMA journal_mode=WAL")
            yield database

    def get(self, encoder: str, volume: str, mirrored: bool) -> np.ndarray | None:
        with self._open() as database:
            found = database.execute(
                "SELECT vector FROM embedding WHERE encoder=? AND volume=? AND mirrored=?",
                (encoder, volume, int(mirrored)),
            ).fetchone()
        return None if found is None else np.frombuffer(found[0], np.float32)

    def put(self, encoder: str, volume: str, mirrored: bool, vector: np.ndarray) -> None:
        with self._open() as database:
            database.execute(
                "INSERT OR REPLACE INTO embedding VALUES (?, ?, ?, ?)",
                (encoder, volume, int(mirrored), vector.astype(np.float32).tobytes()),
            )


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
    """Vectors of the named volumes.

    Parameters
    ----------
    preparation : key of how the cohort was prepared; part of the cache key.
    mirrored : encode the left-right mirror images instead.

    Returns
    -------
    float32 (len(names), features).
    """
    vectors = []
    key = f"{encoder.name}:{encoder.weights}:{preparation}"
    for done, name in enumerate(names, start=1):
        content = cohort.rows[name].content
        vector = cache.get(key, content, mirrored)
        if vector is None:
            image = cohort.images([name])[0]
            vector = encoder.encode(image[..., ::-1] if mirrored else image)
            cache.put(key, content, mirrored, vector)
        vectors.append(vector)
        progress(f"{encoder.title}, {cohort.cohort}{' mirrored' if mirrored else ''}", done, len(names))
    return np.stack(vectors)
