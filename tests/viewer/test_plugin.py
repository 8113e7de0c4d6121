"""What napari finds: the manifest and what it points to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_study import FakeStudy
from npe2 import PluginManifest

import napari_relict
from napari_relict.errors import DataError
from napari_relict.viewer import sample
from napari_relict.viewer.plugin import WIDGET_NAME, ReviewWidget

MANIFEST = Path(napari_relict.__file__).with_name("napari.yaml")


def test_the_manifest_points_to_what_is_there() -> None:
    manifest = PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    assert manifest.name == "napari-relict"
    assert [widget.display_name for widget in manifest.contributions.widgets] == [WIDGET_NAME]
    commands = {command.id: command for command in manifest.contributions.commands}
    assert {widget.command for widget in manifest.contributions.widgets} <= set(commands)
    assert {data.command for data in manifest.contributions.sample_data} <= set(commands)


def test_the_widget_is_injected_by_name() -> None:
    import inspect

    assert list(inspect.signature(ReviewWidget).parameters) == ["napari_viewer"]


def test_without_a_demo_the_sample_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAPARI_RELICT_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="napari-relict demo"):
        sample.demo_pair()


def test_the_sample_is_the_first_pair(study: FakeStudy) -> None:
    layers: list[Any] = sample.pair_layers(study)
    assert [(about["name"], kind) for _, about, kind in layers] == [
        ("Synthetic  syn-00", "image"),
        ("Training  patient-00", "image"),
    ]
    assert all(data.shape == (48, 56, 48) for data, _, _ in layers)
