"""Encoders that a study defines itself: measures like the built-in ones, everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from napari_relict.decisions.published_rules import judge_by_rules
from napari_relict.errors import DataError, UsageError
from napari_relict.report.page import write_report
from napari_relict.study import Study


class Layers(nn.Module):
    """Two layers: a few convolutions, and means of the volume on a coarse grid."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(1, 3, 3)

    def forward(self, batch: torch.Tensor) -> dict[str, torch.Tensor]:
        coarse = nn.functional.adaptive_avg_pool3d(batch, [4, 4, 4])
        return {"low": self.conv(batch), "high": coarse.flatten(1)}


def define(study: Study, text: str) -> Study:
    toml = study.folder / "study.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + text, encoding="utf-8")
    return Study.open(study.folder)


def write_network(folder: Path) -> None:
    torch.manual_seed(0)
    torch.jit.script(Layers()).save(str(folder / "net.pt"))


OWN = """
[encoders.own]
kind = "torchscript"
title = "Our net"
weights = "net.pt"
layers = ["low", "high"]
"""


def test_an_encoder_of_the_study_is_a_measure_like_any_other(matched: Study, tmp_path: Path) -> None:
    write_network(matched.folder)
    study = define(
        matched,
        OWN
        + """
[encoders.raw]
kind = "torchscript"
weights = "net.pt"
layers = ["low", "high"]
centred = false
""",
    )
    toml = study.folder / "study.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("verify = 2", "verify = 0"), encoding="utf-8")
    study = Study.open(study.folder)
    assert study.match(measures=["ncc", "raw", "own"]) == []
    features = [measure for measure in study.measures() if measure.level == "feature"]
    assert [(one.name, one.title, one.decides) for one in features] == [("raw", "raw", True), ("own", "Our net", True)]
    matches = study.matches()
    assert matches["own"].between(-1, 1).all()
    assert study.null("own").known
    assert study.nearest()["own"].loc["copy-mirror"] > 0.999
    # The training mean is taken away from what the search, the null and the tables hold, or from none of them.
    assert study.null("raw").scores.min() > 0.9 > study.null("own").scores.min()
    assert matches["raw"].min() > 0.9 > matches["own"].min()
    assert "Our net" in " ".join(study.verdicts()["evidence"])
    study.export("matches", tmp_path / "matches.csv")
    assert "own" in pd.read_csv(tmp_path / "matches.csv").columns
    assert "Our net" in write_report(study).read_text(encoding="utf-8")
    note = judge_by_rules(study).set_index("rule")["note"]
    assert note["mi_calibrated"].endswith("features: low, high of raw")

    # Its scores stay when it is defined no more.
    toml.write_text(toml.read_text(encoding="utf-8").partition("[encoders.own]")[0], encoding="utf-8")
    again = Study.open(study.folder)
    assert [one.title for one in again.measures() if one.level == "feature"] == ["raw", "own"]
    np.testing.assert_array_equal(again.matches()["own"], matches["own"])
    with pytest.raises(UsageError, match="no measure 'own'"):
        again.match(measures=["ncc", "own"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[encoders.dice]\nkind = "torchscript"', "the name of another measure"),
        ('[encoders.rank]\nkind = "torchscript"', "the name of a column"),
        ('[encoders.rank_voxel]\nkind = "torchscript"', "the name of a column"),
        ('[encoders.own]\nkind = "nope"', "no known kind 'nope'"),
        ("[encoders.own]", "no known kind 'own'"),
        ('[encoders.own]\nkind = "onnx"\nlayer = 3', "unknown key 'layer'"),
    ],
)
def test_wrong_encoders_are_refused_when_the_study_is_opened(matched: Study, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        define(matched, f"\n{text}\n")
    assert "study.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_encoder_that_is_named_but_has_no_weights_says_what_to_do(matched: Study) -> None:
    with pytest.raises(UsageError, match=r"swin_unetr needs its weights: set weights"):
        matched.match(measures=["ncc", "swin_unetr"])
    with pytest.raises(UsageError, match="needs Hounsfield units"):
        matched.match(measures=["ncc", "i3resnet"])
