"""The report: whole, self-contained, and true to the study."""

from __future__ import annotations

import re
import shutil
from hashlib import sha256
from html.parser import HTMLParser

import numpy as np
import pytest

from napari_relict.decisions.published_rules import judge_by_rules
from napari_relict.errors import DataError, UsageError
from napari_relict.report import write_report
from napari_relict.report.features import FeatureStrip
from napari_relict.report.pictures import match_figure, webp, write_pair_pictures
from napari_relict.study import Showing, Study


def _text(page: str) -> str:
    class Text(HTMLParser):
        said = ""

        def handle_data(self, data: str) -> None:
            self.said += data

    parser = Text()
    parser.feed(page)
    return parser.said


def test_the_report_needs_nothing_else_and_says_what_was_found(matched: Study) -> None:
    page = write_report(matched).read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    text = _text(page)
    for row in matched.verdicts().itertuples():
        assert row.synthetic in text
    assert "24 patients (20 of the holdout, 4 of training" in text
    assert page.count("<img") == (matched.verdicts()["verdict"] != "no replica").sum()
    assert str(matched.folder) not in page
    assert "<script" not in page


def test_the_answer_comes_first_and_lists_say_what_to_do(matched: Study) -> None:
    text = _text(write_report(matched, risk=0.1).read_text())
    verdicts, release = matched.verdicts()["verdict"], matched.release(0.1)
    copies, undecided = int(verdicts.str.contains("exact|near").sum()), int((verdicts == "undecided").sum())
    headline = f"Of 5 synthetic volumes {copies} look like copies of training patients, {undecided} "
    assert 0 < text.index(headline) < text.index("How many copies") < text.index("Pictures of the undecided and copied")
    assert f"{len(release.cleared)} are cleared." in text or f"{len(release.cleared)} is cleared." in text
    withheld, cleared = text.split("To withhold: ")[1].split("Cleared: ")
    assert withheld.startswith(str(len(release.withhold)))
    for lists, names in ((withheld, release.withhold), (cleared.split("Every synthetic volume")[0], release.cleared)):
        assert len(names) and all(name in lists for name in names["synthetic"])
    assert "Nobody has rated a pair" in text
    with pytest.raises(UsageError, match="risk"):
        write_report(matched, risk=1.5)


def test_published_rules_stand_beside_ours_with_their_cautions(matched: Study) -> None:
    text = _text(write_report(matched).read_text())
    for row in judge_by_rules(matched).itertuples():
        assert row.title in text and row.source in text
        assert row.caution in text or not row.estimated_on
    assert "the last match used no encoder" in text


def test_hashes_can_be_made_again_and_settings_have_no_paths(matched: Study) -> None:
    page = write_report(matched).read_text()
    contents = sorted(matched.volumes().query("cohort == 'training'")["content"])
    assert sha256("".join(f"{one}\n" for one in contents).encode()).hexdigest() in page
    assert matched.meta()["scores_hash"] in page
    text = _text(page)
    assert "near_bend" in text
    for folders in matched.settings.cohorts.values():
        assert folders.volumes not in text
    for patient in set(matched.volumes()["patient"]) - set(matched.volumes()["name"]):
        assert patient not in text


def test_thresholds_appear_with_their_intervals(matched: Study) -> None:
    matches = matched.matches()
    for row in matches[matches["rank"] == 1].itertuples():
        grade = 4 if row.synthetic.startswith("copy") else 1
        matched.rate(Showing(row.synthetic, row.training), grade, reader="Ada & <Bob>", session="s")
    matched.calibrate()
    page = write_report(matched).read_text()
    assert "Ada &amp; &lt;Bob&gt;" in page
    assert "Estimated on the same 5 synthetic volumes" in page
    assert "ROC of the measures that decide" in page
    assert "Nobody has rated a pair" not in page


def test_the_numbers_stand_without_the_cache(matched: Study) -> None:
    shutil.rmtree(matched.folder / "volumes")
    page = write_report(matched).read_text()
    assert "<img" not in page
    assert "copy-exact" in page


def test_the_quality_of_the_cohort_stands_beside_the_verdicts(matched: Study) -> None:
    assert "Quality of the cohort" not in write_report(matched).read_text()
    table = matched.quality(metrics=["mmd_voxels"])  # the quickest
    page = write_report(matched).read_text()
    text = _text(page)
    assert 'href="#quality"' in page
    section = text.split("Metrics of the synthetic cohort beside")[1]
    for row in table.itertuples():
        value = f"{row.value:.3g}" if row.value < 1000 else f"{row.value:,.0f}"
        assert row.title in section and value in section and row.standing in section
    assert "fidelity" in section and "appearance" not in section


def test_nothing_to_report_is_said(matched: Study, tmp_path) -> None:
    study = Study.create(
        tmp_path / "fresh",
        training=matched.settings.cohorts["training"].volumes,
        synthetic=matched.settings.cohorts["synthetic"].volumes,
    )
    with pytest.raises(DataError, match="no matches yet"):
        write_report(study)


def test_a_picture_for_every_synthetic_volume(matched: Study, tmp_path) -> None:
    written = write_pair_pictures(matched, tmp_path / "p")
    assert len(written) == 5
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in written)


def test_a_mirrored_training_volume_has_its_marks_exchanged(matched: Study) -> None:
    def left_marks(synthetic: str, training: str) -> list[str]:
        figure = match_figure(matched, synthetic, training)
        assert [text.get_text() for text in figure.texts[:2]] == ["synthetic", "training"]
        return [axis.texts[0].get_text() for axis in figure.axes[:4]]

    assert left_marks("copy-mirror", "train-01") == ["R", "L", "R", "R"]
    assert left_marks("copy-exact", "train-00") == ["R", "R", "R", "R"]


def test_pictures_show_all_levels_in_four_planes(matched: Study) -> None:
    strip = FeatureStrip("Some encoder", 0.9, np.linspace(0, 0.8, 20), "holdout", np.array([0.3]), 0.85, 0.82, 0.88)
    figure = match_figure(matched, "novel-0", "train-07", strip)
    said = {text.get_text() for text in figure.texts}
    assert {"Voxel level", "Segmentation level", "Feature level"} <= said
    assert len(figure.axes) == 4 * 4 + 1
    assert webp(figure)[8:12] == b"WEBP"
    assert strip.said == "0.900, closer than 20 of 20 (holdout)"
