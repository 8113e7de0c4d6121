"""Patients: who owns which volume, by name and, if need be, by cohort."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_relict.errors import DataError
from napari_relict.study.pipeline.cohorts import patients_of
from napari_relict.volumes.patients import read_patients


def _csv(folder: Path, text: str) -> Path:
    file = folder / "patients.csv"
    file.write_text(text)
    return file


def test_names_with_and_without_extension_and_awkward_values(tmp_path: Path) -> None:
    file = _csv(tmp_path, "volume, patient\n001.nii.gz, NA\n002, 7\nscan 3.nrrd, None\n")
    assert read_patients(file) == {("", "001"): "NA", ("", "002"): "7", ("", "scan 3"): "None"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,patient\na,1\n", "no column volume"),
        ("volume,patient\na,\n", "line 2 has an empty cell"),
        ("volume,patient\na,1\na,2\n", "to two patients"),
        ("", "cannot be read as CSV"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_patients(_csv(tmp_path, text))


def test_one_name_in_two_cohorts_needs_the_cohort_column(tmp_path: Path) -> None:
    names = {"training": ["a", "b"], "holdout": ["a"], "synthetic": ["a"]}
    patients, (problem,) = patients_of(names, _csv(tmp_path, "volume,patient\na,1\n"))
    assert "add a column cohort" in str(problem)
    assert patients[("synthetic", "a")] == "synthetic/a"
    text = "cohort,volume,patient\ntraining,a,1\nholdout,a,2\n"
    patients, problems = patients_of(names, _csv(tmp_path, text))
    assert not problems
    assert (patients[("training", "a")], patients[("holdout", "a")]) == ("1", "2")
    assert patients[("training", "b")] == "training/b"
