"""Labels for others: the same in every format, explained, and without a word about patients."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from napari_relict.errors import UsageError
from napari_relict.records.label_export import COLUMNS
from napari_relict.study import Showing, Study
from stored import stored_study, synthetic_name, training_name


@pytest.fixture
def study(tmp_path: Path) -> Study:
    study = stored_study(tmp_path / "study", pairs=2)
    for reader, grades in {"ada": (4, 1, 2), "bob": (3, 1, 4)}.items():
        for number, grade in enumerate(grades):
            study.rate(Showing(synthetic_name(number), training_name(number)), grade, reader=reader, session="s")
    study.rate(Showing(synthetic_name(0), training_name(1)), 1, reader="ada", session="s", blinded=False)
    study.rate(Showing(synthetic_name(2), training_name(2)), 2, reader="both", session="s", round="consensus")
    return study


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".json"])
def test_labels_as_a_table(study: Study, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"labels{ending}"
    study.export("labels", file)
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".json": pd.read_json}[ending]
    table = read(file)
    assert list(table.columns) == list(COLUMNS)
    assert table["grade"].tolist() == [3.5, 1, 1, 2]
    assert table["replica"].tolist() == [True, False, False, False]
    assert table["source"].tolist() == ["median of 2 readers", "one reader", "median of 2 readers", "consensus"]
    assert table["blinded"].tolist() == [1, 0, 1, 1]
    assert (table["synthetic_hash"].str.len() == 64).all()


def test_labels_as_a_folder(study: Study, tmp_path: Path) -> None:
    to = tmp_path / "out" / "labels"
    for _ in range(2):
        study.export("labels", to)
    names = {path.name for path in to.iterdir()}
    sidecars = {f"{synthetic_name(number)}_replica.json" for number in range(3)}
    assert names == {"replica_labels.tsv", "replica_labels.json", *sidecars}
    table = pd.read_csv(to / "replica_labels.tsv", sep="\t", dtype=str)
    dictionary = json.loads((to / "replica_labels.json").read_text())
    assert set(table.columns) == set(dictionary) - {"GeneratedBy"}
    assert set(table["replica"]) == {"true", "false"} == set(dictionary["replica"]["Levels"])
    assert dictionary["grade"]["Levels"]["4"] == "exact replica"
    said = json.loads((to / f"{synthetic_name(0)}_replica.json").read_text())
    assert (said["Replica"], said["Grade"], len(said["Pairs"])) == (True, 3.5, 2)
    assert all("patient of" not in path.read_text() for path in to.iterdir())


def test_a_folder_is_for_labels_alone(study: Study, tmp_path: Path) -> None:
    study.export("agreement", tmp_path / "agreement.csv")
    assert set(pd.read_csv(tmp_path / "agreement.csv")["kind"]) == {"two readers"}
    with pytest.raises(UsageError, match="ending"):
        study.export("agreement", tmp_path / "agreement")


def test_without_ratings_the_table_is_empty_but_explained(tmp_path: Path) -> None:
    study = stored_study(tmp_path / "study")
    study.export("labels", tmp_path / "labels")
    assert len(pd.read_csv(tmp_path / "labels" / "replica_labels.tsv", sep="\t")) == 0
