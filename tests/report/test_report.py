"""The report: whole, self-contained, and true to the study."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser

import pytest

from napari_relict.errors import DataError
from napari_relict.report import write_report
from napari_relict.report.pictures import match_figure, pair_figure, png, write_pair_pictures
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
    assert "60 patients (holdout)" in text
    assert page.count("<img") == (matched.verdicts()["verdict"] != "no replica").sum()
    assert str(matched.folder) not in page


def test_thresholds_appear_with_their_intervals(matched: Study) -> None:
    matches = matched.matches()
    for row in matches[matches["rank"] == 1].itertuples():
        grade = 4 if row.synthetic.startswith("copy") else 1
        matched.rate(Showing(row.synthetic, row.training), grade, reader="Ada & <Bob>", session="s")
    matched.calibrate()
    page = write_report(matched).read_text()
    assert "Ada &amp; &lt;Bob&gt;" in page
    assert "Estimated on the same 6 synthetic volumes" in page


def test_the_numbers_stand_without_the_cache(matched: Study) -> None:
    shutil.rmtree(matched.folder / "volumes")
    page = write_report(matched).read_text()
    assert "<img" not in page
    assert "copy-exact" in page


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
    assert len(written) == 6
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in written)


def test_a_mirrored_training_volume_has_its_marks_exchanged(matched: Study) -> None:
    figure = match_figure(matched, "copy-mirror", "train-01")
    axial = figure.axes[:4]
    left_marks = [axis.texts[0].get_text() for axis in axial]
    assert [axis.get_title() for axis in axial[:2]] == ["synthetic", "training"]
    assert left_marks == ["R", "L", "R", "R"]
    straight = match_figure(matched, "copy-exact", "train-00")
    assert [axis.texts[0].get_text() for axis in straight.axes[:4]] == ["R", "R", "R", "R"]


def test_names_with_dollar_signs_are_drawn_as_they_are(matched: Study) -> None:
    one, other = matched.volume("synthetic", "copy-exact"), matched.volume("training", "train-00")
    assert png(pair_figure(one, other, "x$_$y")).startswith(b"\x89PNG")
