"""How fast the nearest of many embeddings are found, exactly: ours against what people use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.timing import Row, compared, seconds, titled
from napari_relict.matching.nearest import Vectors

FEATURES, QUERIES, TOP = 512, 200, 10
Found = Callable[[], np.ndarray]  # places (queries, top)


def measure_embeddings(counts: tuple[int, ...] = (100_000, 1_000_000)) -> list[Row]:
    """One row a size and peer: milliseconds for all queries, whoever keeps whatever he likes of the rows beforehand.

    Raises
    ------
    ValueError : the places found are not the peer's.
    """
    rows: list[Row] = []
    random = np.random.default_rng(0)
    for count in counts:
        table, queries = (unit(random.standard_normal((n, FEATURES), np.float32)) for n in (count, QUERIES))
        vectors = Vectors(table)
        places, _ = vectors.nearest(queries, TOP)
        ours = seconds(lambda: vectors.nearest(queries, TOP))  # noqa: B023 (called at once)
        size = f"{QUERIES} in {count:.0e} x {FEATURES}"
        for name, find in peers(table, queries):
            if find is None:
                rows.append(compared("embeddings, exact top 10", size, name, None, ours, None, ""))
                continue
            same = float((find() == places).mean())
            if same < 0.999:
                raise ValueError(f"{name} and ours share {same:.1%} of the nearest of {count}")
            note = f"{same:.2%} of places in common; ours by {vectors.kind}, then float64"
            rows.append(compared("embeddings, exact top 10", size, name, seconds(find), ours, 0.0, note))
    return rows


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def peers(table: np.ndarray, queries: np.ndarray) -> Iterator[tuple[str, Found | None]]:
    """One at a time, for each may keep a copy of the rows."""
    for name, package, make in (
        ("torch", "torch", of_torch),
        ("faiss", "faiss-cpu", of_faiss),
        ("scikit-learn", "scikit-learn", of_sklearn),
    ):
        try:
            title, find = titled(package), make(table, queries)
        except ImportError:
            yield name, None
            continue
        yield title, find


def of_torch(table: np.ndarray, queries: np.ndarray) -> Found:

    rows, asked = torch.from_numpy(table), torch.from_numpy(queries)
    return lambda: torch.topk(asked @ rows.T, TOP).indices.numpy()


def of_faiss(table: np.ndarray, queries: np.ndarray) -> Found:
    import faiss

    index = faiss.IndexFlatIP(FEATURES)
    index.add(table)
    return lambda: index.search(queries, TOP)[1]


def of_sklearn(table: np.ndarray, queries: np.ndarray) -> Found:
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=TOP, algorithm="brute").fit(table)  # of unit rows: the same order
    return lambda: index.kneighbors(queries, return_distance=False)


if __name__ == "__main__":
    for row in measure_embeddings():
        print(*(f"{value:.4g}" if isinstance(value, float) else value for value in row.values()), sep=" | ")
