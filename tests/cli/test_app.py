"""The command line as scripts use it: exit status, one line an error, the rest done."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import coarse_phantom as coarse
import phantom
from command_line import run, run_here
from napari_relict.cli.app import main
from napari_relict.study import Study


def test_from_folders_to_verdicts(tmp_path: Path) -> None:
    folders = phantom.write_study_folders(tmp_path / "volumes", training=4, holdout=12, novel=1)
    study = tmp_path / "study"
    options = [part for name, path in folders.items() for part in (f"--{name.replace('_', '-')}", path)]
    made = run_here("new", study, *options, "--modality", "mr", "--spacing", "4", "--shape", "40,48,48")
    assert (made.returncode, made.stderr) == (0, "")
    matched = run("match", study, "--measures", "ncc,dice", "--top", "2")
    assert matched.returncode == 0
    assert "4 synthetic volumes" in matched.stdout
    for ending in ("csv", "parquet", "json"):
        assert run_here("export", study, "matches", "--to", tmp_path / f"matches.{ending}").returncode == 0
    table = pd.read_csv(tmp_path / "matches.csv")
    assert len(table) == 4 * 2
    assert {"synthetic", "training", "rank", "rank_voxel", "rank_segmentation", "ncc", "dice"} <= set(table.columns)
    assert len(pd.read_parquet(tmp_path / "matches.parquet")) == 8
    assert len(json.loads((tmp_path / "matches.json").read_text())) == 8
    assert run_here("export", study, "verdicts", "--to", tmp_path / "v.csv").returncode == 0
    verdicts = pd.read_csv(tmp_path / "v.csv").set_index("synthetic")
    assert verdicts.loc["copy-exact", "verdict"] == "exact replica"
    assert verdicts["probability"].isna().all()
    assert run_here("report", study).returncode == 0
    assert (study / "report.html").stat().st_size > 10_000


def test_bad_files_are_said_one_line_each_and_the_rest_is_matched(
    phantom_folders: dict[str, Path], tmp_path: Path
) -> None:
    training = shutil.copytree(phantom_folders["training"], tmp_path / "training")
    synthetic = shutil.copytree(phantom_folders["synthetic"], tmp_path / "synthetic")
    (training / "broken.nii.gz").write_text("oops")
    phantom.write(synthetic, "flat", np.ones(phantom.SHAPE, np.float32))
    phantom.write(synthetic, "twice", phantom.head(8)[0], ".nii.gz")
    phantom.write(synthetic, "twice", phantom.head(8)[0], ".nrrd")
    study = tmp_path / "study"
    made = run_here("new", study, "--training", training, "--synthetic", synthetic)
    assert made.returncode == 1
    assert "broken.nii.gz" in made.stderr
    matched = run("match", study, "--measures", "ncc")
    assert matched.returncode == 1
    errors = [line for line in matched.stderr.splitlines() if line.startswith("napari-relict:")]
    assert len(errors) == 3
    for name in ("broken.nii.gz", "flat.nii.gz", "twice"):
        assert sum(name in line for line in errors) == 1
    assert "Traceback" not in matched.stderr
    opened = Study.open(study)
    assert len(opened.verdicts()) == 5
    assert len(opened.recorded_problems()) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_match_killed_midway_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    folders = coarse.write_study_folders(tmp_path / "volumes", training=4, holdout=8, novel=1)
    options = [part for name, path in folders.items() for part in (f"--{name.replace('_', '-')}", path)]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for study in (killed, whole):
        assert run_here("new", study, *options).returncode == 0
    command = [sys.executable, "-m", "napari_relict", "match", str(killed), "--measures", "ncc,dice"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        rows = killed / "volumes" / "holdout.zarr" / "rows.jsonl"
        deadline = time.monotonic() + 200
        while not (rows.exists() and len(rows.read_text().splitlines()) > 2) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    assert 2 < len(rows.read_text().splitlines()) < 8
    assert Study.open(killed).matches().empty
    for study in (killed, whole):
        assert run("match", study, "--measures", "ncc,dice").returncode == 0
    pd.testing.assert_frame_equal(Study.open(killed).matches(), Study.open(whole).matches())
    pd.testing.assert_frame_equal(Study.open(killed).verdicts(), Study.open(whole).verdicts())


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("match", "{tmp}/nothing"), 1, "not a study"),
        (("new", "{tmp}/s", "--training", "{tmp}/none", "--synthetic", "{tmp}/other"), 1, "no such folder"),
        (("new", "{tmp}/s", "--training", "{tmp}", "--synthetic", "{tmp}"), 2, "are the same"),
        (("new", "{tmp}/s", "--training", "{tmp}"), 2, "--synthetic"),
        (("match", "{study}", "--measures", "ncc,what"), 2, "no measure 'what'"),
        (("match", "{study}", "--top", "0"), 2, "top"),
        (("export", "{study}", "matches", "--to", "{tmp}/x.xlsx"), 2, ".csv, .parquet, .json"),
        (("export", "{study}", "matches", "--to", "{tmp}/no/x.csv"), 1, "cannot be written there"),
        (("export", "{study}", "everything", "--to", "{tmp}/x.csv"), 2, "everything"),
        (("import", "{study}", "ratings", "--from", "{tmp}/none.csv"), 1, "no such file"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_exit_status_and_one_clear_line(
    matched: Study, tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = run_here(*(part.format(tmp=empty, study=matched.folder) for part in arguments))
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_calibrate_says_what_each_number_rests_on(matched: Study) -> None:
    before = run_here("calibrate", matched.folder)
    assert before.returncode == 0
    assert "no thresholds" in before.stdout
    lines = ["reader,synthetic,training,grade"]
    first = matched.matches()
    for row in first[first["rank"] == 1].itertuples():
        lines.append(f"ada,{row.synthetic},{row.training},{4 if row.synthetic.startswith('copy') else 1}")
    sheet = matched.folder / "sheet.csv"
    sheet.write_text("\n".join(lines))
    assert "5 new ratings" in run_here("import", matched.folder, "ratings", "--from", sheet).stdout
    after = run_here("calibrate", matched.folder)
    assert "95% interval" in after.stdout
    assert "3 replicas of 5 rated" in after.stdout
    assert "only 3 replicas" in after.stdout


def test_ctrl_c_is_said_in_one_line(
    matched: Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*asked: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Study, "calibrate", interrupted)
    with pytest.raises(SystemExit) as left:
        main(["calibrate", str(matched.folder)])
    assert left.value.code == 130
    assert capsys.readouterr().err == "stopped; run the same command again to go on from here\n"
