"""Copies among arrays, without files of one's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import coarse_phantom as coarse
from napari_relict import find_copies
from napari_relict.errors import DataError, UsageError

TRAINING = np.stack([coarse.head(seed)[0] for seed in range(8)])
HOLDOUT = [coarse.head(seed)[0] for seed in range(20, 32)]


def test_a_copy_among_arrays_is_called_and_a_stranger_is_not() -> None:
    synthetic = torch.from_numpy(np.stack([coarse.head(40)[0], 0.9 * TRAINING[5], TRAINING[2]]))[:, None]
    found = find_copies(TRAINING, synthetic, spacing=5.0, holdout=HOLDOUT, measures=["ncc", "nmi", "bend"])
    assert found["synthetic"].tolist() == [0, 1, 2]
    assert found["training"].tolist()[1:] == [5, 2]
    assert found["verdict"].tolist()[1:] == ["exact replica"] * 2
    assert found["verdict"][0] not in ("exact replica", "near replica")
    assert {"p_value", "q_value", "ncc", "nmi", "bend"} <= set(found)


@pytest.mark.parametrize(
    ("synthetic", "wrong"),
    [(np.zeros((4, 4)), r"shape 4; give"), (np.zeros((2, 3, 8, 8, 8)), "shape 3 x 8 x 8 x 8"), ([], "no volumes")],
)
def test_what_is_no_volume_is_refused(synthetic: object, wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong):
        find_copies(TRAINING, synthetic, spacing=5.0)


def test_a_volume_that_cannot_be_compared_is_named() -> None:
    with pytest.raises(DataError, match=r"synthetic-000001\.npy"):
        find_copies(TRAINING, [TRAINING[0], np.zeros(coarse.SHAPE)], spacing=5.0, measures=["ncc"])
