"""Published rules on a stored study: what lies there is used, what does not is said."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from command_line import run_here
from napari_relict.calibration.rules import RULES
from napari_relict.decisions.published_rules import COLUMNS, judge_by_rules
from napari_relict.encoders import EmbeddingCache
from napari_relict.encoders.embeddings import stored_vectors
from napari_relict.errors import DataError, UsageError
from napari_relict.study import Study
from stored import stored_study, synthetic_name, training_name

TRAINING, HOLDOUT, SYNTHETIC, COPIES, FEATURES = 40, 30, 12, 4, 12


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """40 training volumes and 30 holdout ones with embeddings; the first four synthetic ones are copies."""
    made = stored_study(tmp_path / "study", synthetic=SYNTHETIC, training=TRAINING, copies=COPIES)
    with made._database.connect() as connection:
        for number in range(HOLDOUT):
            row = ("holdout", f"hold-{number}", f"other {number}", "x", f"c{number:063x}", f"z{number:063x}", 0)
            connection.execute("INSERT INTO volume VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("UPDATE meta SET value = 'ncc,mobilenet_v2' WHERE key = 'measures'")
        for cohort, names in (
            ("synthetic", [synthetic_name(i) for i in range(SYNTHETIC)]),
            ("holdout", [f"hold-{i}" for i in range(100)]),
        ):
            rows = [(cohort, name, "mobilenet_v2", training_name(0), 0.3) for name in names]
            connection.executemany("INSERT INTO nearest VALUES (?, ?, ?, ?, ?, NULL)", rows)
    return made


def embeddings(study: Study, key: str = "mobilenet_v2:weights:new") -> dict[str, np.ndarray]:
    """Put vectors of every volume into the cache; those of the first synthetic ones are a training volume's."""
    random = np.random.default_rng(3)
    with study._database.connect() as connection:
        rows = connection.execute("SELECT cohort, name, content FROM volume ORDER BY cohort, name").fetchall()
    vectors = {(row["cohort"], row["name"]): random.standard_normal(FEATURES).astype(np.float32) for row in rows}
    for number in range(COPIES):
        vectors["synthetic", synthetic_name(number)] = vectors["training", training_name(number)] + np.float32(0.01)
    by_content = {row["content"]: vectors[row["cohort"], row["name"]] for row in rows}
    put(study, key, by_content)
    return by_content


def put(study: Study, key: str, vectors: dict[str, np.ndarray], mirrored: bool = False) -> None:
    """As `EmbeddingCache.put`, all at once."""
    file = study.folder / "volumes" / "embeddings.sqlite"
    EmbeddingCache(file)
    with closing(sqlite3.connect(file)) as database, database:
        rows = [(key, content, mirrored, vector.astype(np.float32).tobytes()) for content, vector in vectors.items()]
        database.executemany("INSERT INTO embedding VALUES (?, ?, ?, ?)", rows)


def by_rule(study: Study, **cuts: float) -> pd.DataFrame:
    return judge_by_rules(study, cuts=cuts).set_index("rule")


def test_every_rule_has_a_row_and_copies_are_called(study: Study) -> None:
    embeddings(study)
    table = judge_by_rules(study)
    assert list(table.columns) == list(COLUMNS)
    assert list(table["rule"]) == list(RULES)
    table = table.set_index("rule")
    # Four of twelve volumes reach an NCC of .98 and more, the null's 100 lie about .4: p = 1/101, q = 12/404 = .03.
    assert table.loc["holdout_null", "called"] == COPIES
    assert table.loc["holdout_null", "share"] == pytest.approx(1 / 3)
    assert table.loc["holdout_null", "low"] < 1 / 3 < table.loc["holdout_null", "high"]
    assert table.loc["holdout_null", "estimated_on"].startswith("100 patients (holdout), by NCC")
    assert table.loc["third", "called"] == COPIES
    assert table.loc["dar_matched", "called"] >= COPIES
    assert "30 holdout volumes against the same 40 training volumes" in table.loc["mi_calibrated", "estimated_on"]
    assert "mean ONI" in table.loc["mi_calibrated", "note"]
    assert pd.isna(table.loc["correlation", "called"])
    # The largest NCC of the copies: .99.
    assert "largest 0.99" in table.loc["correlation", "note"]


