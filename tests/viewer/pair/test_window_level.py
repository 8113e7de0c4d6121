from __future__ import annotations

import numpy as np
import pytest

from napari_relict.viewer.pair.window_level import (
    CT_PRESETS,
    FULL,
    ROBUST,
    Windowing,
    dragged,
    next_preset,
    preset,
    presets,
    window_text,
)

NOTHING: list[np.ndarray] = []


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("brain", (0, 80)),
        ("subdural", (-32.5, 182.5)),
        ("bone", (-500, 1500)),
        ("lung", (-1350, 150)),
        ("soft tissue", (-160, 240)),
    ],
)
def test_presets_of_ct(name: str, window: tuple[float, float]) -> None:
    assert preset(name, "HU", NOTHING, 0) == window


def test_the_robust_window_is_of_the_anatomy() -> None:
    image = np.zeros((20, 20, 20), np.float32)
    image[4:16, 4:16, 4:16] = 0.4
    image[4, 4, 4] = 1.0
    image[6:10] += np.where(image[6:10] > 0, 0.2, 0)
    low, high = preset(ROBUST, "", [image, image], level=0.1)
    assert low == pytest.approx(0.4)
    assert high == pytest.approx(0.6)
    assert preset(ROBUST, "", [np.zeros_like(image)], level=0.1) == (0, 1), "of nothing it is the full one"


def test_one_key_goes_through_all_presets_and_back() -> None:
    seen = [presets("HU")[0]]
    while len(seen) < 6:
        seen.append(next_preset("HU", seen[-1]))
    assert sorted(seen[:5]) == sorted(CT_PRESETS)
    assert seen[5] == seen[0]
    assert next_preset("", FULL) == ROBUST


def test_a_window_set_by_hand_gives_way_to_the_default() -> None:
    choice = Windowing(by_hand=(0.2, 0.3))
    assert choice.window("", NOTHING, 0) == (0.2, 0.3)
    choice = choice.next("")
    assert choice.window("", NOTHING, 0) == (0, 1)
    choice = Windowing("lung")
    assert choice.window("", NOTHING, 0) == (0, 1), "a preset of CT means nothing for MR"


def test_dragging_right_widens_and_dragging_up_raises_the_level() -> None:
    assert dragged((-160, 240), 250, 0, "HU") == (-360, 440)
    low, high = dragged((-160, 240), 0, 25, "HU")
    assert (high - low, (low + high) / 2) == pytest.approx((400, 80))
    low, high = dragged((-160, 240), -100_000, 0, "HU")
    assert high - low == pytest.approx(1), "never empty"


def test_what_is_written() -> None:
    assert window_text((-160, 240), "HU") == "W 400  L 40 HU"
    assert window_text((0, 1), "") == "W 100  L 50 %"
