"""A study from folders to verdicts: copies found, tables as promised, settings checked."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

import coarse_phantom as coarse
import phantom
from conftest import MEASURES
from napari_relict.calibration.null import BOTH
from napari_relict.errors import DataError, UsageError
from napari_relict.measures.registry import deciders
from napari_relict.study import Showing, Study

COPIES = {"copy-exact": "train-00", "copy-mirror": "train-01", "copy-rotated": "train-02"}


def _quick(study: Study) -> Study:
    """For tests of something else: hardly a null, and one candidate aligned."""
    return Study.open(phantom.with_null_of(study.folder, 1, verify=1))


def test_every_copy_is_found_at_rank_one_and_no_novel_volume_is_called(matched: Study) -> None:
    matches, verdicts = matched.matches(), matched.verdicts().set_index("synthetic")
    first = matches[matches["rank"] == 1].set_index("synthetic")
    for synthetic, training in COPIES.items():
        assert first.loc[synthetic, "training"] == training
        assert verdicts.loc[synthetic, "verdict"] in ("exact replica", "near replica")
        # By ranks twenty holdout patients and four left-out ones could not have said so.
        assert verdicts.loc[synthetic, "p_rank"] > 0.05
        assert verdicts.loc[synthetic, "q_value"] < 0.05
    assert bool(first.loc["copy-mirror", "mirrored"])
    novel = verdicts[verdicts.index.str.startswith("novel")]
    assert len(novel) == 2
    assert novel["verdict"].isin(["no replica", "undecided"]).all()
    assert (novel["q_value"] >= 0.05).all()


def test_tables_have_the_promised_columns(matched: Study) -> None:
    assert list(matched.matches().columns) == [
        *["synthetic", "training", "rank", "rank_voxel", "rank_segmentation", "mirrored", "inverted", "part"],
        *["region_z", "region_y", "region_x", "region_mm"],
        *["ncc", "mse", "registered", "half", "region", "nmi", "half_ncc", "region_ncc", "ssim", "bend", "lesion"],
        *["dice", "volume_difference", "surface_dice"],
    ]
    assert list(matched.verdicts().columns) == [
        *["synthetic", "training", "verdict", "p_value", "q_value", "probability", "evidence"],
        *["rule", "p_rank", "p_tail", "p_tail_low", "p_tail_high"],
    ]
    matches = matched.matches()
    assert (matches.groupby("synthetic").size() == 5).all()
    for _, mine in matches.groupby("synthetic"):
        assert sorted(mine["rank"]) == [1, 2, 3, 4, 5]
        assert (mine["rank_voxel"] == 1).sum() == 1
        assert (mine["rank_segmentation"] == 1).sum() == 1


def test_where_a_region_lies_is_said_where_one_was_aligned(matched: Study) -> None:
    matches = matched.matches()
    aligned = matches["region_ncc"].notna()
    assert aligned.groupby(matches["synthetic"]).sum().between(1, 3).all()
    assert matches.loc[aligned, "region_mm"].between(1, 100).all()
    assert not matches.loc[matches["region"].isna(), "region_mm"].notna().any()
    for synthetic, training in COPIES.items():
        mine = matches[matches["synthetic"] == synthetic].set_index("training")
        assert mine["region_ncc"].idxmax() == mine["region"].idxmax() == training


def test_stored_scores_are_those_of_the_prepared_volumes(matched: Study) -> None:
    import naive

    for _, row in matched.matches().iterrows():
        one, other = matched.volume("synthetic", row["synthetic"]), matched.volume("training", row["training"])
        if row["mirrored"]:
            one = one.mirrored()
        assert row["ncc"] == pytest.approx(naive.ncc(one.image, other.image), abs=1e-4)
        assert row["mse"] == pytest.approx(naive.mse(one.image, other.image), abs=1e-5)
        assert row["dice"] == pytest.approx(naive.mean_dice(one.labels, other.labels))
        assert row["volume_difference"] == pytest.approx(naive.volume_difference(one.labels, other.labels))


def test_null_is_every_holdout_volume_searched_against_the_same_training_cohort(matched: Study) -> None:
    import naive

    null = matched.null("ncc")
    assert null.source == BOTH
    assert null.from_training.tolist() == [False] * 20 + [True] * 4
    assert null.patients[0].endswith("hold-00") and "train" in null.patients[-1]
    images = [matched.volume("training", f"train-{i:02}").image for i in range(8)]
    for place, name in ((0, "hold-00"), (19, "hold-19")):
        mine = matched.volume("holdout", name)
        best = max(naive.ncc(side, image) for side in (mine.image, mine.mirrored().image) for image in images)
        assert null.scores[place] == pytest.approx(best, abs=1e-4)


def test_without_holdout_patients_are_left_out_one_by_one(phantom_folders: dict[str, Path], tmp_path: Path) -> None:
    folders = {name: path for name, path in phantom_folders.items() if name in ("training", "synthetic")}
    patients = tmp_path / "patients.csv"
    patients.write_text("volume,patient\n" + "".join(f"train-{i:02}.nii.gz,P{i // 2}\n" for i in range(8)))
    study = Study.create(tmp_path / "s", **folders, patients=patients)
    study.match(measures=["ncc"], top=3)
    null = study.null("ncc")
    assert null.source == "training, leave one patient out"
    assert len(null.scores) == 4
    assert null.volumes == 8
    assert null.weaker
    assert (
        null.described == "4 patients with 8 volumes (training, leave one patient out; weaker evidence than a holdout)"
    )
    volumes = study.nearest("training")["ncc"].to_numpy().reshape(4, 2)
    np.testing.assert_array_equal(null.scores, volumes.max(1))
    assert study.verdicts()["evidence"].str.contains("weaker evidence than a holdout").all()
    nearest = study._frame("SELECT query, training FROM nearest WHERE cohort = 'training'")
    assert (nearest["query"] != nearest["training"]).all()
    owner = {f"train-{i:02}": i // 2 for i in range(8)}
    assert all(owner[q] != owner[t] for q, t in nearest.to_numpy())
    # Four patients: each is listed once, by its nearest volume.
    for _, mine in study.matches().groupby("synthetic"):
        assert len({owner[name] for name in mine["training"]}) == 3


def test_duplicates_in_the_real_data_are_reported(phantom_folders: dict[str, Path], tmp_path: Path) -> None:
    training = shutil.copytree(phantom_folders["training"], tmp_path / "training")
    values = phantom.head(3)[0]
    phantom.write(training, "again", values, ".nrrd")
    phantom.write(training, "flipped", values[..., ::-1].copy())
    holdout = tmp_path / "holdout"
    phantom.write(holdout, "leak", phantom.head(4)[0])
    phantom.write(holdout, "fine", phantom.head(77)[0])
    made = Study.create(tmp_path / "s", training=training, holdout=holdout, synthetic=phantom_folders["synthetic"])
    study = _quick(made)
    study.match(measures=["ncc"])
    found = study.duplicates()
    pairs = {(row.cohort, frozenset((row.volume, row.training))): row for row in found.itertuples()}
    again = pairs[("training", frozenset(("again", "train-03")))]
    assert again.same_voxels
    assert pairs[("training", frozenset(("flipped", "train-03")))].mirrored
    assert ("holdout", frozenset(("leak", "train-04"))) in pairs
    assert not any("fine" in names for _, names in pairs)


def test_matching_again_changes_nothing_and_keeps_ratings(matched: Study) -> None:
    before = matched.matches()
    pair = Showing("novel-0", str(before[before["synthetic"] == "novel-0"]["training"].iloc[0]))
    matched.rate(pair, 1, reader="ada", session="s")
    stages: list[str] = []
    matched.match(measures=MEASURES, progress=lambda s, d, t: stages.append(s))
    pd.testing.assert_frame_equal(matched.matches(), before)
    assert not any(stage.startswith("prepare") for stage in stages)
    assert len(matched.ratings()) == 1


def test_the_cache_may_be_deleted(tmp_path: Path) -> None:
    folders = coarse.write_study_folders(tmp_path / "data", training=4, holdout=2, novel=1)
    study = _quick(Study.create(tmp_path / "study", **folders))
    assert study.match(measures=MEASURES) == []
    before = study.matches()
    study.close()
    shutil.rmtree(study.folder / "volumes")
    with pytest.raises(DataError, match="run: napari-relict match"):
        study.volume("synthetic", "novel-0")
    study.match(measures=MEASURES)
    pd.testing.assert_frame_equal(study.matches(), before)
    study.close()


def test_a_study_is_not_made_twice_nor_of_one_folder(phantom_folders: dict[str, Path], tmp_path: Path) -> None:
    training, synthetic = phantom_folders["training"], phantom_folders["synthetic"]
    Study.create(tmp_path / "s", training=training, synthetic=synthetic)
    with pytest.raises(UsageError, match="is a study already"):
        Study.create(tmp_path / "s", training=training, synthetic=synthetic)
    with pytest.raises(UsageError, match="are the same"):
        Study.create(tmp_path / "t", training=training, synthetic=training)
    with pytest.raises(UsageError, match="lies inside"):
        Study.create(tmp_path / "t", training=training.parent, synthetic=synthetic)
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('nonsense = "x"', "nonsense"),
        ("alpha = 2", "verdicts.alpha"),
        ('measures = ["nnc"]', "no measure 'nnc'"),
        ("this is not toml", "is not TOML"),
    ],
)
def test_settings_are_checked_key_by_key(matched: Study, line: str, said: str) -> None:
    path = matched.folder / "study.toml"
    lines = path.read_text().splitlines()
    key = line.split(" = ")[0]
    at = next((i for i, old in enumerate(lines) if old.startswith(key + " =")), None)
    if at is None:
        lines.insert(0, line)
    else:
        lines[at] = line
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=said) as caught:
        Study.open(matched.folder)
    assert "study.toml" in str(caught.value)


def test_a_damaged_database_is_named(matched: Study) -> None:
    (matched.folder / "study.sqlite").write_bytes(b"not a database" * 100)
    for end in ("-wal", "-shm"):
        (matched.folder / f"study.sqlite{end}").unlink(missing_ok=True)
    with pytest.raises(DataError, match=r"study\.sqlite"):
        Study.open(matched.folder)


def test_an_encoder_without_weights_is_said_and_the_rest_goes_on(
    phantom_folders: dict[str, Path], tmp_path: Path
) -> None:
    made = Study.create(tmp_path / "s", training=phantom_folders["training"], synthetic=phantom_folders["synthetic"])
    study = _quick(made)
    toml = study.folder / "study.toml"
    wrong = tmp_path / "weights.pth"
    wrong.write_bytes(b"no checkpoint")
    toml.write_text(toml.read_text() + f'\n[encoders.mobilenet_v2]\nweights = "{wrong}"\n')
    study = Study.open(study.folder)
    (problem,) = study.match(measures=["ncc", "mobilenet_v2"])
    assert "weights.pth" in str(problem)
    assert "mobilenet_v2" not in [measure.name for measure in study.measures()]
    assert len(study.verdicts()) == 5


def test_thresholds_follow_the_ratings(matched: Study) -> None:
    assert matched.calibrate().empty
    matches = matched.matches()
    first = matches[matches["rank"] == 1]
    for synthetic, training in first[["synthetic", "training"]].to_numpy():
        grade = 4 if synthetic in COPIES else 1
        matched.rate(Showing(synthetic, training), grade, reader="ada", session="s")
    table = matched.calibrate().set_index("measure")
    copies, novel = (first[first["synthetic"].isin(COPIES) == is_copy]["ncc"] for is_copy in (True, False))
    if copies.min() > novel.max():
        assert novel.max() < table.loc["ncc", "threshold"] < copies.min()
    assert table.loc["ncc", "n_rated"] == 5
    assert "1 reader" in table.loc["ncc", "estimated_on"]
    verdicts = matched.verdicts().set_index("synthetic")
    assert (verdicts.loc[list(COPIES), "verdict"] == "exact replica").all()
    assert verdicts.loc["copy-exact", "evidence"].startswith("rated 4")


def test_the_reader_overrules_the_p_value(matched: Study) -> None:
    matched.rate(Showing("copy-exact", "train-00"), 1, reader="ada", session="s")
    matched.calibrate()
    verdict = matched.verdicts().set_index("synthetic").loc["copy-exact"]
    assert verdict["verdict"] == "no replica"
    assert verdict["q_value"] < 0.05


def test_volumes_of_another_grid_are_prepared_again(matched: Study) -> None:
    path = matched.folder / "study.toml"
    path.write_text(path.read_text().replace("shape = [40, 48, 48]", "shape = [32, 40, 40]"))
    study = Study.open(matched.folder)
    with pytest.raises(DataError, match="another grid"):
        study.volume("synthetic", "novel-0")
    study.match(measures=["ncc"])
    assert study.volume("synthetic", "novel-0").image.shape == (32, 40, 40)
    assert np.isfinite(study.matches()["ncc"]).all()


def _small_study(folder: Path, synthetic: dict[str, np.ndarray], training: int = 6, holdout: int = 5) -> Study:
    for i in range(training):
        coarse.write(folder / "training", f"{i:03}", coarse.head(i)[0])
    for i in range(holdout):
        coarse.write(folder / "holdout", f"h{i}", coarse.head(500 + i)[0])
    for name, values in synthetic.items():
        coarse.write(folder / "synthetic", name, values)
    made = Study.create(
        folder / "study",
        training=folder / "training",
        synthetic=folder / "synthetic",
        holdout=folder / "holdout" if holdout else None,
        spacing=coarse.SPACING[0],
    )
    return Study.open(coarse.with_null_of(made.folder, holdout or training, verify=1))


def _with(study: Study, *lines: tuple[str, str]) -> Study:
    """The study opened again with lines of study.toml exchanged."""
    path = study.folder / "study.toml"
    for old, new in lines:
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    return Study.open(study.folder)


def test_a_deformation_asked_for_in_study_toml_reaches_the_tables_and_the_null(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    shift = np.stack([ndimage.gaussian_filter(random.standard_normal(coarse.SHAPE), 8) for _ in range(3)])
    shift *= 7 / coarse.SPACING[0] / np.linalg.norm(shift, axis=0).max()
    places = np.indices(coarse.SHAPE) + shift
    bent = [ndimage.map_coordinates(coarse.head(seed)[0], places, order=1) for seed in (0, 1)]
    study = _small_study(tmp_path, {"bent": bent[0]})
    coarse.write(tmp_path / "holdout", "h4", bent[1])
    found = {}
    for deformable in (False, True):
        if deformable:
            study = _with(study, ("deformable = false", "deformable = true"))
        assert study.match(measures=["ncc", "nmi", "bend"]) == []
        matches = study.matches().set_index("training")
        found[deformable] = matches.loc["000"], study.null("nmi").scores
    (before, null_before), (after, null_after) = found[False], found[True]
    assert after["nmi"] > before["nmi"] + 0.02
    assert after["ncc"] == before["ncc"]
    assert after["bend"] == before["bend"] > 1
    assert (null_after > null_before - 0.03).all()  # a stranger gains little, and may lose a little
    assert null_after.max() > null_before.max() + 0.02  # the holdout volume that was bent


def test_the_body_alone_asked_for_in_study_toml_is_prepared_and_searched(tmp_path: Path) -> None:
    bed = coarse.head(0)[0]
    bed[5:27, 37:, 5:30] = 700
    study = _small_study(tmp_path, {"bed": bed}, holdout=2)
    assert study.match(measures=["ncc"]) == []
    before = study.matches().set_index("training").loc["000", "ncc"]
    study = _with(study, ("foreground = false", "foreground = true"))
    assert study.match(measures=["ncc"]) == []
    after = study.matches().set_index("training").loc["000", "ncc"]
    assert after > max(before + 0.01, 0.99)
    assert (study.volume("synthetic", "bed").image > 0.5)[:, -6:].sum() > 100  # shown with the bed


def test_the_very_same_voxels_are_an_exact_replica_however_small_the_null(tmp_path: Path) -> None:
    noisy = coarse.head(3)[0] + np.random.default_rng(0).normal(0, 5, coarse.SHAPE).astype(np.float32)
    study = _small_study(tmp_path, {"001": coarse.head(2)[0], "002": noisy})
    assert study.match(measures=["ncc"]) == []
    verdicts = study.verdicts().set_index("synthetic")
    assert verdicts.loc["001", ["verdict", "training", "rule"]].tolist() == ["exact replica", "002", "equal voxels"]
    assert "bit for bit" in verdicts.loc["001", "evidence"]
    assert verdicts.loc["002", "verdict"] == "undecided"
    assert "cannot tell a copy from chance" in verdicts.loc["002", "evidence"]


def _set(study: Study, before: str, after: str) -> Study:
    path = study.folder / "study.toml"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    return Study.open(study.folder)


def test_when_nothing_is_aligned_ncc_decides(matched: Study) -> None:
    study = _set(matched, "verify = 2", "verify = 0")
    assert study.match(measures=MEASURES) == []
    assert [measure.name for measure in study.measures()] == [
        "ncc",
        "mse",
        "registered",
        "half",
        "region",
        "dice",
        "volume_difference",
    ]
    assert [measure.name for measure in deciders(study.measures())] == ["ncc", "dice"]
    verdicts = study.verdicts().set_index("synthetic")
    assert verdicts["evidence"].str.contains("voxel NCC").all()
    assert (verdicts.loc[["copy-exact", "copy-mirror"], "verdict"] == "near replica").all()
    assert verdicts.loc["copy-rotated", "verdict"] != "no replica"  # turned, and nobody turned it back
    assert study.matches()["ncc"].notna().all()


def test_without_halves_and_keypoints_their_measures_are_left_out(
    phantom_folders: dict[str, Path], tmp_path: Path
) -> None:
    folders = {name: phantom_folders[name] for name in ("training", "synthetic")}
    study = _set(_quick(Study.create(tmp_path / "s", **folders)), "partial = true", "partial = false")
    assert study.match(measures=["ncc", "half", "region", "half_ncc", "region_ncc"]) == []
    assert [measure.name for measure in study.measures()] == ["ncc", "nmi", "bend", "lesion"]
    assert [measure.name for measure in deciders(study.measures())] == ["nmi", "bend"]


def test_a_single_training_volume_is_enough_to_look(tmp_path: Path) -> None:
    study = _small_study(tmp_path, {"a": coarse.head(0)[0] * 1.001}, training=1, holdout=0)
    assert study.match(measures=["ncc", "ssim"]) == []
    verdict = study.verdicts().iloc[0]
    assert np.isnan(verdict["p_value"])
    assert verdict["verdict"] == "undecided"
    assert "no null to judge it by" in verdict["evidence"]
    assert "nearer than all" not in verdict["evidence"]
    assert study.matches()["ncc"].iloc[0] > 0.99


def test_training_volumes_that_stand_twice_are_no_null(tmp_path: Path) -> None:
    study = _small_study(tmp_path, {"a": coarse.head(99)[0]}, holdout=0)
    coarse.write(tmp_path / "training", "again", coarse.head(3)[0], ".nrrd")
    study.match(measures=["ncc"])
    null = study.null("ncc")
    assert not {name for name in null.patients if name.endswith(("003", "again"))}
    assert null.known == 5
    assert null.scores.max() < 0.99


def test_a_rated_pair_that_is_gone_does_not_break_the_report(matched: Study) -> None:
    from napari_relict.report import write_report

    gone = Showing("novel-0", "train-99")
    matched.rate(gone, 4, reader="ada", session="s")
    matched.calibrate()
    verdict = matched.verdicts().set_index("synthetic").loc["novel-0"]
    assert verdict[["verdict", "training"]].tolist() == ["exact replica", "train-99"]
    assert "not among the current matches" in verdict["evidence"]
    assert "novel-0" in write_report(matched).read_text()


def test_segmentations_that_are_missing_are_said(phantom_folders: dict[str, Path], tmp_path: Path) -> None:
    folders = {name: phantom_folders[name] for name in ("training", "synthetic", "training_segmentations")}
    study = _quick(Study.create(tmp_path / "s", **folders))
    (problem,) = study.match(measures=["ncc", "dice"])
    assert "no segmentations" in str(problem)
    assert "synthetic" in str(problem)
    assert {measure.level for measure in study.measures()} == {"voxel"}


def test_another_size_in_mm_is_noted(tmp_path: Path) -> None:
    import SimpleITK as sitk

    _small_study(tmp_path, {"a": coarse.head(0)[0]}, holdout=0)
    image = coarse.to_image(coarse.head(0)[0], (1.0, 1.0, 1.0))  # the generator forgot the spacing
    sitk.WriteImage(image, str(tmp_path / "synthetic" / "a.nii.gz"))
    study = Study.create(tmp_path / "again", training=tmp_path / "training", synthetic=tmp_path / "synthetic")
    (note,) = study.notes
    assert "synthetic volumes measure 32 x 38 x 35 mm" in note
    assert study.problems == []


@pytest.mark.parametrize("options", [{"spacing": 0}, {"spacing": -1}, {"shape": (4, 4, 4)}, {"spacing": 0.05}])
def test_impossible_grids_are_wrong_usage(
    phantom_folders: dict[str, Path], tmp_path: Path, options: dict[str, object]
) -> None:
    with pytest.raises(UsageError):
        Study.create(
            tmp_path / "s",
            training=phantom_folders["training"],
            synthetic=phantom_folders["synthetic"],
            **options,  # type: ignore[arg-type]
        )
    assert not (tmp_path / "s").exists()


def test_a_shape_alone_holds_the_whole_volume(phantom_folders: dict[str, Path], tmp_path: Path) -> None:
    study = Study.create(
        tmp_path / "s", training=phantom_folders["training"], synthetic=phantom_folders["synthetic"], shape=(16, 16, 16)
    )
    assert study.settings.grid.spacing[0] * 16 >= 4 * max(phantom.SHAPE)


def test_folders_where_every_name_clashes_are_refused_by_name(phantom_folders: dict[str, Path], tmp_path: Path) -> None:
    for patient in ("p0", "p1"):
        phantom.write(tmp_path / "t" / patient, "t1", phantom.head(0)[0])
    with pytest.raises(DataError, match="shares the name 't1'"):
        Study.create(tmp_path / "s", training=tmp_path / "t", synthetic=phantom_folders["synthetic"])


def test_segmentations_may_lie_inside_the_volumes_folder(phantom_folders: dict[str, Path], tmp_path: Path) -> None:
    for i in range(3):
        values, labels = phantom.head(i)
        phantom.write(tmp_path / "t", f"a{i}", values)
        phantom.write(tmp_path / "t" / "seg", f"a{i}", labels)
    made = Study.create(
        tmp_path / "s",
        training=tmp_path / "t",
        training_segmentations=tmp_path / "t" / "seg",
        synthetic=phantom_folders["synthetic"],
        synthetic_segmentations=phantom_folders["synthetic_segmentations"],
    )
    study = _quick(made)
    assert study.match(measures=["ncc", "dice"]) == []
    assert set(study.volumes().query("cohort == 'training'")["name"]) == {"a0", "a1", "a2"}


@pytest.mark.parametrize("renamed", [True, False])
def test_a_mirrored_copy_keeps_its_dice_when_labels_have_sides(tmp_path: Path, renamed: bool) -> None:
    """Whether the mask was made on the mirrored volume (sides renamed) or flipped along with it (not)."""
    half = phantom.SHAPE[2] // 2
    for i in range(5):
        values, labels = phantom.head(i)
        sided = labels.copy()
        sided[..., :half][labels[..., :half] == 2] = 3  # right ventricle
        phantom.write(tmp_path / "training", f"t{i}", values)
        phantom.write(tmp_path / "training-seg", f"t{i}", sided)
        if i == 1:
            flipped = sided[..., ::-1].copy()
            if renamed:
                flipped = np.array([0, 1, 3, 2], np.uint8)[flipped]
            phantom.write(tmp_path / "synthetic", "mirror", values[..., ::-1].copy())
            phantom.write(tmp_path / "synthetic-seg", "mirror", flipped)
    made = Study.create(
        tmp_path / "s",
        training=tmp_path / "training",
        synthetic=tmp_path / "synthetic",
        training_segmentations=tmp_path / "training-seg",
        synthetic_segmentations=tmp_path / "synthetic-seg",
    )
    study = _quick(made)
    study.match(measures=["ncc", "dice"])
    first = study.matches().iloc[0]
    assert (first["training"], bool(first["mirrored"])) == ("t1", True)
    assert first["dice"] > 0.98
    assert study.label_dice("mirror", "t1")["dice"].min() > 0.9
    other = study.volume("training", "t1")
    shown = study.volume("synthetic", "mirror").mirrored(beside=other).labels
    assert (shown == other.labels)[other.labels > 0].mean() > 0.98
