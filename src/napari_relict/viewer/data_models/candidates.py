"""Candidates of one synthetic volume, in the order in which their keys open them."""

from __future__ import annotations

import hashlib

import numpy as np

from napari_relict.reading.reading_list import Showing
from napari_relict.viewer.data_models.scores import Scores

MOST = 5  # on keys


def candidates_of(scores: Scores, pair: Showing, *, reader: str | None) -> list[Showing]:
    """The open pair's synthetic volume beside each training volume it was matched with; at most `MOST`.

    Nearest first. With `reader` (blinded) in an order of the reader's own: the number of a candidate must not tell
    its rank. The pair itself is always among them.
    """
    names = scores.candidates(pair.synthetic)[:MOST]
    if pair.training not in names:
        names = [pair.training, *names][:MOST]
    if reader is not None:
        seed = int.from_bytes(hashlib.sha256("\0".join([reader, pair.synthetic]).encode()).digest()[:8], "big")
        names = [names[place] for place in np.random.default_rng(seed).permutation(len(names))]
    return [Showing(pair.synthetic, name, swapped=pair.swapped) for name in names]
