"""Pictures of training, quality and alterations; see `screenshots`, which calls this on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import napari
import tomlkit

from napari_relict.experiments.quality import FILE as QUALITY
from napari_relict.records.settings import edit_settings
from napari_relict.study import Study
from napari_relict.viewer.screenshots.window import (
    close,
    go_to_most_telling,
    idle,
    open_for_pictures,
    take,
    true_grades,
    wait,
)
from napari_relict.viewer.training.widget import WIDGET_NAME, TrainWidget

EPOCHS, SHOWN = 12, 8


def learning_pictures(study: Path, original: Path, to: Path) -> list[Path]:
    """Quality with a volume behind a metric, an alteration in the middle of its strengths, published rules, a training.

    Parameters
    ----------
    study : a copy. original : where its volumes lie. A training reads them, and the quality that was computed there is
        taken over; where there is none it is computed, which takes minutes.
    """
    to.mkdir(parents=True, exist_ok=True)
    edit_settings(study, lambda document: _with_volumes_of(document, original.resolve()))
    if (original / QUALITY).is_file():
        shutil.copy(original / QUALITY, study)
    else:
        Study.open(study).quality()
    files = [to / f"{name}.png" for name in ("quality", "alteration", "rules", "training")]
    viewer, review = open_for_pictures(study, blinded=False)
    go_to_most_telling(review, true_grades(study, review.scores.verdicts))
    wait(idle(review))
    tabs = review.tabs
    review.act("overlay")  # tissue, without outlines over it
    tabs.setCurrentWidget(tabs.quality)
    wait(idle(review))
    standing = tabs.quality.metrics.model.table["standing"].astype(str)
    tabs.quality.metrics.select_row(int(standing.str.contains("copies").to_numpy().argmax()))
    wait(idle(review))
    tabs.quality.behind.view.clicked.emit(tabs.quality.behind.proxy.index(1, 0))
    take(viewer, review, files[0])

    tabs.setCurrentWidget(tabs.alterations)
    wait(idle(review))
    panel = tabs.alterations
    panel.volume.setCurrentIndex(1)
    panel.what.setCurrentIndex(panel.what.findText("lesion grown"))
    panel.what.activated.emit(panel.what.currentIndex())
    wait(idle(review))
    for strength in (2.0, 4.0, 6.0, 8.0, 5.2):
        panel.set_strength(strength)
        wait(lambda: not panel.waiting)
        wait(idle(review))
    take(viewer, review, files[1])
    tabs.setCurrentWidget(tabs.calibration)
    tabs.calibration.rules_button.click()
    take(viewer, review, files[2])
    tabs.setCurrentWidget(tabs.matches)
    wait(idle(review))
    _training(viewer, files[3])
    close(viewer)
    return files


def _training(viewer: napari.Viewer, file: Path) -> None:
    dock: TrainWidget = viewer.window.add_plugin_dock_widget("napari-relict", WIDGET_NAME)[1]
    wait(lambda: dock.train_button.isEnabled())
    dock.form.kind.setCurrentIndex(dock.form.kind.findData("contrastive"))
    dock.form.epochs.setValue(EPOCHS)
    dock.start()
    wait(lambda: len(dock.curve.epochs) >= SHOWN and dock.bar.bar.maximum() > 0, patience=1800)
    viewer.window.screenshot(str(file), canvas_only=False, flash=False)
    print(file)
    dock.stop()
    wait(lambda: dock.train_button.isEnabled(), patience=600)


def _with_volumes_of(document: tomlkit.TOMLDocument, folder: Path) -> None:
    """Paths of cohorts, which a copy does not have, as those of the original."""
    for cohort in document["cohorts"].values():
        for key in cohort:
            cohort[key] = str(folder / cohort[key])
    if "patients" in document:
        document["patients"] = str(folder / document["patients"])
