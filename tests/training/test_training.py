"""Training: the same from the same seed, gone on with after a kill, better than nothing, one file out."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_relict.encoders import Encoder, open_encoder
from napari_relict.encoders.trained import InputGrid, read_trained
from napari_relict.encoders.volume_net import volume_net
from napari_relict.errors import Cancelled, DataError, UsageError
from napari_relict.training import Epoch, contrastive, train
from napari_relict.training.loop import _stalled
from napari_relict.training.poses import ROUNDING, distance, embedded, stacked
from napari_relict.training.run import Asked
from napari_relict.training.views import Views
from napari_relict.training.volumes import split_by_patient
from napari_relict.volumes import PreparedCohort

SHAPE = (24, 28, 26)
SPACING = (6.0, 6.0, 6.0)


def _trained(kind: str, cohort: PreparedCohort, patients: dict[str, str], file: Path, epochs: int = 2, **how):
    asked = Asked(kind, epochs, **{key: how.pop(key) for key in list(how) if key in ("published", "seed", "weights")})
    return train(asked, cohort, cohort.names, patients, file, "key", **how)


def _opened(kind: str, file: Path) -> Encoder:
    return open_encoder("mine", {"kind": kind, "weights": str(file)})


@pytest.mark.parametrize("kind", ["deepssim", "contrastive"])
def test_the_same_seed_gives_the_same_network(
    kind: str, cohort: PreparedCohort, patients: dict[str, str], tmp_path: Path
) -> None:
    one = _trained(kind, cohort, patients, tmp_path / "one.pt", 1)
    again = _trained(kind, cohort, patients, tmp_path / "again.pt", 1)
    other = _trained(kind, cohort, patients, tmp_path / "other.pt", 1, seed=5)
    assert all(torch.equal(value, again.state[key]) for key, value in one.state.items())
    assert not all(torch.equal(value, other.state[key]) for key, value in one.state.items())


def test_a_killed_training_goes_on_to_the_same_end(
    cohort: PreparedCohort, patients: dict[str, str], tmp_path: Path
) -> None:
    whole = _trained("deepssim", cohort, patients, tmp_path / "whole.pt", 3)

    def stop_in_the_third(stage: str, done: int, total: int) -> None:
        if stage.startswith("epoch 3"):
            raise Cancelled("stopped")

    file = tmp_path / "killed.pt"
    with pytest.raises(Cancelled):
        _trained("deepssim", cohort, patients, file, 3, progress=stop_in_the_third)
    assert not file.exists()
    assert file.with_suffix(".training").exists()
    begun: list[str] = []
    told: list[Epoch] = []
    resumed = _trained(
        "deepssim", cohort, patients, file, 3,
        progress=lambda stage, done, total: begun.append(stage), report=told.append,
    )  # fmt: skip
    assert set(begun) == {"epoch 3 of at most 3"}
    assert [epoch.number for epoch in told] == [1, 2, 3]
    assert all(torch.equal(value, resumed.state[key]) for key, value in whole.state.items())
    assert resumed.history == whole.history
    assert not file.with_suffix(".training").exists()


def test_a_checkpoint_of_other_settings_is_not_gone_on_from(
    cohort: PreparedCohort, patients: dict[str, str], place: Path
) -> None:
    def stop_in_the_second(stage: str, done: int, total: int) -> None:
        if stage.startswith("epoch 2"):
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        _trained("deepssim", cohort, patients, place, 2, progress=stop_in_the_second)
    begun: list[str] = []
    _trained("deepssim", cohort, patients, place, 2, seed=9, progress=lambda stage, done, total: begun.append(stage))
    assert "epoch 1 of at most 2" in begun


def test_deepssim_learns(cohort: PreparedCohort, patients: dict[str, str], place: Path) -> None:
    history = _trained("deepssim", cohort, patients, place, 8).history
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    assert min(row["checking_loss"] for row in history[1:]) < history[0]["checking_loss"]


def test_contrastive_learns_to_tell_patients_apart(
    cohort: PreparedCohort, patients: dict[str, str], place: Path
) -> None:
    _trained("contrastive", cohort, patients, place, 6)
    encoder = _opened("contrastive", place)
    images = cohort.images(cohort.names)
    random = np.random.default_rng(0)
    noisy = np.clip(images + random.normal(0, 0.03, images.shape), 0, 1).astype(np.float32)
    known = np.stack([encoder.encode(image, SPACING) for image in images])
    seen_again = np.stack([encoder.encode(image, SPACING) for image in noisy])
    assert np.mean((seen_again @ known.T).argmax(1) == np.arange(len(known))) > 0.6
    np.testing.assert_allclose(np.linalg.norm(known, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(known.mean(1), 0, atol=1e-5)


def test_poses_are_learned_and_undone(cohort: PreparedCohort) -> None:
    grid = InputGrid.for_study(SHAPE, SPACING, (8.0, 8.0, 8.0))
    torch.manual_seed(0)
    net = volume_net(contrastive.architecture_of(grid))
    images = np.stack([grid.seen(image, SPACING) for image in cohort.images(cohort.names)])
    rng = np.random.default_rng(0)
    views = stacked([Views(grid, cut=0.1)(image, rng) for image in images])
    placed = net.placed(views.images, views.poses).numpy()[:, 0]
    lain = views.images.numpy()[:, 0]

    def likeness(found: np.ndarray) -> float:
        pairs = zip(found, images, strict=True)
        return float(np.mean([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs]))

    assert likeness(placed) > likeness(lain) + 0.03
    assert float(distance(views.poses, views.poses, net.corner)) == pytest.approx(ROUNDING)
    still = torch.eye(3, 4).expand(len(images), 3, 4)
    assert all(torch.allclose(one, still) for one in net.poses(net.seen_as(views.images)))  # before it learns
    _, loss = embedded(net, views, "cpu")
    loss.backward()
    assert float(net.pose.head[-1].weight.grad.abs().max()) > 0


def test_the_file_holds_what_using_it_needs(cohort: PreparedCohort, patients: dict[str, str], place: Path) -> None:
    trained = _trained("deepssim", cohort, patients, place, 1)
    kept = read_trained(place, "deepssim")
    assert kept.trained_on == trained.trained_on == {row.content for row in cohort.rows.values()}
    assert kept.grid == trained.grid
    assert kept.grid.spacing == (8.0, 8.0, 8.0)  # the study's is finer
    assert all(side % 8 == 0 for side in kept.grid.shape)
    assert kept.settings["epochs"] == 1
    encoder = _opened("deepssim", place)
    image = cohort.images(cohort.names[:1])[0]
    vector = encoder.encode(image, SPACING)
    assert vector.shape == (256,)
    # The same volume on a finer grid is seen alike.
    fine = np.kron(image, np.ones((2, 2, 2), np.float32))
    assert float(vector @ encoder.encode(fine, (3.0, 3.0, 3.0))) > 0.95
    layers = encoder.encode_layers(image, SPACING)
    assert [layer.shape for layer in layers.values()] == [(1728,), (6912,), (1728,), (512,)]


def test_slices(cohort: PreparedCohort, patients: dict[str, str], place: Path, mobilenet: Path) -> None:
    trained = _trained("deepssim_2d", cohort, patients, place, 1, weights=mobilenet)
    before = torch.load(mobilenet, weights_only=True)
    assert torch.equal(trained.state["features.1.conv.1.weight"], before["features.1.conv.1.weight"])  # it rests
    assert not torch.equal(trained.state["features.17.conv.2.weight"], before["features.17.conv.2.weight"])
    encoder = _opened("deepssim_2d", place)
    vector = encoder.encode(cohort.images(cohort.names[:1])[0], SPACING)
    assert math.isclose(np.linalg.norm(vector), 1, abs_tol=1e-4)


def test_weights_of_another_network_are_refused(
    cohort: PreparedCohort, patients: dict[str, str], place: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(3)}, other)
    with pytest.raises(DataError, match=r"other\.pth.* torchvision's mobilenet_v2: 260 parameters missing"):
        _trained("deepssim_2d", cohort, patients, place, 1, weights=other)
    assert not place.exists()


def test_no_patient_learns_and_checks(cohort: PreparedCohort, patients: dict[str, str]) -> None:
    for seed in range(20):
        learn, check = split_by_patient(cohort.names, patients, seed)
        assert sorted(learn + check) == cohort.names
        assert not {patients[name] for name in learn} & {patients[name] for name in check}
        assert len({patients[name] for name in check}) == 2


def test_too_few_patients(cohort: PreparedCohort, place: Path) -> None:
    with pytest.raises(UsageError, match="1 patients are too few"):
        _trained("deepssim", cohort, dict.fromkeys(cohort.names, "one"), place)


def test_other_files_are_refused(tmp_path: Path, cohort: PreparedCohort, patients: dict[str, str], place: Path) -> None:
    _trained("deepssim", cohort, patients, place, 1)
    with pytest.raises(DataError, match="holds an encoder of kind deepssim, not contrastive"):
        read_trained(place, "contrastive")
    cut = tmp_path / "cut.pt"
    cut.write_bytes(place.read_bytes()[:5000])
    other = tmp_path / "other.pt"
    torch.save({"conv.weight": torch.zeros(3)}, other)
    for wrong in (cut, other):
        with pytest.raises(DataError, match="napari-relict train deepssim"):
            read_trained(wrong, "deepssim")
    content = torch.load(place, weights_only=True)
    content["state_dict"].pop("head.bias")
    torch.save(content, other)
    with pytest.raises(DataError, match=r"1 parameter missing \(head.bias\)"):
        _opened("deepssim", other)


def test_it_stops_when_it_gets_no_better() -> None:
    def history(*losses: float) -> list[Epoch]:
        return [Epoch(number, 0.0, loss) for number, loss in enumerate(losses, start=1)]

    assert not _stalled(history(3, 2, 1), 2)
    assert not _stalled(history(3, 1, 2), 2)
    assert _stalled(history(3, 1, 2, 2), 2)
    assert not _stalled(history(3, 1, 2, 1), 2)
