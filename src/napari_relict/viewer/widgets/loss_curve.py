"""Losses of a training, epoch by epoch, as they come."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_relict.training import Epoch
from napari_relict.viewer.data_models.scores import number
from napari_relict.viewer.widgets.ink import DARK, Ink


class LossCurve(QWidget):
    """`add` an epoch; the best one so far, whose network is kept, is marked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ink: Ink = DARK
        self.epochs: list[Epoch] = []
        self.figure = Figure(layout="constrained")
        self.canvas = FigureCanvasQTAgg(self.figure)
        self.canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.canvas.setFixedHeight(280)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.canvas)
        self._draw()

    @property
    def best(self) -> Epoch | None:
        return min(self.epochs, key=lambda epoch: epoch.checking_loss, default=None)

    def show_epochs(self, epochs: Sequence[Epoch]) -> None:
        """These instead of what is shown."""
        self.epochs = list(epochs)
        self._draw()

    def add(self, epoch: Epoch) -> None:
        """One more; one that is there already takes its place."""
        self.epochs = [one for one in self.epochs if one.number < epoch.number] + [epoch]
        self._draw()

    def set_ink(self, ink: Ink) -> None:
        self.ink = ink
        self._draw()

    def _draw(self) -> None:
        ink, best = self.ink, self.best
        self.figure.clear()
        self.figure.set_facecolor(ink.field)
        axes = self.figure.add_subplot()
        ink.paint(axes)
        axes.set_xlabel("epoch", color=ink.text, fontsize=8)
        axes.set_ylabel("loss", color=ink.text, fontsize=8)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        said = "No epoch is finished yet"
        if best is not None:
            at = [epoch.number for epoch in self.epochs]
            axes.plot(at, [epoch.loss for epoch in self.epochs], color=ink.other, linestyle="--", marker="o",
                      markersize=3, linewidth=1.2, label="training")  # fmt: skip
            axes.plot(at, [epoch.checking_loss for epoch in self.epochs], color=ink.replica, marker="s",
                      markersize=3, linewidth=1.4, label="validation")  # fmt: skip
            axes.plot([best.number], [best.checking_loss], marker="o", markersize=10, color=ink.text,
                      markerfacecolor="none", linestyle="none", label=f"best: {number(best.checking_loss)}, "
                      f"epoch {best.number}")  # fmt: skip
            axes.legend(fontsize=8, frameon=False, labelcolor=ink.text)
            said = f"Loss of {len(at)} epochs; the best in validation is {number(best.checking_loss)}, {best.number}"
        self.canvas.setAccessibleName(said)
        self.canvas.draw_idle()
