"""Quality of a stored study: the table is kept and exported, what is missing is said, a stopped study goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_relict.cli.app import main
from napari_relict.errors import Cancelled, DataError, UsageError
from napari_relict.experiments import altered_cohorts, sensitivity_study
from napari_relict.experiments.downstream_task import Downstream
from napari_relict.experiments.quality import FILE, encoder_spaces, gather
from napari_relict.files.json_cache import read_kept
from napari_relict.jobs.executors import workforce
from napari_relict.quality import downstream as downstream_task
from napari_relict.quality.alterations import ALTERATIONS
from napari_relict.quality.page import copying_said, local_said
from napari_relict.study import Study


def test_quality_is_computed_kept_and_exported(
    matched: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main_quietly(["quality", str(matched.folder), "--metrics", "frechet,noise,ms_ssim,dcr_share"])
    said = capsys.readouterr().out
    assert "Frechet distance, radiomics" in said and "fidelity:" in said and "novelty:" in said
    table = matched.quality_table()
    assert list(table["metric"]) == ["frechet", "frechet", "ms_ssim", "noise", "dcr_share", "dcr_share"]
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()
    assert (table["floor_low"] <= table["floor_high"]).all() and set(table["n_training"]) == {8, 0}
    main_quietly(["export", str(matched.folder), "quality", "--to", str(tmp_path / "q.csv")])
    exported = pd.read_csv(tmp_path / "q.csv")
    assert exported["value"].to_numpy() == pytest.approx(table["value"].to_numpy(float))
    again = matched.quality(metrics=["frechet", "noise", "ms_ssim", "dcr_share"])
    assert again["value"].to_numpy(float) == pytest.approx(table["value"].to_numpy(float), rel=1e-9)
    (matched.folder / FILE).write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="damaged"):
        matched.quality_table()
    with pytest.raises(UsageError, match="no metric 'fid'"):
        matched.quality(metrics=["fid"])


def main_quietly(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0


def test_descriptions_are_made_once_and_what_is_missing_is_said(matched: Study) -> None:
    stages: list[str] = []

    def stopping(stage: str, done: int, total: int) -> None:
        stages.append(stage)
        if len(stages) == 5:
            raise Cancelled("stopped")

    with workforce() as force:
        with pytest.raises(Cancelled):
            gather(matched, force, progress=stopping)
        found = gather(matched, force, ["vectors"])
    assert set(found.spaces) >= {"radiomics", "radiomics_slices"} and "pairs" not in found.spaces
    assert any("encoder" in note for note in found.notes)
    assert found.values == [1, 2]
    training = found.pool.places("training")
    assert found.spaces["radiomics"].rows[training].mean(0) == pytest.approx(0, abs=1e-9)
    assert not set(found.pool.patients[training]) & set(found.pool.patients[found.pool.places("holdout")])


def test_slices_of_a_slice_wise_encoder_are_rows() -> None:
    vectors = np.random.default_rng(0).random((3, 4 * 1280)).astype(np.float32)
    whole, slices = encoder_spaces("mobilenet_v2", "MobileNetV2", vectors)
    assert (whole.dimensions, slices.dimensions, slices.each) == (3, 2, 4)
    second = slices.of(np.array([1]))
    theirs = vectors[1].reshape(4, 1280).astype(float)
    assert second @ second.T == pytest.approx(theirs @ theirs.T, rel=1e-5)
    assert len(encoder_spaces("other", "Other", vectors)) == 1


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three alterations at one or two strengths: what is tested is how a study goes on."""
    chosen = {"contrast": (0.8,), "lesion_removed": (1.0,), "copied": (0.15, 0.9)}
    monkeypatch.setattr(
        altered_cohorts,
        "ALTERATIONS",
        {name: replace(ALTERATIONS[name], strengths=strengths) for name, strengths in chosen.items()},
    )
    monkeypatch.setattr(sensitivity_study, "VOLUMES", {"small": 8, "large": 8})
    monkeypatch.setattr(sensitivity_study, "HALVES", {"small": 12, "large": 12})
    monkeypatch.setattr(downstream_task, "STEPS", 2)
    monkeypatch.setattr(downstream_task, "LONGEST", 16)


