"""Embeddings of a prepared cohort, computed once and kept by content and weights."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from napari_relict.encoders.contract import Encoder
from napari_relict.errors import disk_faults
from napari_relict.jobs.progress import Progress, silent
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

    def has(self, encoder: str, volume: str) -> bool:
        """Whether there is a vector of the volume as it lies."""
        with self._open() as database:
            query = "SELECT 1 FROM embedding WHERE encoder=? AND volume=? AND NOT mirrored"
            return database.execute(query, (encoder, volume)).fetchone() is not None

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

    Of an encoder of several layers the vectors of the layers are kept too, each by a key of its own (see
    `napari_relict.encoders.stored.stored_layers`); not those of mirror images, which no rule asks for.

    Parameters
    ----------
    preparation : key of how the cohort was prepared; part of the cache key.
    mirrored : encode the left-right mirror images instead.

    Returns
    -------
    float32 (len(names), features).
    """
    vectors = []
    key = cache_key(encoder, preparation)
    layers = encoder.needs.layers if len(encoder.needs.layers) > 1 and not mirrored else ()
    for done, name in enumerate(names, start=1):
        content = cohort.rows[name].content
        vector = cache.get(key, content, mirrored)
        lacking = [one for one in layers if not cache.has(cache_key(encoder, preparation, one), content)]
        if vector is None or lacking:
            image = cohort.images([name])[0]
            image = image[..., ::-1] if mirrored else image
            vector = encoder.encode(image, cohort.grid.spacing)
            found = encoder.encode_layers(image, cohort.grid.spacing) if lacking else {}
            for layer in lacking:
                cache.put(cache_key(encoder, preparation, layer), content, mirrored, found[layer])
            cache.put(key, content, mirrored, vector)
        vectors.append(vector)
        progress(f"{encoder.title}, {cohort.cohort}{' mirrored' if mirrored else ''}", done, len(names))
    return np.stack(vectors)


def cache_key(encoder: Encoder, preparation: str, layer: str = "") -> str:
    """By what the cache keeps the vectors of an encoder, or those of one of its layers."""
    return f"{encoder.name}{f'/{layer}' if layer else ''}:{encoder.weights}:{preparation}"
