"""What is trained, on what and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QSpinBox, QWidget

from napari_relict.encoders.registry import KINDS as ENCODERS
from napari_relict.study.stopped_training import StoppedTraining
from napari_relict.study.training import On
from napari_relict.training import KINDS, Asked
from napari_relict.training.run import schedule_of

ABOUT = {
    "deepssim": "Cosines that foretell the SSIM of a pair, however it lies; whole volumes.",
    "deepssim_2d": "The same on axial slices; it starts from ImageNet weights.",
    "contrastive": "Two views of a volume attract, other patients repel.",
}
LEARN_FROM: dict[On, str] = {
    "training": "Training cohort",
    "holdout": "Half of the holdout's patients",
}
ON = {
    "training": "The holdout stays as unseen as new volumes: p-values keep their error rate.",
    "holdout": "These patients are no null from then on.",
}
DEVICES = {"cpu": "Processor", "cuda": "Graphics card (CUDA)"}


@dataclass(frozen=True)
class Wanted:
    """What the form says."""

    kind: str
    name: str
    on: On
    epochs: int
    seed: int
    device: str

    def goes_on_with(self, stopped: StoppedTraining) -> bool:
        """The same training; what the form does not ask for is as it is by default."""
        usual = Asked(self.kind)
        return (self.kind, self.name, self.on, self.epochs, self.seed, usual.published, usual.backbone) == (
            stopped.kind, stopped.name, stopped.on, stopped.epochs, stopped.seed, stopped.published, stopped.backbone,
        )  # fmt: skip


class TrainingForm(QWidget):
    """Emits `changed` with every edit."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind, self.on, self.device = QComboBox(self), QComboBox(self), QComboBox(self)
        self.epochs, self.seed = QSpinBox(self), QSpinBox(self)
        self.name = QLineEdit(self)
        self.about, self.about_on = QLabel(self), QLabel(self)
        for kind in KINDS:
            self.kind.addItem(ENCODERS[kind].title, kind)
        for cohort, title in LEARN_FROM.items():
            self.on.addItem(title, cohort)
        for device, title in DEVICES.items():
            self.device.addItem(title, device)
        self.epochs.setRange(1, 10_000)
        self.seed.setRange(0, 2**31 - 1)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        for title, field in (
            ("Detector", self.kind), ("", self.about), ("Learns from", self.on), ("", self.about_on),
            ("Epochs at most", self.epochs), ("Seed", self.seed), ("Runs on", self.device),
            ("Called", self.name),
        ):  # fmt: skip
            field.setAccessibleName(title or "About it")
            form.addRow(title, field)
        for note in (self.about, self.about_on):
            note.setWordWrap(True)
        self.name.setToolTip("Name of its measure; letters, digits and _")
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.on.currentIndexChanged.connect(self._on_change)
        self.device.currentIndexChanged.connect(self._on_change)
        self.epochs.valueChanged.connect(self._on_change)
        self.seed.valueChanged.connect(self._on_change)
        self.name.textChanged.connect(self._on_change)
        self._on_kind()

    def wanted(self) -> Wanted:
        kind = str(self.kind.currentData())
        return Wanted(
            kind, self.name.text().strip() or kind, self.on.currentData(), self.epochs.value(), self.seed.value(),
            str(self.device.currentData()),
        )  # fmt: skip

    def allow(self, *, holdout: bool, cuda: bool) -> None:
        """Leave out what is not there."""
        for box, value, there in ((self.on, "holdout", holdout), (self.device, "cuda", cuda)):
            place = box.findData(value)
            box.model().item(place).setEnabled(there)
            if not there and box.currentIndex() == place:
                box.setCurrentIndex(0)

    def show_stopped(self, stopped: StoppedTraining) -> None:
        """The settings with which it goes on."""
        self.kind.setCurrentIndex(self.kind.findData(stopped.kind))
        self.on.setCurrentIndex(self.on.findData(stopped.on))
        self.epochs.setValue(stopped.epochs)
        self.seed.setValue(stopped.seed)
        self.name.setText(stopped.name)

    def _on_kind(self) -> None:
        """Another kind has another usual length, and another name."""
        kind = str(self.kind.currentData())
        self.about.setText(ABOUT[kind])
        self.epochs.setValue(schedule_of(Asked(kind)).epochs)
        self.name.setText(kind)
        self._on_change()

    def _on_change(self) -> None:
        self.about_on.setText(ON[self.on.currentData()])
        self.changed.emit()
