"""Training from a study: a measure of it afterwards, and volumes that were learned from are no null."""

from __future__ import annotations

import pytest
import tomlkit

from napari_relict.errors import UsageError
from napari_relict.study import Study


@pytest.mark.timeout(300)
def test_a_trained_encoder_is_a_measure(matched: Study) -> None:
    told = (matched.folder / "study.toml").read_text()
    (matched.folder / "study.toml").write_text(
        "# what I meant to say\n" + told.replace("verify = 2", "verify = 0")  # aligning pairs again proves nothing here
    )
    found = matched.train("contrastive", name="mine", on="holdout", epochs=1)
    assert found.file == matched.folder / "encoders" / "mine.pt"
    text = (matched.folder / "study.toml").read_text()
    assert text.startswith("# what I meant to say")
    document = tomlkit.parse(text).unwrap()
    assert document["encoders"]["mine"] == {"kind": "contrastive", "weights": "encoders/mine.pt"}
    assert "mine" in document["match"]["measures"]

    before = len(matched.null("ncc").scores)
    again = Study.open(matched.folder)
    assert again.match(measures=["ncc", "mine"]) == []
    assert again.matches()["mine"].between(-1, 1).all()
    null = again.null("mine")
    assert null.learned_from == found.volumes == round(before / 2)
    assert len(null.scores) == before - found.volumes
    assert "an encoder was trained on" in null.described
    learned = {
        row.name for row in again._open_cohort("holdout").rows.values() if row.content in found.trained.trained_on
    }
    assert len(learned) == found.volumes
    again.close()


def test_what_cannot_be_trained(matched: Study) -> None:
    with pytest.raises(UsageError, match="name of another measure"):
        matched.train("contrastive", name="ncc")
    with pytest.raises(UsageError, match="there are deepssim, deepssim_2d, contrastive"):
        matched.train("mobilenet_v2")
    with pytest.raises(UsageError, match="no backbone"):
        matched.train("deepssim_2d", backbone="resnet")
    with pytest.raises(UsageError, match="device 'cuda' is not there"):
        matched.train("deepssim", device="cuda")
    assert "encoders" not in tomlkit.parse((matched.folder / "study.toml").read_text())
