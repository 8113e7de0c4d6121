"""How unlike each other the volumes of one cohort are."""

from __future__ import annotations

import numpy as np


def vendi(vectors: np.ndarray) -> float:
    """Compute the Vendi score with the cosine as similarity.

    The exponential of the entropy of the eigenvalues of the similarity matrix over its size: as many volumes as there
    would be if all were wholly unlike each other. 1 for copies of one volume. It grows with the number of volumes.

    Parameters
    ----------
    vectors : numpy.ndarray of shape (volumes, features)
        A vector of zeros is like nothing but itself.

    Returns
    -------
    float
        NaN without vectors.

    Notes
    -----
    Friedman & Dieng (2023), arXiv 2210.02410.
    """
    if not len(vectors):
        return float("nan")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = vectors / np.where(lengths > 0, lengths, 1)
    if len(vectors) <= vectors.shape[1]:
        similar = directions @ directions.T
        np.fill_diagonal(similar, 1.0)
        weights = np.linalg.eigvalsh(similar / len(vectors))
    else:  # the other product has the same eigenvalues but for zeros, and is smaller
        weights = np.linalg.eigvalsh(directions.T @ directions / len(vectors))
    weights = weights[weights > 1e-12]
    return float(np.exp(-(weights * np.log(weights)).sum()))


def mean_of_pairs(similarity: np.ndarray, owners: np.ndarray) -> float:
    """Average the similarity of the pairs that were compared, of different patients.

    Parameters
    ----------
    similarity : numpy.ndarray of shape (volumes, volumes)
        Symmetric; NaN for pairs that were not compared.
    owners : numpy.ndarray of shape (volumes,)
        Patient of each volume.

    Returns
    -------
    float
        NaN where there is none.
    """
    first, second = np.triu_indices(len(similarity), 1)
    values = similarity[first, second][owners[first] != owners[second]]
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else float("nan")
