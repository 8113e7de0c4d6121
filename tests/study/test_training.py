"""Training from a study: a measure of it afterwards, and volumes that were learned from are no null."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import tomlkit

from napari_relict.errors import UsageError
from napari_relict.study import Study
from napari_relict.study.pipeline.null_cohorts import learned_from


def test_a_trained_encoder_is_a_measure_of_the_next_match(matched: Study) -> None:
    told = (matched.folder / "study.toml").read_text()
    (matched.folder / "study.toml").write_text(f"# what I meant to say\n{told}")
    found = matched.train("contrastive", name="mine", on="holdout", epochs=1)
    assert found.file == matched.folder / "encoders" / "mine.pt"
    text = (matched.folder / "study.toml").read_text()
    assert text.startswith("# what I meant to say")
    document = tomlkit.parse(text).unwrap()
    assert document["encoders"]["mine"] == {"kind": "contrastive", "weights": "encoders/mine.pt"}
    assert "mine" in document["match"]["measures"]

    holdout = matched._open_cohort("holdout")
    encoder: Any = SimpleNamespace(trained_on=found.trained.trained_on)
    training = matched._open_cohort("training")
    learned = learned_from([encoder], [holdout, training])
    assert len(learned) == found.volumes == len(holdout) // 2
    assert {cohort for cohort, _ in learned} == {"holdout"}
    knows: Any = SimpleNamespace(trained_on={row.content for row in training.rows.values()})
    assert len(learned_from([knows], [holdout, training])) == len(training)
    assert learned_from([knows], [training]) == []  # the weaker null is better than none


def test_volumes_that_were_learned_from_are_no_null(matched: Study) -> None:
    before = len(matched.null("ncc").scores)
    learned = matched._open_cohort("holdout").names[:10]
    with matched._database.connect() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO meta VALUES ('learned_from', ?)",
            (json.dumps([("holdout", name) for name in learned]),),
        )
    null = matched.null("ncc")
    assert len(null.scores) == before - 10
    assert null.learned_from == 10
    assert "10 volumes that an encoder was trained on left out" in null.described


def test_what_cannot_be_trained(matched: Study) -> None:
    with pytest.raises(UsageError, match="name of another measure"):
        matched.train("contrastive", name="ncc")
    with pytest.raises(UsageError, match=r"\[encoders\.mobilenet_v2\]|no encoder 'mobilenet_v2' is trained here"):
        matched.train("mobilenet_v2")
    with pytest.raises(UsageError, match="no backbone"):
        matched.train("deepssim_2d", backbone="resnet")
    with pytest.raises(UsageError, match="device 'cuda' is not there"):
        matched.train("deepssim", device="cuda")
    assert "encoders" not in tomlkit.parse((matched.folder / "study.toml").read_text())