def test_our_own_rule_calls_what_verdicts_call(study: Study) -> None:
    study.calibrate()
    q = study.verdicts()["q_value"].to_numpy(float)
    assert by_rule(study).loc["holdout_null", "called"] == (q < study.settings.alpha).sum() == COPIES


def test_what_cannot_be_had_is_said(study: Study) -> None:
    table = by_rule(study)
    assert "no" not in table.loc["holdout_null", "note"].split()
    assert table.loc["third", "note"] == (
        "not applied: needs training features, synthetic features"
        " (not all embeddings lie in the cache; run: napari-relict match)"
    )
    assert "its authors' network" in table.loc["sscd", "note"]
    assert (table.loc[["third", "sscd", "dar_published"], "estimated_on"] == "").all()
    assert table["called"].notna().sum() == 1
    with study._database.connect() as connection:
        connection.execute("UPDATE meta SET value = 'ncc' WHERE key = 'measures'")
    assert "the last match used no encoder" in by_rule(study).loc["third", "note"]


def test_a_rule_that_refuses_says_why(study: Study) -> None:
    embeddings(study)
    with study._database.connect() as connection:  # 11 training volumes are left, of 12 features
        connection.execute("DELETE FROM volume WHERE cohort = 'training' AND name >= ?", (training_name(11),))
    note = by_rule(study).loc["mi_published", "note"]
    assert note.startswith("not applied: 11 training volumes are not more than 12")


def test_holdout_volumes_of_training_patients_do_not_count(study: Study) -> None:
    embeddings(study)
    with study._database.connect() as connection:
        mine = connection.execute("SELECT patient FROM volume WHERE cohort = 'training' LIMIT 1").fetchone()[0]
        connection.execute("UPDATE volume SET patient = ? WHERE cohort = 'holdout' AND name <= 'hold-1'", (mine,))
        same = connection.execute("SELECT voxels FROM volume WHERE cohort = 'training' LIMIT 1").fetchone()[0]
        connection.execute("UPDATE volume SET voxels = ? WHERE cohort = 'holdout' AND name = 'hold-29'", (same,))
    study = Study.open(study.folder)  # as a new match would, for an open study keeps the null of a match
    assert "27 holdout volumes" in by_rule(study).loc["mi_calibrated", "estimated_on"]
    with study._database.connect() as connection:
        connection.execute("DELETE FROM volume WHERE cohort = 'holdout'")
    study = Study.open(study.folder)
    assert "there are no holdout volumes of other patients" in by_rule(study).loc["mi_calibrated", "note"]


def test_the_memorization_index_takes_the_layers_of_an_encoder(study: Study) -> None:
    """A copy is one by the geometric mean over layers: one layer that tells nothing about it does not hide it."""
    vectors = embeddings(study)
    one = by_rule(study, mi_calibrated=3)
    assert "features: one layer only, of MobileNetV2 slices" in one.loc["mi_calibrated", "note"]
    assert one.loc["mi_calibrated", "called"] == COPIES
    random = np.random.default_rng(5)
    noise = {content: random.standard_normal(FEATURES).astype(np.float32) for content in vectors}
    put(study, "mobilenet_v2/low:weights:new", noise)
    put(study, "mobilenet_v2/high:weights:new", noise)
    several = by_rule(study, mi_calibrated=3)
    assert "features: low, high of MobileNetV2 slices" in several.loc["mi_calibrated", "note"]
    assert several.loc["mi_calibrated", "called"] == 0  # both layers are noise: nothing is like anything
    assert several.loc["third", "called"] == one.loc["third", "called"]  # other rules keep to the embedding
    put(study, "mobilenet_v2/low:weights:newer", noise)
    put(study, "mobilenet_v2/high:weights:newer", vectors)
    assert by_rule(study, mi_calibrated=3).loc["mi_calibrated", "called"] > 0


def test_cuts_are_for_rules_that_have_none(study: Study) -> None:
    assert by_rule(study, correlation=0.9).loc["correlation", "called"] == COPIES
    with pytest.raises(UsageError, match="no rule 'third' that takes a cut; there are mi_calibrated"):
        by_rule(study, third=0.2)


