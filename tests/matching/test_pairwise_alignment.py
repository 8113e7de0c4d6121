"""Candidates aligned pair by pair: mirrored, inverted and rotated copies, and every measure that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

import naive
import phantom
from napari_relict.encoders import EmbeddingCache
from napari_relict.jobs.executors import Workforce
from napari_relict.matching import Cohorts, Depth, match_cohorts
from napari_relict.matching import pairwise_alignment as verifying
from napari_relict.matching.pairwise_alignment import ON_LABELS, WHOLE, Candidate, Half, Task, Verified, verify
from napari_relict.measures import choose_measures
from napari_relict.measures.registration import Engine
from napari_relict.volumes import Grid, Preparation, PreparedCohort, find_volumes, prepare_cohort
from napari_relict.volumes.halves import HALVES, half_layout
from napari_relict.volumes.preparing import study_reference

GRID = Grid((40, 48, 48), (4.0, 4.0, 4.0))
CHANGES = {"bend", "lesion"}
LEFT, RIGHT = HALVES.index("left"), HALVES.index("right")


def _bent(values: np.ndarray, order: int) -> np.ndarray:
    """Bent by up to 7 mm, smoothly."""
    random = np.random.default_rng(3)
    shift = np.stack([ndimage.gaussian_filter(random.standard_normal(values.shape), 8) for _ in range(3)])
    shift *= 7 / 4 / np.linalg.norm(shift, axis=0).max()
    return ndimage.map_coordinates(values, np.indices(values.shape) + shift, order=order)


def _put(folder: Path, name: str, values: np.ndarray, labels: np.ndarray) -> None:
    phantom.write(folder, name, values.astype(np.float32))
    phantom.write(folder.with_name(folder.name + "-labels"), name, labels)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Training heads 0 to 4, and what was made of them."""
    folder = tmp_path_factory.mktemp("verify")
    for seed in range(5):
        _put(folder / "training", f"head-{seed}", *phantom.head(seed))
    values, labels = phantom.head(0)
    noise = np.random.default_rng(0).normal(0, 10, values.shape)
    _put(folder / "synthetic", "same", values + noise, labels)
    _put(folder / "synthetic", "mirrored", (values + noise)[..., ::-1], labels[..., ::-1].copy())
    _put(folder / "synthetic", "inverted", np.where(values > 0, 1100 - values, 0) + noise, labels)
    turned = [ndimage.rotate(one, 12, axes=(1, 2), reshape=False, order=k) for one, k in ((values, 1), (labels, 0))]
    _put(folder / "synthetic", "rotated", *turned)
    _put(folder / "synthetic", "bent", _bent(values, 1) + noise, _bent(labels, 0))
    _put(folder / "synthetic", "novel", *phantom.head(90))
    half = phantom.head(91)[0]
    half[..., 22:] = values[..., 22:]
    _put(folder / "synthetic", "half", half, labels)
    made: dict[str, Any] = {"folder": folder}
    for pose in ("similarity", "centre"):
        how = Preparation(GRID, "mr", pose=pose)  # type: ignore[arg-type]
        files = {name: find_volumes(folder / name)[0] for name in ("training", "synthetic")}
        reference = study_reference(files["training"], how, folder / pose)
        for name, found in files.items():
            maps = {file.name: file for file in find_volumes(folder / f"{name}-labels")[0]}
            made[f"{pose} {name}"], problems = prepare_cohort(name, found, maps, how, reference, folder / pose)
            assert not problems
        made[f"{pose} layout"] = None if reference is None else half_layout(reference)
    return made


def _verified(
    prepared: dict[str, Any],
    query: str,
    candidates: Sequence[Candidate],
    measures: set[str] | frozenset[str],
    pose: str = "similarity",
    changes: bool = False,
    deformable: bool = False,
    engine: Engine = "gauss-newton",
) -> list[Verified]:
    return verify(
        Task(
            prepared[f"{pose} synthetic"], query, prepared[f"{pose} training"], candidates, measures, [1, 2], {},
            "similarity", 4.0, changes, deformable, engine,
        )
    )  # fmt: skip


def _own(mirrored: bool = False, half: Half | None = None, training: str = "head-0") -> Candidate:
    return Candidate(training, mirrored, half)


def _posed(prepared: dict[str, Any], query: str, pose: str = "similarity") -> float:
    synthetic: PreparedCohort = prepared[f"{pose} synthetic"]
    training: PreparedCohort = prepared[f"{pose} training"]
    return naive.ncc(synthetic.images([query], searched=True)[0], training.images(["head-0"], searched=True)[0])


def test_every_measure_asked_for_is_there_and_no_other(prepared: dict[str, Any]) -> None:
    wanted = ON_LABELS | WHOLE | CHANGES | {"half_ncc"}
    (one,) = _verified(prepared, "same", [_own(half=Half(LEFT, False))], wanted, changes=True)
    assert set(one.scores) == wanted
    assert np.isfinite(list(one.scores.values())).all()
    assert one.part == "left"
    assert one.change is not None
    assert len(one.alignment) == 12
    for name in sorted(wanted):
        (alone,) = _verified(prepared, "same", [_own(half=Half(LEFT, False))], {name}, changes=name in CHANGES)
        assert alone.scores == {name: one.scores[name]}
    assert _verified(prepared, "same", [], wanted, changes=True) == []


