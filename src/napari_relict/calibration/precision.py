"""How many ratings a given precision takes, before any are given."""

from __future__ import annotations

import numpy as np
from scipy.stats import beta

from napari_relict.errors import UsageError

MOST_RATINGS = 100_000  # of each kind


def accuracy_width(each: int, accuracy: float = 0.9) -> float:
    """Width of the 95% interval of a balanced accuracy at a given cut.

    Sensitivity and specificity are both taken to be `accuracy`, each with its Jeffreys posterior; the sum of the two is
    taken to be normal.

    Parameters
    ----------
    each : rated replicas, and rated others.
    """
    right = accuracy * each
    return float(2 * 1.96 * np.sqrt(beta.var(right + 0.5, each - right + 0.5) / 2))


def ratings_for_width(width: float, accuracy: float = 0.9) -> int:
    """The fewest rated replicas, and as many others, for which a balanced accuracy's interval is no wider.

    Parameters
    ----------
    width : of the 95% interval, above 0 and below 1.
    accuracy : expected; .5 is the worst case.

    Raises
    ------
    UsageError : a width or an accuracy out of range.
    """
    if not 0 < width < 1 or not 0 < accuracy <= 1:
        raise UsageError(f"a width is above 0 and below 1, an accuracy above 0 and at most 1, not {width}, {accuracy}")
    low, high = 1, MOST_RATINGS
    while low < high:
        middle = (low + high) // 2
        if accuracy_width(middle, accuracy) <= width:
            high = middle
        else:
            low = middle + 1
    return low
