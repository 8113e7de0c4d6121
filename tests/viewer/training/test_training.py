"""The training dock: what it asks for, what it shows meanwhile, how it stops, goes on and ends."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from matplotlib.colors import to_hex
from napari.components import ViewerModel
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QFileDialog, QMainWindow
from test_plugin import delete

import phantom
from napari_relict.cli.app import main
from napari_relict.errors import Cancelled, DataError, UsageError
from napari_relict.study import Study
from napari_relict.study.pipeline.stopped_training import StoppedTraining
from napari_relict.training import Asked, Epoch, loop
from napari_relict.viewer.training import widget as training_dock
from napari_relict.viewer.training.progress_clock import TrainingClock
from napari_relict.viewer.training.tasks import Ready
from napari_relict.viewer.training.widget import TrainWidget
from napari_relict.viewer.widgets.ink import DARK, LIGHT
from napari_relict.viewer.widgets.training_form import TrainingForm, Wanted

STOPPED = StoppedTraining(
    "mine", "contrastive", "holdout", 40, 7, True, "mobilenet_v2", (Epoch(1, 2.0, 1.5), Epoch(2, 1.0, 1.2))
)


class Work:
    """Stands in for what threads do: three epochs, then a match; waits in front of the third when told to."""

    def __init__(self) -> None:
        self.stopped: tuple[StoppedTraining, ...] = ()
        self.holdout = True
        self.wait = Event()
        self.wait.set()
        self.asked: list[Any] = []
        self.matched: list[str] = []
        self.fault: Exception | None = None
        self.match_fault: Exception | None = None

    def look(self, folder: Path) -> Ready:
        return Ready(folder, "Fake heads", self.holdout, False, self.stopped)

    def train(self, folder: Path, wanted: Any, line: Any) -> Any:
        self.asked.append(wanted)
        if self.fault is not None:
            raise self.fault
        for number in (1, 2, 3):
            if number == 3:
                while not self.wait.wait(0.01):
                    line("epoch 3 of at most 3", 1, 4)
            line(f"epoch {number} of at most 3", 4, 4)
            line.tell(Epoch(number, 3.0 / number, (1.5, 0.9, 1.1)[number - 1]))
        return SimpleNamespace(name=wanted.name, volumes=48)

    def match(self, folder: Path, device: str, line: Any) -> list[DataError]:
        if self.match_fault is not None:
            raise self.match_fault
        line("match", 1, 1)
        self.matched.append(device)
        return []


def choose(box: Any, value: str) -> None:
    box.setCurrentIndex(box.findData(value))


def opened(qtbot: Any, folder: Path, viewer: ViewerModel | None = None) -> TrainWidget:
    """The dock on a study."""
    dock = TrainWidget(viewer or ViewerModel())
    qtbot.addWidget(dock)
    assert not dock.train_button.isEnabled()
    dock.open_folder(folder)
    qtbot.waitUntil(lambda: dock.train_button.isEnabled(), timeout=60_000)
    return dock


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A study of as many patients as a training takes at least."""
    shape = (24, 28, 24)
    for number in range(8):
        phantom.write(tmp_path / "training", f"train-{number}", phantom.head(number, shape)[0])
    phantom.write(tmp_path / "synthetic", "novel", phantom.head(100, shape)[0])
    study = Study.create(tmp_path / "study", training=tmp_path / "training", synthetic=tmp_path / "synthetic")
    study.close()
    return study.folder


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    work = Work()
    for name in ("look", "train", "match"):
        monkeypatch.setattr(training_dock, name, getattr(work, name))
    return work


@pytest.fixture
def dock(qtbot: Any, work: Work, tmp_path: Path) -> TrainWidget:
    return opened(qtbot, tmp_path)