def test_a_copy_is_alike_in_everything_and_a_stranger_is_not(prepared: dict[str, Any]) -> None:
    wanted = ON_LABELS | WHOLE | CHANGES
    copy, stranger = _verified(prepared, "same", [_own(), _own(training="head-3")], wanted, changes=True)
    assert copy.scores["aligned_ncc"] > 0.98
    assert copy.scores["copied_share"] > 0.9
    assert copy.scores["surface_dice"] > 0.95
    assert copy.scores["lesion"] == 0
    for name in ON_LABELS | WHOLE:
        far = name in ("tile_rmse", "hd95", "assd", "centroid_distance")
        assert copy.scores[name] != stranger.scores[name] or name == "lesion_f1"
        assert (copy.scores[name] <= stranger.scores[name]) == far or name == "lesion_f1"
    assert not CHANGES & set(stranger.scores)  # the nearest candidate's change alone is looked for


def test_the_registered_pair_decides_whether_it_is_mirrored(prepared: dict[str, Any]) -> None:
    """Whatever the search took it for."""
    for query, truth in (("same", False), ("mirrored", True)):
        for searched in (False, True):
            (pair,) = _verified(prepared, query, [_own(mirrored=searched)], WHOLE | ON_LABELS)
            assert pair.mirrored == truth and not pair.inverted
    (as_it_is,) = _verified(prepared, "same", [_own()], WHOLE | ON_LABELS)
    for name in ("aligned_ncc", "ssim", "surface_dice"):
        assert pair.scores[name] == pytest.approx(as_it_is.scores[name], abs=0.03)
    straight, flipped = (
        _verified(prepared, "mirrored", [_own(mirrored=state)], WHOLE, engine="simpleitk") for state in (False, True)
    )
    assert flipped[0].mirrored and flipped[0].scores["nmi"] > straight[0].scores["nmi"]


def test_an_inverted_copy_is_found_by_what_contrast_does_not_change(prepared: dict[str, Any]) -> None:
    assert prepared["similarity synthetic"].rows["inverted"].inverted
    copy, *strangers = _verified(
        prepared, "inverted", [_own(training=f"head-{i}") for i in range(3)], {"aligned_ncc", "nmi", "surface_dice"}
    )
    for name in ("aligned_ncc", "nmi", "surface_dice"):
        assert copy.scores[name] > max(other.scores[name] for other in strangers)
    # On voxels of 4 mm the rim that is left out is the whole of the bright skin.
    assert copy.scores["aligned_ncc"] > 0.75


@pytest.mark.parametrize("pose", ["similarity", "centre"])
def test_aligning_a_rotated_copy_beats_its_pose(prepared: dict[str, Any], pose: str) -> None:
    (one,) = _verified(prepared, "rotated", [_own()], {"aligned_ncc", "surface_dice"}, pose)
    posed = _posed(prepared, "rotated", pose)
    assert one.scores["aligned_ncc"] > posed
    assert one.scores["aligned_ncc"] > 0.95


def test_a_copied_half_is_named_in_the_query_s_own_left_and_right(prepared: dict[str, Any]) -> None:
    whole = _posed(prepared, "half")
    (one,) = _verified(prepared, "half", [_own(half=Half(LEFT, False))], {"half_ncc"})
    (other,) = _verified(prepared, "half", [_own(half=Half(RIGHT, False))], {"half_ncc"})
    assert one.part == "left"
    assert one.scores["half_ncc"] > 0.88
    assert one.scores["half_ncc"] > max(other.scores["half_ncc"], whole)
    mirrored = [_own(half=Half(LEFT, True))]
    (flipped,) = _verified(prepared, "mirrored", mirrored, {"half_ncc"})
    assert flipped.part == "right"
    assert flipped.scores["half_ncc"] > 0.95
    (upper,) = _verified(prepared, "mirrored", [_own(half=Half(HALVES.index("upper"), True))], {"half_ncc"})
    assert upper.part == "upper"


def test_a_bent_copy_is_compared_unbent_and_told_bent(prepared: dict[str, Any]) -> None:
    wanted = ON_LABELS | WHOLE | CHANGES | {"half_ncc"}
    candidates = [_own(half=Half(LEFT, False))]
    (linear,) = _verified(prepared, "bent", candidates, wanted, changes=True)
    (one,) = _verified(prepared, "bent", candidates, wanted, changes=True, deformable=True)
    for name in ("aligned_ncc", "nmi", "ssim", "ms_ssim", "psnr", "surface_dice"):
        assert one.scores[name] > linear.scores[name], name
    assert one.scores["tile_rmse"] < linear.scores["tile_rmse"]
    # What the deformation would take away is measured without it, and so are halves.
    assert linear.change == one.change
    for name in ("bend", "lesion", "half_ncc"):
        assert one.scores[name] == linear.scores[name]
    assert one.alignment == linear.alignment
    assert linear.scores["bend"] > 1
    assert [one] == _verified(prepared, "bent", candidates, wanted, changes=True, deformable=True)


