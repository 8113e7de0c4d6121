"""What napari finds: the manifest and what it points to."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from fake_study import FakeStudy
from napari.components import ViewerModel
from npe2 import PluginManifest
from qtpy.compat import isalive
from qtpy.QtCore import QThreadPool

import napari_relict
from napari_relict.errors import DataError
from napari_relict.records.database import Database
from napari_relict.viewer import sample
from napari_relict.viewer.plugin import WIDGET_NAME, ReviewWidget
from napari_relict.viewer.screenshots import window
from napari_relict.viewer.training import widget as training_dock

MANIFEST = Path(napari_relict.__file__).with_name("napari.yaml")


def test_the_manifest_points_to_what_is_there() -> None:
    manifest = PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    assert manifest.name == "napari-relict"
    assert [widget.display_name for widget in manifest.contributions.widgets] == [
        WIDGET_NAME,
        training_dock.WIDGET_NAME,
    ]
    commands = {command.id: command for command in manifest.contributions.commands}
    assert {widget.command for widget in manifest.contributions.widgets} <= set(commands)
    assert {data.command for data in manifest.contributions.sample_data} <= set(commands)


@pytest.mark.parametrize("widget", [ReviewWidget, training_dock.TrainWidget])
def test_the_widgets_are_injected_by_name(widget: type) -> None:
    import inspect

    assert list(inspect.signature(widget).parameters) == ["napari_viewer"]


def test_without_a_demo_the_sample_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAPARI_RELICT_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="napari-relict demo"):
        sample.demo_pair()


def test_the_sample_is_the_first_pair_with_segmentations(study: FakeStudy) -> None:
    layers: list[Any] = sample.pair_layers(study)
    assert [(about["name"], kind) for _, about, kind in layers] == [
        ("Synthetic  syn-00", "image"),
        ("Synthetic  syn-00  segmentation", "labels"),
        ("Training  patient-00", "image"),
        ("Training  patient-00  segmentation", "labels"),
    ]
    assert all(data.shape == (48, 56, 48) for data, _, _ in layers)


def test_the_sample_of_a_study_without_matches_says_so(study: FakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "matches", pd.DataFrame)
    with pytest.raises(DataError, match="napari-relict match"):
        sample.pair_layers(study)


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in which the demo study was built; its content is procedural."""
    monkeypatch.setenv("NAPARI_RELICT_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / sample.DEMO_STUDY).mkdir()
    (tmp_path / sample.DEMO_STUDY / "study.toml").touch()
    monkeypatch.setattr("napari_relict.study.Study", SimpleNamespace(open=lambda folder: FakeStudy()))
    monkeypatch.setattr("napari_relict.study.open_reading", lambda folder: FakeStudy())
    return tmp_path


@pytest.mark.gl
@pytest.mark.skipif(os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="the offscreen platform has no OpenGL")
def test_opening_the_sample_opens_the_demo(demo: Path, make_napari_viewer: Any, qtbot: Any, settle: Any) -> None:
    viewer = make_napari_viewer(show=True)
    layers = viewer.open_sample("napari-relict", "demo")
    assert [layer.name for layer in layers][::2] == ["Synthetic  syn-00", "Training  patient-00"]
    _, widget = viewer.window.add_plugin_dock_widget("napari-relict", WIDGET_NAME)
    qtbot.waitUntil(lambda: widget.review is not None, timeout=30_000)
    settle(widget.review)
    assert not any(layer in viewer.layers for layer in layers), "put aside while reading"
    viewer.window.remove_dock_widget(widget)
    assert list(viewer.layers) == layers
    assert not viewer.canvas.grid.enabled
    widget.deleteLater()


@pytest.fixture
def study_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    (folder / "volumes").mkdir(parents=True)
    (folder / "source").mkdir()
    (folder / "study.toml").touch()
    (folder / "source" / "truth.csv").write_text(
        "synthetic,kind,relation,training\ns1,noise,exact replica,t1\ns2,bent,near replica,t2\ns3,novel,no replica,\n"
    )
    (folder / "source" / "large.nii").touch()
    return folder


def test_screenshots_write_into_a_copy(study_folder: Path, tmp_path: Path) -> None:
    insert = "INSERT INTO meta (key, value) VALUES (?, ?)"
    database = Database(study_folder)
    with database.connect() as old:
        old.execute(insert, ("old", "1"))
        old.commit()  # with the connection open it is in SQLite's log only
        copy = window.copy_of(study_folder, tmp_path / "elsewhere")
        with Database(copy).connect() as new:
            new.execute(insert, ("new", "1"))
            assert [row["key"] for row in new.execute("SELECT key FROM meta ORDER BY key")] == ["new", "old"]
        assert [row["key"] for row in old.execute("SELECT key FROM meta")] == ["old"]
    assert (copy / "volumes").is_dir()
    assert [file.name for file in (copy / "source").iterdir()] == ["truth.csv"]


def test_grades_in_screenshots_are_the_truth(study_folder: Path) -> None:
    verdicts = pd.DataFrame({"synthetic": ["s3"], "training": ["t3"], "verdict": ["exact replica"]})
    assert window.true_grades(study_folder, verdicts) == {("s1", "t1"): 4, ("s2", "t2"): 3}
    (study_folder / "source" / "truth.csv").unlink()
    assert window.true_grades(study_folder, verdicts) == {("s3", "t3"): 4}
    assert window.true_grades(study_folder, pd.DataFrame()) == {}


def test_a_window_closed_while_the_study_is_read_is_let_go(qtbot: Any) -> None:
    """Results that come when the widgets are deleted are dropped: touching those would end napari."""
    go_on, calls = Event(), []

    class SlowStudy(FakeStudy):
        def matches(self) -> pd.DataFrame:
            go_on.wait(20)
            calls.append("read")
            return super().matches()

    study = SlowStudy()
    widget = ReviewWidget(ViewerModel())
    widget.start(study, reader="ana")
    delete(widget, qtbot)
    go_on.set()
    qtbot.waitUntil(lambda: bool(calls) and QThreadPool.globalInstance().waitForDone(0), timeout=20_000)
    qtbot.wait(50)
    assert widget.review is None


def delete(widget: Any, qtbot: Any) -> None:
    """Delete the C++ side, as napari does with everything in a closed window."""
    widget.deleteLater()
    qtbot.waitUntil(lambda: not isalive(widget), timeout=30_000)