def test_a_kind_brings_its_length_and_name(qtbot: Any) -> None:
    form = TrainingForm()
    qtbot.addWidget(form)
    first = form.wanted()
    assert (first.asked.kind, first.name, first.on, first.device) == ("deepssim", "deepssim", "training", "cpu")
    choose(form.kind, "deepssim_2d")
    assert (form.wanted().name, form.wanted().asked.epochs) == ("deepssim_2d", 40)
    form.name.setText("  ")
    assert form.wanted().name == "deepssim_2d"
    form.on.setCurrentIndex(1)
    form.allow(holdout=False, cuda=False)
    assert form.wanted().on == "training"
    assert not form.on.model().item(1).isEnabled()


def test_a_kind_has_its_own_options(qtbot: Any, tmp_path: Path) -> None:
    form = TrainingForm()
    qtbot.addWidget(form)
    options = {"contrastive": {form.published}, "deepssim_2d": {form.backbone, form.weights}, "deepssim": set()}
    layout = form.layout()
    for kind, own in options.items():
        choose(form.kind, kind)
        for field in (form.published, form.backbone, form.weights):
            for part in (field, layout.labelForField(field)):
                assert part.isHidden() == (field not in own), (kind, part)
                assert part.toolTip()
    choose(form.kind, "contrastive")
    usual = form.epochs.value()
    form.published.setChecked(True)
    assert form.wanted().asked == Asked("contrastive", 200, published=True)
    form.published.setChecked(False)
    assert form.wanted().asked.epochs == usual < 200
    form.published.setChecked(True)
    choose(form.kind, "deepssim_2d")
    choose(form.backbone, "convnext_base")
    form.weights.line.setText(f" {tmp_path} ")
    assert form.wanted().asked == Asked("deepssim_2d", 40, backbone="convnext_base", weights=tmp_path)
    choose(form.kind, "deepssim")
    assert form.wanted().asked == Asked("deepssim", form.epochs.value())


def test_a_file_is_browsed_for_or_left_to_the_network(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    form = TrainingForm()
    qtbot.addWidget(form)
    choose(form.kind, "deepssim_2d")
    assert "package" in form.weights.line.placeholderText()
    choose(form.backbone, "convnext_tiny")
    assert "nothing" in form.weights.line.placeholderText()
    for chosen in ("/weights/convnext.pth", ""):  # the second dialogue is cancelled
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, chosen=chosen: (chosen, ""))
        form.weights.browse.click()
        assert form.wanted().asked.weights == Path("/weights/convnext.pth")


def test_it_trains_and_matches_again(qtbot: Any, dock: TrainWidget, work: Work) -> None:
    dock.form.name.setText("mine")
    dock.train_button.click()
    assert not dock.form.isEnabled() and not dock.train_button.isEnabled()
    qtbot.waitUntil(lambda: not dock.show_button.isHidden(), timeout=5_000)
    assert work.asked[0].name == "mine" and work.matched == ["cpu"]
    assert [epoch.number for epoch in dock.curve.epochs] == [1, 2, 3]
    assert dock.curve.best.number == 2
    said = dock.note.text()
    assert "trained on 48 volumes, 3 epochs, the best was epoch 2 (0.900)" in said
    assert "mine is a measure of this study now" in said
    assert dock.form.isEnabled() and dock.bar.isHidden()


def test_losses_and_time_are_seen_while_it_runs_and_it_stops(qtbot: Any, dock: TrainWidget, work: Work) -> None:
    work.wait.clear()
    dock.train_button.click()
    qtbot.waitUntil(lambda: len(dock.curve.epochs) == 2 and dock.bar.bar.value() == 9, timeout=5_000)
    assert (dock.bar.bar.maximum(), dock.bar.bar.format()[:20]) == (12, "epoch 3 of at most 3")
    labels = dock.curve.figure.axes[0].get_legend_handles_labels()[1]
    assert labels == ["training", "validation", "best: 0.900, epoch 2"]
    work.stopped = (StoppedTraining("deepssim", "deepssim", "training", dock.form.wanted().asked.epochs, 0, False,
                                    "mobilenet_v2", tuple(dock.curve.epochs)),)  # fmt: skip
    dock.bar.stop.click()
    qtbot.waitUntil(lambda: dock.train_button.text() == "Go on", timeout=5_000)
    assert "2 of at most" in dock.note.text() and work.matched == []
    work.wait.set()


