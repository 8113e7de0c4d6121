"""An afternoon in the real window: rating, undo, a crash in the middle, a second reader, agreement.

Twenty pairs are read, so that the whole suite stays short; all hundred by

    AFTERNOON_PAIRS=100 make test ARGS=tests/viewer/test_afternoon.py
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from afternoon import grade_of

import phantom
from napari_relict.study import Study
from napari_relict.viewer.session.session import ReadingSession

PAIRS = int(os.environ.get("AFTERNOON_PAIRS", "20"))
COPIES, TRAINING = 3 * PAIRS // 10, 10
SHAPE = (24, 28, 24)

pytestmark = [
    pytest.mark.gl,
    pytest.mark.skipif(os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="the offscreen platform has no OpenGL"),
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Small synthetic heads, three in ten of them copies with a little noise; searched, not aligned."""
    folder = tmp_path_factory.mktemp("afternoon")
    random = np.random.default_rng(3)
    for number in range(TRAINING):
        phantom.write(folder / "training", f"train-{number:02d}", phantom.head(number, SHAPE)[0])
    for number in range(PAIRS):
        copy = number < COPIES
        values = phantom.head(number % TRAINING if copy else 1000 + number, SHAPE)[0]
        values = np.where(values > 0, values + random.normal(0, 8, SHAPE), 0).astype(np.float32)
        phantom.write(folder / "synthetic", f"{'copy' if copy else 'novel'}-{number:03d}", values)
    made = Study.create(folder / "study", training=folder / "training", synthetic=folder / "synthetic")
    settings = (made.folder / "study.toml").read_text()
    assert "verify = 2" in settings and "partial = true" in settings
    settings = settings.replace("verify = 2", "verify = 0").replace("partial = true", "partial = false")
    (made.folder / "study.toml").write_text(settings)
    made = Study.open(made.folder)
    made.match(measures=["ncc", "mse"])
    return made


def sit_down(study: Study, reader: str, *more: str) -> tuple[int, dict[str, Any]]:
    script = Path(__file__).with_name("afternoon.py")
    done = subprocess.run(
        [sys.executable, str(script), str(study.folder), reader, *more],
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    told = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert told, done.stderr
    return done.returncode, json.loads(told[-1])


@pytest.mark.timeout(1200)
def test_an_afternoon_in_the_reading_room(study: Study) -> None:
    showings = study.reading_list("ana")
    repeats = sum(showing.repeat for showing in showings)
    assert (len(showings) - repeats, repeats) == (PAIRS, PAIRS // 10)

    status, told = sit_down(study, "ana", "--die-after", str(PAIRS // 2))
    assert status == -signal.SIGKILL
    assert len(study.standing_ratings()) == PAIRS // 2, "every acknowledged rating is there"

    status, resumed = sit_down(study, "ana")
    assert status == 0
    assert resumed["begun"]["open"] == told["open"], "exactly there"
    assert resumed["begun"]["done"] == PAIRS // 2
    assert resumed["begun"]["grade"] in (1, 2, 3, 4), "the draft came along"
    mine = study.standing_ratings()
    assert len(mine) == len(showings)
    assert mine["blinded"].sum() == len(mine) - 2, "two were undone, and rated again after their scores were seen"
    assert mine["seconds"].notna().all()

    ben = ReadingSession(study, "ben")  # the second reader needs no window
    while ben.progress()[0] < ben.progress()[1]:
        ben.set_grade(grade_of("ben", ben.pair.synthetic, ben.pair.repeat))
        assert ben.lock()
        ben.proceed()
    agreement = study.agreement()
    between = agreement[agreement["kind"] == "two readers"]
    assert (between["pairs"] == PAIRS).all()
    share = between.loc[between["statistic"].str.contains("ercentage"), "value"].to_numpy(float)
    assert ((share > 70) & (share <= 100)).all()
    within = agreement[agreement["kind"] == "within reader, hidden repeats"]
    assert set(within["pairs"]) == {PAIRS // 10}

    apart = study.disagreements()
    assert len(apart)
    assert sit_down(study, "ana and ben", "--round", "consensus")[0] == 0
    assert study.disagreements()["consensus"].all()

    thresholds = study.calibrate()
    ncc = thresholds[thresholds["measure"] == "ncc"].iloc[0]
    assert ncc["n_rated"] == PAIRS
    assert ncc["n_replicas"] == COPIES
    assert ncc["balanced_accuracy"] > 0.95