def test_nothing_matched_is_said(study: Study) -> None:
    with study._database.connect() as connection:
        connection.execute("DELETE FROM meta WHERE key = 'measures'")
    with pytest.raises(DataError, match="has no matches yet"):
        judge_by_rules(study)


def test_the_newest_complete_vectors_count(study: Study) -> None:
    old = embeddings(study, "mobilenet_v2:weights:old")
    file, contents = study.folder / "volumes" / "embeddings.sqlite", list(old)
    cache = EmbeddingCache(file)
    cache.put("mobilenet_v2:weights:begun", contents[0], False, vector=np.zeros(FEATURES))
    cache.put("mobilenet_v23:weights:new", contents[0], False, vector=np.zeros(FEATURES))
    found = stored_vectors(file, "mobilenet_v2", contents[::-1])
    assert found is not None
    np.testing.assert_array_equal(found, np.stack(list(old.values()))[::-1])
    put(study, "mobilenet_v2:weights:new", dict.fromkeys(contents, np.ones(FEATURES)), mirrored=True)
    assert stored_vectors(file, "mobilenet_v2", contents)[0, 0] == old[contents[0]][0]  # mirrored ones do not count
    put(study, "mobilenet_v2:weights:new", dict.fromkeys(contents, np.ones(FEATURES)))
    assert (stored_vectors(file, "mobilenet_v2", contents) == 1).all()
    assert stored_vectors(file, "mobilenet_v2", ["unknown"]) is None
    assert stored_vectors(file.with_name("none"), "mobilenet_v2", contents) is None
    assert not file.with_name("none").exists()


def test_the_command_says_each_rule(study: Study) -> None:
    embeddings(study)
    done = run_here("rules", study.folder, "--cut", "correlation=0.9")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("holdout_null: q-values against a holdout (Benjamini & Hochberg 1995; ")
    assert {line.partition(":")[0] for line in lines if line[0] != " "} == set(RULES)
    assert lines[0].startswith("holdout_null: q-values against a holdout (Benjamini & Hochberg 1995; ")
    assert lines[1] == "    4 called copies, 33.3% (95% interval 13.8% to 60.9%)"
    assert lines[4].startswith("    caution: beyond the null p rests on a fitted tail")
    assert lines[-1].startswith("sscd: SSCD") and "not applied" in lines[-1]
    third = lines.index("third: Nearest below a third of the second (Yoon et al. 2023)")
    assert "mirrored copies may be missed" in lines[third + 4]
    assert not any("estimated on nothing" in line for line in lines)
    for cut, said in (("nndr", "give RULE=NUMBER"), ("third=1", "no rule 'third'"), ("correlation=2", "below 1")):
        wrong = run_here("rules", study.folder, "--cut", cut)
        assert wrong.returncode == 2
        assert said in wrong.stderr and "Traceback" not in wrong.stderr


def test_an_encoder_trained_here_stands_in_for_its_authors_network(study: Study) -> None:
    (study.folder / "study.toml").open("a").write(
        '\n[encoders.ours]\nkind = "deepssim"\ntitle = "Ours"\nweights = "ours.pt"\n'
    )
    study = Study.open(study.folder)
    with study._database.connect() as connection:
        connection.execute("UPDATE meta SET value = 'ncc,ours' WHERE key = 'measures'")
        values = [0.95] * COPIES + [0.8] * 5 + [0.5] * (SYNTHETIC - COPIES - 5)
        for cohort, names, scores in (
            ("synthetic", [synthetic_name(i) for i in range(SYNTHETIC)], values),
            ("holdout", [f"hold-{i}" for i in range(100)], [0.5] * 100),
        ):
            rows = [(cohort, n, "ours", training_name(0), score) for n, score in zip(names, scores, strict=True)]
            connection.executemany("INSERT INTO nearest VALUES (?, ?, ?, ?, ?, NULL)", rows)
    table = by_rule(study)
    for rule in ("deepssim", "deepssim++"):
        assert table.loc[rule, "called"] == COPIES
        assert table.loc[rule, "note"].endswith("network: Ours, trained here, not its authors'")
    assert "not applied" in table.loc["sscd", "note"]
    assert "train contrastive" in table.loc["sscd", "note"]