def test_a_stopped_training_is_offered_and_other_settings_are_warned_of(qtbot: Any, work: Work, tmp_path: Path) -> None:
    work.stopped = (STOPPED,)
    dock = TrainWidget(ViewerModel())
    qtbot.addWidget(dock)
    dock.open_folder(tmp_path)
    qtbot.waitUntil(lambda: dock.train_button.text() == "Go on", timeout=5_000)
    wanted = dock.form.wanted()
    assert (wanted.name, wanted.on, wanted.asked) == ("mine", "holdout", Asked("contrastive", 40, 7, published=True))
    assert "2 of at most 40 epochs" in dock.note.text() and len(dock.curve.epochs) == 2
    assert not dock.form.about_on.isHidden()
    dock.form.published.setChecked(False)
    dock.form.epochs.setValue(40)
    assert dock.train_button.text() == "Train"
    dock.form.show_stopped(STOPPED)
    assert dock.train_button.text() == "Go on"
    dock.form.seed.setValue(8)
    assert dock.train_button.text() == "Train" and "other settings" in dock.note.text()
    assert dock.curve.epochs == []


def test_a_stopped_training_does_not_go_on_from_another_file(qtbot: Any, work: Work, tmp_path: Path) -> None:
    work.stopped = (
        StoppedTraining("slices", "deepssim_2d", "training", 40, 0, False, "convnext_tiny", (Epoch(1, 2.0, 1.5),)),
    )
    dock = opened(qtbot, tmp_path)
    assert dock.train_button.text() == "Go on"
    assert dock.form.wanted().asked == Asked("deepssim_2d", 40, backbone="convnext_tiny")
    assert "file" not in dock.note.text()
    dock.form.weights.line.setText(str(tmp_path / "other.pth"))
    assert dock.train_button.text() == "Go on" and "not from the file" in dock.note.text()
    choose(dock.form.backbone, "mobilenet_v2")
    assert dock.train_button.text() == "Train"


def test_without_a_holdout_it_says_what_that_means(qtbot: Any, work: Work, tmp_path: Path) -> None:
    work.holdout = False
    dock = TrainWidget(ViewerModel())
    qtbot.addWidget(dock)
    dock.open_folder(tmp_path)
    qtbot.waitUntil(lambda: "Without a holdout" in dock.note.text(), timeout=5_000)
    assert dock.form.about_on.isHidden()


def test_faults_are_one_line_and_a_stopped_match_is_made_up_for(qtbot: Any, dock: TrainWidget, work: Work) -> None:
    work.fault = UsageError("3 patients are too few to train an encoder on; it takes at least 8")
    dock.train_button.click()
    qtbot.waitUntil(lambda: "too few" in dock.note.text(), timeout=5_000)
    assert dock.train_button.isEnabled() and dock.match_button.isHidden()
    work.fault, work.match_fault = None, Cancelled("stopped")
    dock.train_button.click()
    qtbot.waitUntil(lambda: not dock.match_button.isHidden(), timeout=5_000)
    assert "Matching was stopped" in dock.note.text()
    work.match_fault = None
    dock.match_button.click()
    qtbot.waitUntil(lambda: work.matched == ["cpu"], timeout=5_000)
    qtbot.waitUntil(lambda: "is a measure" in dock.note.text(), timeout=5_000)


def test_a_long_name_of_a_file_pushes_nothing_out_of_sight(qtbot: Any, dock: TrainWidget) -> None:
    dock.say(f"/{80 * 'w'}.pth: does not hold the weights")
    content = dock.note.parentWidget()
    content.layout().activate()
    assert content.minimumSizeHint().width() <= dock.minimumWidth()


