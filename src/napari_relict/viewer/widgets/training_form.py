"""What is trained, on what and for how long."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QLineEdit, QSpinBox, QWidget

from napari_relict.encoders.registry import KINDS as ENCODERS
from napari_relict.encoders.slice_net import BACKBONES
from napari_relict.study.pipeline.stopped_training import StoppedTraining
from napari_relict.study.pipeline.training import On
from napari_relict.training import KINDS, Asked
from napari_relict.training.contrastive import KIND as CONTRASTIVE
from napari_relict.training.deepssim_2d import KIND as SLICES
from napari_relict.training.run import schedule_of
from napari_relict.viewer.widgets.file_field import FileField

ABOUT = {
    "deepssim": "Cosines that foretell the SSIM of a pair, however it lies; whole volumes.",
    "deepssim_2d": "Cosines that foretell the SSIM of a pair of axial slices.",
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
NETWORKS = dict(zip(BACKBONES, ("MobileNetV2", "ConvNeXt-Tiny", "ConvNeXt-Small", "ConvNeXt-Base"), strict=True))
DEVICES = {"cpu": "Processor", "cuda": "Graphics card (CUDA)"}
WITHOUT_FILE = {"mobilenet_v2": "those of a package, fetched once"}  # other networks have none
WEIGHT_FILES = "Weights (*.pth *.pt *.bin *.ckpt *.safetensors);;All files (*)"
TIPS = {
    "Detector": "What it learns to hold for a copy",
    "Recipe": "As published, a volume has to be known again when it is turned by up to 5° or flipped; 200 epochs. "
    "Otherwise also moved, zoomed, bent or inverted, and told from another patient made of it; fewer epochs.",
    "Network": "It looks at each slice. MobileNetV2 is the smallest and needs no file; DeepSSIM has ConvNeXt-Base.",
    "Weights": "What the network learned from photographs (ImageNet) before: a file of torchvision's weights for it",
    "Learns from": "Whose volumes it gets to know",
    "Epochs at most": "How often it goes through the volumes; most detectors end earlier when they get no better",
    "Seed": "Whatever is drawn at random follows from this number: the same one gives the same detector again",
    "Runs on": "A graphics card is faster, where there is one",
    "Called": "Name of its measure; letters, digits and _",
}


@dataclass(frozen=True)
class Wanted:
    """What the form says."""

    asked: Asked
    name: str
    on: On
    device: str

    def goes_on_with(self, stopped: StoppedTraining) -> bool:
        """The same training. Weights do not count: it goes on with those it has."""
        asked = self.asked
        return (self.name, self.on, asked.kind, asked.epochs, asked.seed, asked.published, asked.backbone) == (
            stopped.name, stopped.on, stopped.kind, stopped.epochs, stopped.seed, stopped.published, stopped.backbone,
        )  # fmt: skip


class TrainingForm(QWidget):
    """Emits `changed` with every edit. Options of other kinds than the chosen one are hidden, and not asked for."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind, self.on, self.device, self.backbone = (QComboBox(self) for _ in range(4))
        self.epochs, self.seed = QSpinBox(self), QSpinBox(self)
        self.published = QCheckBox("As Dar et al. published it", self)
        self.weights = FileField("ImageNet weights", WEIGHT_FILES, self)
        self.name = QLineEdit(self)
        self.about, self.about_on = QLabel(self), QLabel(self)
        for box, titles in (
            (self.kind, {kind: ENCODERS[kind].title for kind in KINDS}), (self.backbone, NETWORKS),
            (self.on, LEARN_FROM), (self.device, DEVICES),
        ):  # fmt: skip
            for value, title in titles.items():
                box.addItem(title, value)
        self.epochs.setRange(1, 10_000)
        self.seed.setRange(0, 2**31 - 1)
        self._lay_out()
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.published.toggled.connect(self._on_published)
        for edited in (
            self.backbone.currentIndexChanged, self.weights.changed, self.on.currentIndexChanged,
            self.device.currentIndexChanged, self.epochs.valueChanged, self.seed.valueChanged, self.name.textChanged,
        ):  # fmt: skip
            edited.connect(self._on_change)
        self._on_kind()

    def wanted(self) -> Wanted:
        kind = str(self.kind.currentData())
        usual = Asked(kind)
        asked = Asked(
            kind, self.epochs.value(), self.seed.value(),
            self.published.isChecked() if kind == CONTRASTIVE else usual.published,
            str(self.backbone.currentData()) if kind == SLICES else usual.backbone,
            self.weights.path if kind == SLICES else usual.weights,
        )  # fmt: skip
        return Wanted(asked, self.name.text().strip() or kind, self.on.currentData(), str(self.device.currentData()))

    def allow(self, *, holdout: bool, cuda: bool) -> None:
        """Leave out what is not there."""
        for box, value, there in ((self.on, "holdout", holdout), (self.device, "cuda", cuda)):
            place = box.findData(value)
            box.model().item(place).setEnabled(there)
            if not there and box.currentIndex() == place:
                box.setCurrentIndex(0)
        self.about_on.setVisible(holdout)  # it tells what becomes of the holdout

    def show_stopped(self, stopped: StoppedTraining) -> None:
        """The settings with which it goes on."""
        self.kind.setCurrentIndex(self.kind.findData(stopped.kind))
        self.published.setChecked(stopped.published)
        self.backbone.setCurrentIndex(self.backbone.findData(stopped.backbone))
        self.on.setCurrentIndex(self.on.findData(stopped.on))
        self.epochs.setValue(stopped.epochs)
        self.seed.setValue(stopped.seed)
        self.name.setText(stopped.name)

    # Inside -----------------------------------------------------------------------------------------------
    def _lay_out(self) -> None:
        form = self._form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        for title, field in (
            ("Detector", self.kind), ("", self.about), ("Recipe", self.published), ("Network", self.backbone),
            ("Weights", self.weights), ("Learns from", self.on), ("", self.about_on), ("Epochs at most", self.epochs),
            ("Seed", self.seed), ("Runs on", self.device), ("Called", self.name),
        ):  # fmt: skip
            form.addRow(title, field)
            field.setAccessibleName(title or "About it")
            if title:
                for part in (field, form.labelForField(field)):
                    part.setToolTip(f"<qt>{TIPS[title]}</qt>")  # as rich text it is wrapped
        for note in (self.about, self.about_on):
            note.setWordWrap(True)

    def _on_kind(self) -> None:
        """Another kind has other options, another usual length, and another name."""
        kind = str(self.kind.currentData())
        self.about.setText(ABOUT[kind])
        for field, whose in ((self.published, CONTRASTIVE), (self.backbone, SLICES), (self.weights, SLICES)):
            for part in (field, self._form.labelForField(field)):
                part.setVisible(kind == whose)
        self.name.setText(kind)
        self._on_published()

    def _on_published(self) -> None:
        self.epochs.setValue(schedule_of(replace(self.wanted().asked, epochs=None)).epochs)
        self._on_change()

    def _on_change(self) -> None:
        self.about_on.setText(ON[self.on.currentData()])
        self.weights.line.setPlaceholderText(
            WITHOUT_FILE.get(self.backbone.currentData(), "none: it knows nothing yet")
        )
        self.changed.emit()