def test_a_deformation_does_not_blend_labels(prepared: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    surfaces_of = verifying.surfaces_of

    def spy(labels: np.ndarray, *rest: Any) -> Any:
        seen.append(np.unique(labels).tolist())
        return surfaces_of(labels * 1, *rest)

    training: PreparedCohort = prepared["similarity training"]
    maps = training.labels(["head-0"])
    monkeypatch.setattr(PreparedCohort, "labels", lambda *_: np.where(maps == 2, 7, 0).astype(np.uint16))
    monkeypatch.setattr(verifying, "surfaces_of", spy)
    _verified(prepared, "bent", [_own()], {"surface_dice"}, deformable=True)
    assert seen == [[0, 7], [0, 7]]  # a blend would make 1 to 6


def test_with_the_body_alone_noise_around_it_does_not_count(tmp_path: Path) -> None:
    own, labels = phantom.head(0)
    random = np.random.default_rng(0)
    outside = ~ndimage.binary_dilation(labels > 0, iterations=4)
    values = own + np.where(labels > 0, random.normal(0, 10, own.shape), 0).astype(np.float32)
    noisy = values + np.where(outside, random.uniform(0, 180, values.shape), 0)
    bed = values.copy()
    bed[6:34, 46:, 6:38] = 700
    for seed in range(3):
        _put(tmp_path / "training", f"head-{seed}", *phantom.head(seed))
    for name, image in (("plain", values), ("noisy", noisy), ("bed", bed)):
        _put(tmp_path / "synthetic", name, image, labels)
    measures = {"aligned_ncc", "psnr", "ms_ssim", "nmi"}
    found = {}
    for masked in (False, True):
        how = Preparation(GRID, "mr", pose="rigid", partial=False, foreground=masked)
        files = {name: find_volumes(tmp_path / name)[0] for name in ("training", "synthetic")}
        reference = study_reference(files["training"], how, tmp_path / "c")
        training, synthetic = (
            prepare_cohort(name, files[name], {}, how, reference, tmp_path / "c")[0] for name in files
        )
        for name in synthetic.names:
            task = Task(synthetic, name, training, [_own()], measures, [], {}, "rigid", 4.0, False)
            found[masked, name] = verify(task)[0].scores
    for name in ("noisy", "bed"):
        for measure, tolerance in (("aligned_ncc", 0.002), ("ms_ssim", 0.002), ("psnr", 2.0), ("nmi", 0.02)):
            assert found[True, name][measure] == pytest.approx(found[True, "plain"][measure], abs=tolerance), measure
        assert found[False, name]["aligned_ncc"] < found[False, "plain"]["aligned_ncc"] - 0.005
        assert found[False, name]["psnr"] < found[False, "plain"]["psnr"] - 3


def test_without_segmentations_labels_are_left_out(prepared: dict[str, Any], tmp_path: Path) -> None:
    how = Preparation(GRID, "mr", pose="centre")
    phantom.write(tmp_path / "v", "same", phantom.head(0)[0])
    bare, _ = prepare_cohort("synthetic", find_volumes(tmp_path / "v")[0], {}, how, None, tmp_path / "c")
    task = Task(bare, "same", prepared["centre training"], [_own()], ON_LABELS | {"nmi"}, [1, 2], {}, "rigid", 2, False)
    assert set(verify(task)[0].scores) == {"nmi"}


def test_the_same_whoever_does_the_work(prepared: dict[str, Any], tmp_path: Path) -> None:
    training, synthetic = prepared["similarity training"], prepared["similarity synthetic"]
    patients = {(cohort.cohort, name): name for cohort in (training, synthetic) for name in cohort.names}
    measures = choose_measures(["ncc", "mse", "half", "nmi", "half_ncc", "dice", "surface_dice", "bend"])
    found = []
    for count, remote in ((1, False), (3, False), (2, True)):
        with ThreadPoolExecutor(count) as pool:
            found.append(
                match_cohorts(
                    Cohorts(training, [synthetic], patients, prepared["similarity layout"]),
                    measures,
                    [],
                    EmbeddingCache(tmp_path / "embeddings.sqlite"),
                    "key",
                    Depth(top=3, verify=1),
                    force=Workforce(pool, count, remote),
                )
            )
    first = found[0]
    assert len(first.pairs) >= 3 * len(synthetic)
    for other in found[1:]:
        assert other.sides == first.sides
        for one, two in zip(first.nearest, other.nearest, strict=True):
            assert (one.query, one.measure, one.training) == (two.query, two.measure, two.training)
            assert one.score == pytest.approx(two.score, rel=0, abs=1e-12)
        for a, b in zip(first.pairs, other.pairs, strict=True):
            assert (a.query, a.training, a.mirrored, a.part, a.level_ranks) == (
                b.query, b.training, b.mirrored, b.part, b.level_ranks,
            )  # fmt: skip
            assert a.alignment == b.alignment
            assert a.scores.keys() == b.scores.keys()
            for name, score in a.scores.items():
                assert b.scores[name] == pytest.approx(score, rel=0, abs=1e-12, nan_ok=True), name
