"""What a data steward reads first: never calmer than the evidence."""

from __future__ import annotations

import numpy as np
import pandas as pd

from napari_relict.calibration import NullScores
from napari_relict.calibration.copies import CopyCount
from napari_relict.calibration.null import HOLDOUT, LEFT_OUT
from napari_relict.decisions.release import release
from napari_relict.report.answer import Answer, answer, fewest_to_call


def said(verdicts: list[str], p: list[float], patients: int, source: str = HOLDOUT, rated: int = 0) -> Answer:
    count = len(verdicts)
    names = [f"s{number}" for number in range(count)]
    training = [f"t{number // 2}" for number in range(count)]
    table = pd.DataFrame({"synthetic": names, "training": training, "verdict": verdicts, "p_value": p, "q_value": p})
    table = table.assign(probability=np.nan, p_rank=p, rule="null")
    null = NullScores("ncc", np.zeros(patients), source)
    copies = (CopyCount("scores", 2.2, 0.4, 3.0, "some", "few"),)
    return answer(table, release(table, {}, null, copies, 0.05), 0.05, null, 0.05, rated)


def test_copies_are_counted_and_so_are_their_sources() -> None:
    found = said(["exact replica"] * 2 + ["near replica"] + ["no replica"] * 3, [0.001] * 3 + [0.5] * 3, 999)
    assert found.headline == (
        "Of 6 synthetic volumes 3 look like copies of training patients, 0 are undecided and 3 are cleared."
    )
    assert found.lines[0] == "2 exact and 1 near replicas, of 2 different training volumes."
    assert found.lines[1] == "By scores there are about 2 copies (95% interval 0 to 3)."
    assert found.lines[2].startswith("Withhold 3 volumes. 3 are cleared at a risk of 0.05")
    assert not any("null" in line for line in found.cautions)
    one = said(["exact replica", "no replica"], [0.001, 0.5], 999)
    assert "1 looks like a copy of a training patient" in one.headline


def test_what_is_undecided_is_no_all_clear() -> None:
    found = said(["undecided"] * 2 + ["no replica"] * 4, [1 / 15] * 2 + [0.5] * 4, 14, LEFT_OUT)
    assert "2 are undecided and 4 are cleared" in found.headline
    assert "never cleared" in found.lines[0]
    assert "Withhold 2 volumes" in " ".join(found.lines)
    cautions = " ".join(found.cautions)
    assert "The null is small" in cautions and "assumes" in cautions and "There was no holdout" in cautions
    assert "Nobody has rated" in cautions
    tiny = " ".join(said(["undecided"] * 6, [0.5] * 6, 4).cautions)
    assert "too small to call any copy" in tiny


def test_nothing_found_is_said_with_what_could_have_been_missed() -> None:
    found = said(["no replica"] * 40, [0.5] * 40, 200, rated=7)
    assert "none looks like a copy" in found.headline and "40 are cleared" in found.headline
    cautions = " ".join(found.cautions)
    assert "The null is small" in cautions and "no proof of privacy" in cautions
    assert "rated 7 of 40" in cautions


def test_the_fewest_that_can_be_called() -> None:
    # 28 tests, smallest p 1/53: 10 of them at it have q = 28 / (53 * 10) = .053, 11 have .048.
    assert fewest_to_call(28, NullScores("ncc", np.zeros(52), HOLDOUT), 0.05) == 11