def test_a_closed_window_stops_the_training(qtbot: Any, work: Work, tmp_path: Path) -> None:
    work.wait.clear()
    dock = TrainWidget(ViewerModel())
    dock.open_folder(tmp_path)
    qtbot.waitUntil(lambda: dock.train_button.isEnabled(), timeout=5_000)
    dock.train_button.click()
    qtbot.waitUntil(lambda: len(dock.curve.epochs) == 2, timeout=5_000)
    delete(dock, qtbot)
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().waitForDone(0), timeout=5_000)
    assert work.matched == []


def test_a_theme_is_followed_until_the_dock_is_closed(qtbot: Any, work: Work, tmp_path: Path) -> None:
    viewer = ViewerModel()
    viewer.theme = "light"
    dock = opened(qtbot, tmp_path, viewer)
    assert dock.curve.ink == LIGHT
    viewer.theme = "dark"
    assert dock.curve.ink == DARK
    assert to_hex(dock.curve.figure.get_facecolor()) == to_hex(dock.curve.figure.axes[0].get_facecolor()) == DARK.field
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(dock)
    dock.setParent(None)
    viewer.theme = "light"
    assert dock.curve.ink == DARK


def test_stopped_and_gone_on_with_from_the_same_epoch(qtbot: Any, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Really trained, and stopped again before the end."""
    trained: list[int] = []

    def one_epoch(task: Any, optimiser: Any, schedule: Any, number: int, progress: Any) -> float:
        trained.append(number)
        return loop_epoch(task, optimiser, schedule, number, progress)

    loop_epoch = loop._one_epoch
    monkeypatch.setattr(loop, "_one_epoch", one_epoch)
    first = opened(qtbot, small)
    choose(first.form.kind, "contrastive")
    first.form.published.setChecked(True)
    first.form.epochs.setValue(500)
    first.train_button.click()
    qtbot.waitUntil(lambda: len(first.curve.epochs) >= 2, timeout=120_000)
    first.bar.stop.click()
    qtbot.waitUntil(lambda: first.train_button.text() == "Go on", timeout=120_000)
    kept = list(first.curve.epochs)
    trained.clear()

    again = opened(qtbot, small)
    assert again.train_button.text() == "Go on" and again.form.published.isChecked()
    assert again.curve.epochs == kept
    again.train_button.click()
    qtbot.waitUntil(lambda: len(again.curve.epochs) > len(kept), timeout=120_000)
    again.bar.stop.click()
    qtbot.waitUntil(lambda: again.train_button.isEnabled(), timeout=120_000)
    assert trained[0] == len(kept) + 1
    assert again.curve.epochs[: len(kept)] == kept
    drawn = again.curve.figure.axes[0].lines[0].get_xdata()
    assert list(drawn) == list(range(1, len(again.curve.epochs) + 1))


def test_a_wrong_file_of_weights_is_said_as_the_command_line_says_it(
    qtbot: Any, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.pth"
    file.write_bytes(b"no weights")
    with pytest.raises(SystemExit):
        main(["train", "deepssim_2d", str(small), "--weights", str(file)])
    told = capsys.readouterr().err.strip().splitlines()[-1]
    dock = opened(qtbot, small)
    choose(dock.form.kind, "deepssim_2d")
    dock.form.name.setText("slices")
    dock.form.weights.line.setText(str(file))
    dock.train_button.click()
    qtbot.waitUntil(lambda: dock.train_button.isEnabled(), timeout=120_000)
    assert dock.note.text() and told.endswith(dock.note.text())
    assert "\n" not in dock.note.text()
    assert dock.form.wanted() == Wanted(Asked("deepssim_2d", 40, weights=file), "slices", "training", "cpu")


def test_the_clock_counts_over_all_epochs() -> None:
    now = [100.0]
    clock = TrainingClock(lambda: now[0])
    assert clock("prepare training", 3, 8) == ("prepare training", 3, 8, None)
    # Gone on with: the first step that is seen is the second of the third epoch.
    assert clock("epoch 3 of at most 5", 2, 10) == ("epoch 3 of at most 5", 22, 50, None)
    now[0] += 6
    assert clock("epoch 3 of at most 5", 5, 10)[1:] == (25, 50, pytest.approx(2 * 25))