@pytest.mark.usefixtures("few")
def test_a_quality_study_goes_on_where_it_stopped(matched: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    row = sensitivity_study._Run.row

    def counted(run: sensitivity_study._Run, alteration: object, strength: float) -> object:
        made.append(alteration.name)  # type: ignore[attr-defined]
        return row(run, alteration, strength)  # type: ignore[arg-type]

    def stopping(stage: str, done: int, total: int) -> None:
        if stage == "alterations" and done == 2:
            raise Cancelled("stopped")

    monkeypatch.setattr(sensitivity_study._Run, "row", counted)
    with pytest.raises(Cancelled):
        matched.quality_study(progress=stopping)
    assert made == ["contrast", "lesion_removed"]
    result = matched.quality_study()
    assert made == ["contrast", "lesion_removed", "copied", "copied"]
    assert result.downstream is None
    names = {path.name for path in result.folder.iterdir()}
    assert names == {"rows", "index.html", "heat-map.png", "heat-map.svg", "sensitivity.csv"}
    again = matched.quality_study(downstream=True)
    assert len(made) == 4
    pd.testing.assert_frame_equal(again.table, result.table)
    lost = again.downstream
    assert lost is not None and list(lost["space"]) == ["trained on it", "tested on it"] * 4
    assert lost["before"].between(0, 1).all() and (lost["floor_spread"] > 0).all()
    assert {path.name for path in result.folder.iterdir()} == names | {"downstream", "downstream.csv", "agreement.csv"}
    monkeypatch.setattr(Downstream, "_row", None)  # rows of the task are not made again either
    pd.testing.assert_frame_equal(matched.quality_study(downstream=True).downstream, lost)
    assert "Metrics beside the downstream task" in (result.folder / "index.html").read_text(encoding="utf-8")
    assert result.label == 2

    sizes = result.table.groupby("alteration")["n_volumes"].agg(set).to_dict()
    assert sizes == {"contrast": {8}, "lesion_removed": {8}, "copied": {10}}
    shares = sorted(result.table.loc[result.table["alteration"] == "copied", "strength"].unique())
    # No more can be copied than there are training volumes: 8 of 10.
    assert shares == pytest.approx([2 / 10, 8 / 10])
    copied = result.table[(result.table["alteration"] == "copied") & (result.table["metric"] == "auth_pct")]
    assert (copied["change"] < 0).all() and (copied["worse"] > 0).all()
    page = (result.folder / "index.html").read_text(encoding="utf-8")
    for sentence in copying_said(result.table):
        assert sentence.split(":")[0].split("(")[0] in page
    assert read_kept(result.folder / "rows" / "contrast-0.8.json", "of other volumes") is None


def row_of(**known: object) -> dict[str, object]:
    return {
        "alteration": "copied", "words": "training volumes copied", "kind": "cohort", "strength": 0.45, "said": "45%",
        "metric": "frechet", "title": "Frechet distance", "family": "fidelity", "space": "radiomics", "better": "lower",
        "before": 3.0, "after": 1.0, "low": -3.0, "high": -1.0, "worse": -4.0, "monotone": True,
    } | known  # fmt: skip


def test_the_page_says_what_the_numbers_say() -> None:
    rewarded, warned = copying_said(
        pd.DataFrame([row_of(), row_of(family="novelty", title="DCR share", low=0.1, high=0.3, worse=2.0)])
    )
    assert (
        rewarded.startswith("Metrics that call a cohort better when 45%") and "Frechet distance (radiomics)" in rewarded
    )
    assert "DCR share" in warned and "warn" in warned
    (unsure,) = copying_said(pd.DataFrame([row_of(low=-3.0, high=0.5)]))
    assert unsure.startswith("No metric of fidelity or diversity got clearly better")
    local = row_of(kind="local", alteration="lesion_added", words="lesion added", said="14 mm", worse=0.5)
    (unseen,) = local_said(pd.DataFrame([local]))
    assert "no metric of quality saw" in unseen and "lesion added (14 mm)" in unseen
    (seen,) = local_said(pd.DataFrame([local | {"worse": 3.0}]))
    assert "lesion added (14 mm): 1 of 1 metrics" in seen
