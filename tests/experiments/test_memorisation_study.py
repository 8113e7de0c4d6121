"""A study's volumes teach generators and judge them; somebody else's generator is audited while it trains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

import phantom
from memorisation_preset import TINY
from napari_relict.cli.app import main
from napari_relict.errors import DataError, UsageError
from napari_relict.experiments import memorisation_study
from napari_relict.experiments.memorisation_study import grid_of, pool_of
from napari_relict.experiments.quality import gather
from napari_relict.jobs.executors import workforce
from napari_relict.memorisation import nearest_distances, running
from napari_relict.memorisation.plan import settings_of
from napari_relict.study import Study
from napari_relict.study.pipeline.auditing import _written


def test_one_command_from_a_study_to_a_page(
    matched: Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest_distances, "ALIGNED", 0)
    monkeypatch.setattr(memorisation_study, "PRESETS", {"cpu": TINY})
    monkeypatch.setattr(running, "settings_of", lambda preset, people: settings_of(preset, people)[:2])
    with pytest.raises(SystemExit) as left:
        main(["memorisation-study", str(matched.folder)])
    assert left.value.code == 0
    said = capsys.readouterr()
    assert "training length (longer training: more copying)" in said.out and "Check of the judge" in said.out
    assert "each setting was trained once" in said.err
    folder = matched.folder / "memorisation-study"
    runs, rules = pd.read_csv(folder / "runs.csv"), pd.read_csv(folder / "rules.csv")
    assert set(runs["null_patients"]) == {20} and runs["n_patients"].max() == 8
    assert "dar_published" in set(rules["rule"])
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "factors.svg" in page and "number of training patients" in page
    assert (folder / "factors.svg").stat().st_size > 10_000
    again = matched.memorisation_study()
    assert again.runs["n_copies"].to_numpy() == pytest.approx(runs["n_copies"].to_numpy())
    with pytest.raises(UsageError, match="no preset 'tpu'"):
        matched.memorisation_study(preset="tpu")
    with pytest.raises(UsageError, match="at least once"):
        matched.memorisation_study(repeats=0)


def test_the_generators_grid_holds_the_whole_study_grid(matched: Study) -> None:
    with workforce() as force:
        found = gather(matched, force, (), leave_out=("synthetic",))
    grid, inner = grid_of(matched.settings, replace(TINY, longest=24))
    assert max(inner) == 24 and all(side % 8 == 0 and side >= own for side, own in zip(grid.shape, inner, strict=True))
    pool, notes = pool_of(found, matched.settings, replace(TINY, longest=24), 0)
    assert notes == [] and len(pool.training) == 8 and len(pool.holdout) == 20
    assert pool.training.shape[1:] == grid.shape and 0.3 < pool.training.max() <= 1
    # Without a holdout half of the training patients stand in for it, and no generator sees them.
    found.volumes = found.volumes[found.volumes["cohort"] == "training"].reset_index(drop=True)
    pool, notes = pool_of(found, matched.settings, replace(TINY, longest=24), 0)
    assert len(pool.training) == len(pool.holdout) == 4 and "4 of the training patients stand in" in notes[0]
    assert not set(pool.patients) & set(pool.holdout_patients)


def test_an_audit_sees_a_generator_go_from_novel_to_copying(matched: Study, tmp_path: Path) -> None:
    """A toy generator whose volumes are strangers first, then, epoch by epoch, training patients."""
    training = [
        sitk.ReadImage(str(file)) for file in sorted((Path(matched.settings.cohorts["training"].volumes)).iterdir())
    ]
    learnt = {"copied": 0}

    def sample(number: int) -> list[np.ndarray | sitk.Image]:
        strangers: list[np.ndarray | sitk.Image] = [phantom.head(3000 + place)[0] for place in range(number)]
        return [*training[: learnt["copied"]], *strangers[learnt["copied"] :]]

    rows = len(matched.contents())
    audit = matched.audit_while_training(
        sample, every=1, volumes=3, log=tmp_path / "audit.csv", spacing=phantom.SPACING
    )
    for epoch, copied in enumerate((0, 2), start=1):
        learnt["copied"] = copied
        audit(epoch)
    first, second = audit.history
    assert [one.called for one in audit.history] == [0, 2] == [one.patients_called for one in audit.history]
    assert first.n_copies < 1 and first.n_copies_low == 0
    assert second.n_copies == pytest.approx(2, abs=0.5) and second.smallest_p == pytest.approx(2 * 2 / 26)
    assert len(pd.read_csv(tmp_path / "audit.csv")) == 2 and len(matched.contents()) == rows


def test_what_is_sampled_becomes_a_file(tmp_path: Path) -> None:
    spacing = (2.0, 3.0, 4.0)
    file = _written(np.zeros((1, 1, 4, 5, 6), np.float64), tmp_path, 3, spacing)
    image = sitk.ReadImage(str(file.path))
    assert file.name == "sample-0003" and image.GetSize() == (6, 5, 4) and image.GetSpacing() == spacing[::-1]
    assert _written(tmp_path / "a.nii.gz", tmp_path, 0, spacing).path == tmp_path / "a.nii.gz"
    with pytest.raises(DataError, match="shape"):
        _written(np.zeros((2, 4, 5, 6)), tmp_path, 0, spacing)
