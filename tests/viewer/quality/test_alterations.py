"""Alterations played on the open volume: what is shown, what measures see, and that the pair is not rated meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_study import SHAPE, FakeStudy, head
from napari.components import ViewerModel

from napari_relict.quality.alterations import ALTERATIONS
from napari_relict.reading.reading_list import Showing
from napari_relict.viewer.canvas.scene import ReviewScene
from napari_relict.viewer.data_models.scores import Scores
from napari_relict.viewer.jobs.worker import Jobs
from napari_relict.viewer.pair.alteration_preview import Player, playable, strength_in_words, strongest
from napari_relict.viewer.quality import encoder_similarity
from napari_relict.viewer.quality.alteration_controller import Playing
from napari_relict.viewer.quality.encoder_similarity import FeatureEye
from napari_relict.viewer.widgets.alterations_panel import AlterationsPanel


def seen(player: Player, strength: float) -> dict[str, float]:
    return {one.name: one.after for one in player.at(strength).seen}


def test_nothing_is_seen_of_nothing() -> None:
    altered = Player(head(1), ALTERATIONS["blur"], "one").at(0)
    assert np.array_equal(altered.images.left, altered.images.right)
    assert all(one.after == one.before for one in altered.seen)
    assert {one.name: one.after for one in altered.seen if one.pair} == {"ncc": 1, "ssim": 1, "mse": 0, "dice": 1}


def test_more_is_seen_of_more() -> None:
    player = Player(head(1), ALTERATIONS["noise"], "one")
    little, much = seen(player, 0.02), seen(player, 0.08)
    assert 1 > little["ncc"] > much["ncc"] and 1 > little["ssim"] > much["ssim"] and 0 < little["mse"] < much["mse"]
    assert much["noise"] > little["noise"]
    other = head(1).image
    altered = player.at(0.08)
    assert much["ncc"] == pytest.approx(np.corrcoef(other.ravel(), altered.after.ravel())[0, 1], abs=1e-6)
    assert much["mse"] == pytest.approx(float(((other - altered.after) ** 2).mean()), rel=1e-4)


def test_a_lesion_grows_where_it_is() -> None:
    player = Player(head(1), ALTERATIONS["lesion_added"], "one")
    small, large = (player.at(mm).images for mm in (6.0, 14.0))
    inside = small.right_labels == 60_001
    assert inside.any() and (large.right_labels[inside] == 60_001).all()
    assert large.bounds == small.bounds, "the frame stays"
    place = player.at(14.0).place
    assert large.right_labels[place] == 60_001
    grown = Player(head(1), ALTERATIONS["lesion_grown"], "one")
    assert (grown.at(0).images.left_labels == 60_001).any(), "planted in the unaltered one too"


def test_without_segmentations_anatomy_cannot_be_altered() -> None:
    assert {one.kind for one in playable(False)} == {"image"}
    assert {one.kind for one in playable(True)} == {"image", "local"}
    assert strongest(ALTERATIONS["lesion_removed"]) == 1
    assert strength_in_words(ALTERATIONS["lesion_removed"], 1.0) == "lesion removed"
    assert strength_in_words(ALTERATIONS["blur"], 2.0) == "blur 2 mm"


@pytest.fixture
def played(qtbot: Any, study: FakeStudy) -> Any:
    """Panel and scene of an open pair; the slider is moved by `to`."""
    panel, scene = AlterationsPanel(), ReviewScene(ViewerModel())
    qtbot.addWidget(panel)
    panel.resize(1100, 260)
    panel.show()
    images = Player(head(3), ALTERATIONS["blur"], "pair").at(0).images
    scene.show(images, SimpleNamespace(left="a", right="b", difference="c", left_side="a", right_side="b"))
    jobs = Jobs(panel)
    playing = Playing(study, scene, Scores(study), panel, jobs)
    playing.set_pair(Showing("syn-03", "patient-03"), labelled=True)

    def to(strength: float) -> None:
        panel.set_strength(strength)
        qtbot.waitUntil(lambda: playing.active and not jobs.busy and not panel.waiting, timeout=10_000)

    yield SimpleNamespace(panel=panel, scene=scene, playing=playing, to=to)
    scene.close()


def test_the_altered_volume_is_shown_beside_itself(played: Any, study: FakeStudy) -> None:
    played.panel.what.setCurrentIndex(played.panel.what.findText("blur"))
    played.panel.volume.setCurrentIndex(1)
    played.panel.what.activated.emit(0)
    played.to(4.0)
    assert ("training", "patient-03") in study.volumes_loaded
    left, _, right, _, _, _ = played.scene.layers
    assert left.name.startswith("Training  patient-03") and right.name == "Altered: blur 4 mm"
    assert np.array_equal(left.data, head(3).image) and not np.array_equal(right.data, left.data)
    frame = played.panel.model.frame.set_index("seen")
    assert frame.loc["NCC", "before"] == "1.0000" and float(frame.loc["NCC", "after"]) < 1
    assert frame.loc["NCC", "strangers"].count("to") == 1 and frame.loc["Sharpness", "strangers"] == ""
    assert "MobileNetV2 distance" not in frame.index, "its embeddings are not there"
    lines = played.panel.figure.axes[0].get_legend_handles_labels()[1]
    assert lines == ["NCC", "SSIM", "Dice"]
    ended = []
    played.playing.ended.connect(lambda: ended.append(1))
    played.panel.back.click()
    assert ended == [1] and not played.playing.active and played.panel.slider.value() == 0
    assert not played.panel.back.isEnabled()


def test_slices_go_to_what_changed_once(played: Any) -> None:
    played.panel.what.setCurrentIndex(played.panel.what.findText("lesion added"))
    played.panel.what.activated.emit(0)
    played.to(14.0)
    first = played.scene.viewer.dims.current_step
    assert played.scene.layers[3].data[first] == 60_001
    played.scene.viewer.dims.set_current_step(0, 1)
    played.to(7.0)
    assert played.scene.viewer.dims.current_step[0] == 1, "then the reader's place stays"


def test_another_pair_ends_it(played: Any) -> None:
    played.to(played.panel.value() + strongest(played.panel.alteration))
    played.playing.stop()
    played.playing.set_pair(Showing("syn-04", "patient-04"), labelled=False)
    assert not played.playing.active and played.panel.model.rowCount() == 0
    assert played.panel.volume.itemText(0) == "Synthetic syn-04"
    assert played.panel.what.findText("lesion added") == -1


def test_the_cosine_is_that_of_the_match(study: FakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FeatureEye(study).name == "", "no embeddings in the cache"
    training = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    monkeypatch.setattr(encoder_similarity, "stored_vectors", lambda file, name, contents: training)
    encoded = []

    def encode(image: np.ndarray, spacing: Any) -> np.ndarray:
        encoded.append(image)
        return image.ravel()[:3].astype(np.float32)

    encoder = SimpleNamespace(encode=encode, centred=True)
    monkeypatch.setattr(encoder_similarity, "open_encoder", lambda *given, **more: encoder)
    study.settings.encoders, study.settings.hounsfield = {}, None
    eye = FeatureEye(study)
    one, other = np.full(SHAPE, 0.3, np.float32), np.linspace(0, 1, 3).astype(np.float32)
    value = eye.compare(one, other, (1, 1, 1))
    a, b = one.ravel()[:3] - training.mean(0), other - training.mean(0)
    assert value == pytest.approx(float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)), abs=1e-5)
    eye.compare(one, other, (1, 1, 1))
    assert len(encoded) == 3, "the unaltered volume is encoded once"
