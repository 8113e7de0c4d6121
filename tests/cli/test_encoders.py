"""The command that lists encoders."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

import phantom
from napari_relict.cli.app import app
from napari_relict.encoders import KINDS
from napari_relict.study import Study


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["encoders", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_kind_is_listed_and_fits_a_terminal() -> None:
    lines = run().splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.split(":")[0] for line in lines if not line.startswith(" ")] == list(KINDS)
    segres = "\n".join(lines).partition("segres_encoder:")[2].partition("sam_vit:")[0]
    for words in ("needs your weights", "3D, 1 channel, 1x1x1 mm (z, y, x)", "multiples of 16", "level1, level2", "HU"):
        assert words in segres


def test_those_of_a_study_come_first(tmp_path: Path) -> None:
    for cohort in ("training", "synthetic"):
        path = tmp_path / cohort / f"{cohort}.nii.gz"
        path.parent.mkdir()
        phantom.sitk.WriteImage(phantom.to_image(phantom.head(1)[0]), str(path))
    study = Study.create(tmp_path / "study", training=tmp_path / "training", synthetic=tmp_path / "synthetic")
    toml = study.folder / "study.toml"
    for name, file in (("one", "net.pt"), ("two", "gone.pt")):
        text = f'\n[encoders.{name}]\nkind = "torchscript"\ntitle = "Net {name}"\nweights = "{file}"\n'
        toml.write_text(toml.read_text(encoding="utf-8") + text, encoding="utf-8")
    (study.folder / "net.pt").write_bytes(b"-")
    one, two, *kinds = json.loads(run(study.folder, "--json"))
    assert (one["name"], one["kind"], one["title"], one["state"]) == ("one", "torchscript", "Net one", "ready")
    assert two["state"] == f"there is no file {study.folder / 'gone.pt'}"
    assert [kind["kind"] for kind in kinds] == list(KINDS)
    assert run(study.folder).startswith("one (this study's, of kind torchscript): Net one\n")
