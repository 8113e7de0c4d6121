"""All pairs at once, in any precision, agree with float64 pair by pair, within bounds that hold; order is certain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import naive
from napari_relict.errors import DataError, UsageError
from napari_relict.matching import mirror_decomposition, pairwise_ncc, tables
from napari_relict.matching.exact_top_k import ExactScores, settle
from napari_relict.matching.mirror_decomposition import Layout, shared_of
from napari_relict.matching.pairwise_ncc import Comparison, Kind, choose_kind
from napari_relict.matching.tables import compare_all, queries_at_once, score_block
from napari_relict.measures import choose_measures
from napari_relict.volumes import Grid, PreparedCohort
from napari_relict.volumes.cohort import CohortWriter, Row, searched_image

KINDS: tuple[Kind, ...] = ("float32", "bfloat16", "cuda")
every_kind = pytest.mark.parametrize("kind", KINDS)
SETTINGS = settings(deadline=None, max_examples=40)


@pytest.fixture(autouse=True)
def _cuda_is_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product for a graphics processor, made on the CPU."""
    real = pairwise_ncc.backend
    monkeypatch.setattr(pairwise_ncc, "backend", lambda kind, device: real(kind, "cpu"))


@dataclass
class InMemory:
    """As much of a prepared cohort as the search asks for."""

    volumes: np.ndarray
    cohort: str = "training"

    def __post_init__(self) -> None:
        self.names = [f"{self.cohort}-{i}" for i in range(len(self.volumes))]
        self.images = dict(zip(self.names, self.volumes, strict=True))
        self.grid = Grid(self.volumes.shape[1:], (1.0, 1.0, 1.0))
        self.rows = {}
        for name, volume in self.images.items():
            values = volume.astype(np.float64)
            spread = float(((values - values.mean()) ** 2).sum())
            self.rows[name] = a_row(name, total=float(values.sum()), spread=spread)

    def __len__(self) -> int:
        return len(self.names)

    def read(self, name: str, out: np.ndarray, *, searched: bool) -> None:
        out[:] = self.images[name]


def a_row(name: str, *, inverted: bool = False, has_labels: bool = False, **more: Any) -> Row:
    labels = [1, 2] if has_labels else []
    return Row(-1, name, "", name, name, has_labels, labels, (0.0, 1.0), [], inverted, [], [], [], "", **more)


def on_disk(folder: Path, cohort: str, volumes: np.ndarray, **more: Any) -> PreparedCohort:
    grid = Grid(volumes.shape[1:], (4.0, 4.0, 4.0))
    writer = CohortWriter(folder, grid, "key")
    for i, volume in enumerate(volumes):
        writer.add(a_row(f"{cohort}-{i}", **more), volume, None)
    return PreparedCohort(folder, cohort, writer.rows, grid, "")


def compared(queries: Any, training: Any, kind: Kind) -> Iterator[tuple[int, int, Comparison, tuple[int, int]]]:
    """Every pair, with where it stands in its block's comparison."""
    for here, _, found in compare_all(queries, queries.names, training, kind=kind):
        for i in range(len(queries.names)):
            for j in range(here.stop - here.start):
                yield i, here.start + j, found, (i, j)


shapes = st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9))
halves = st.integers(0, 2048).map(lambda value: np.float16(value / 2048)) | st.floats(0, 1, width=16)


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[InMemory, InMemory]:
    """Random, constant, tiny and anisotropic volumes, some of them twice or mirrored."""
    shape = draw(shapes)
    training = list(draw(hnp.arrays(np.float16, (draw(st.integers(1, 4)), *shape), elements=halves)))
    training += [np.full(shape, draw(halves), np.float16), training[0], training[0][..., ::-1]]
    queries = [*draw(hnp.arrays(np.float16, (2, *shape), elements=halves)), training[0], training[-3]]
    return InMemory(np.stack(queries), "synthetic"), InMemory(np.stack(training))


@every_kind
@SETTINGS
@given(pair=cohorts())
def test_every_pair_is_within_its_bound_of_the_exact_score(pair: tuple[InMemory, InMemory], kind: Kind) -> None:
    queries, training = pair
    for i, j, found, at in compared(queries, training, kind):
        one, other = queries.volumes[i], training.volumes[j]
        straight, flipped = naive.ncc(one, other), naive.ncc(one[..., ::-1], other)
        ncc, mse, _ = naive.ncc_and_mse(one, other)
        bound = found.ncc_bound[at] + 1e-12
        assert abs(found.ncc[at] - ncc) <= bound
        assert abs(found.mse[at] - mse) <= found.mse_bound[at] + 1e-12
        if not found.doubtful[at] and abs(straight - flipped) > 1e-12:
            assert found.mirrored[at] == (flipped > straight)


@SETTINGS
@given(pair=cohorts())
def test_exact_scores_of_a_pair(pair: tuple[InMemory, InMemory]) -> None:
    queries, training = pair
    for i, name in enumerate(queries.names):
        exact = ExactScores(queries, name, training)  # type: ignore[arg-type]
        for j, other in enumerate(training.volumes):
            states = queries.volumes[i], queries.volumes[i][..., ::-1]
            np.testing.assert_allclose(exact.ncc(j), [naive.ncc(state, other) for state in states], atol=1e-12)
            np.testing.assert_allclose(exact.mse(j), [naive.mse(state, other) for state in states], atol=1e-12)


@every_kind
@SETTINGS
@given(pair=cohorts(), top=st.integers(1, 4), patients=st.integers(1, 5))
def test_settled_order_is_that_of_exact_scores(
    pair: tuple[InMemory, InMemory], kind: Kind, top: int, patients: int
) -> None:
    queries, training = pair
    owners = np.arange(len(training)) % patients
    allowed = owners != patients - 1
    rows = np.zeros((2, len(queries), len(training)))
    for i, j, found, at in compared(queries, training, kind):
        rows[:, i, j] = found.ncc[at], found.ncc_bound[at]
    for i, name in enumerate(queries.names):
        exact = ExactScores(queries, name, training)  # type: ignore[arg-type]
        settled = settle(rows[0, i], rows[1, i], owners, allowed, top, exact.ncc)
        brute = np.array([max(exact.ncc(j)) for j in range(len(training))])
        assert settled.order == naive.nearest_patients(brute, owners, allowed, top)
        assert set(settled.order) <= settled.exact.keys()
        for place, scores in settled.exact.items():
            assert scores == exact.ncc(place)


scores = hnp.arrays(np.float64, 8, elements=st.integers(0, 4).map(lambda value: value / 4))


@settings(deadline=None)
@given(scores, hnp.arrays(np.float64, 8, elements=st.floats(-1, 1)), st.floats(0, 1), st.integers(1, 8))
def test_settling_with_ties_and_bounds_that_are_just_kept(
    true: np.ndarray, error: np.ndarray, bound: float, top: int
) -> None:
    owners, allowed = np.arange(8) // 2, np.arange(8) != 3
    settled = settle(
        true + error * bound, np.full(8, bound), owners, allowed, top, lambda place: (true[place], true[place] - 1)
    )
    assert settled.order == naive.nearest_patients(true, owners, allowed, top)


def test_only_what_is_too_close_to_call_is_recomputed() -> None:
    closeness = np.linspace(0, 1, 101)
    settled = settle(
        closeness, np.full(101, 0.015), np.arange(101), np.ones(101, bool), 1, lambda i: (closeness[i],) * 2
    )
    assert settled.order == [100]
    assert sorted(settled.exact) == [99, 100]


def test_undefined_scores_are_never_near() -> None:
    settled = settle(np.array([np.nan, 0.5]), np.zeros(2), np.arange(2), np.ones(2, bool), 5, lambda _: (0.5, 0.1))
    assert settled.order == [1]


@every_kind
def test_volumes_of_many_tiles_and_blocks(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_decomposition, "TILE", 300)
    monkeypatch.setattr(pairwise_ncc, "TILE", 300)
    monkeypatch.setattr(tables, "BLOCK_ROWS", 3)
    rng = np.random.default_rng(0)
    base = rng.random((20, 22, 19))
    training = InMemory(np.stack([0.8 * base + 0.2 * rng.random(base.shape) for _ in range(8)]).astype(np.float16))
    queries = InMemory(training.volumes[[5, 2]][..., ::-1] * np.float16(0.5), "synthetic")
    assert len(Layout(training.grid.shape).empty(0, 1, "float32")) > 10
    best = {0: (-1.0, -1), 1: (-1.0, -1)}
    for i, j, found, at in compared(queries, training, kind):
        assert abs(found.ncc[at] - naive.ncc_and_mse(queries.volumes[i], training.volumes[j])[0]) <= found.ncc_bound[at]
        assert found.ncc_bound[at] < 0.01
        assert found.mirrored[at]
        best[i] = max(best[i], (float(found.ncc[at]), j))
    assert [best[0][1], best[1][1]] == [5, 2]


def test_bounds_of_bfloat16_are_narrow_where_volumes_have_much_in_common() -> None:
    rng = np.random.default_rng(0)
    base = np.cumsum(rng.random((24, 24, 24)), axis=1) / 48
    base = base + base[..., ::-1]
    training = InMemory((base + 0.05 * rng.random((12, *base.shape))).clip(0, 1).astype(np.float16))
    bounds = [found.ncc_bound[at] for *_, found, at in compared(training, training, "bfloat16")]
    assert max(bounds) < 5e-4
    assert shared_of(training).square > 0  # type: ignore[arg-type]


def test_kind_is_float32_where_that_is_done_at_once_and_never_a_device_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert choose_kind(4, 10, 1000) == "float32"
    monkeypatch.setattr(pairwise_ncc, "_bfloat16_is_faster", lambda rows: rows > 100)
    assert choose_kind(1000, 10_000, 2_000_000) == "bfloat16"
    assert choose_kind(50, 100_000, 2_000_000) == "float32"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError, match="no graphics processor"):
        choose_kind(4, 10, 1000, "cuda")


def test_what_is_not_added_up_in_float32_is_never_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = pairwise_ncc.backend

    def sloppy(kind: Kind, device: str) -> Any:
        multiply, place = real(kind, "cpu")
        if kind != "bfloat16":
            return multiply, place
        return lambda total, one, other: total.add_((one @ other.T) * 0.9), place

    monkeypatch.setattr(pairwise_ncc, "backend", sloppy)
    pairwise_ncc._bfloat16_is_faster.cache_clear()
    assert not pairwise_ncc._bfloat16_is_faster(8)
    pairwise_ncc._bfloat16_is_faster.cache_clear()


def test_torch_keeps_its_threads() -> None:
    import torch

    before = torch.get_num_threads()
    with pairwise_ncc.multipliers("bfloat16") as pool:
        assert pool.submit(torch.get_num_threads).result() == 1
    assert torch.get_num_threads() == before


def test_scores_of_a_block_on_disk_with_an_inverted_volume(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    base = np.zeros((12, 14, 16))
    base[2:-2, 2:-2, 2:-2] = 0.3
    volumes = (base + 0.4 * rng.random((3, *base.shape)) * (base > 0)).astype(np.float32)
    training = on_disk(tmp_path / "t", "training", volumes)
    queries = on_disk(tmp_path / "s", "synthetic", volumes[:1], inverted=True)
    found = score_block(queries, queries.names, training, choose_measures(["ncc", "mse"]), [], {})
    turned = searched_image(volumes[0], True, training.grid.spacing)
    for j, volume in enumerate(volumes):
        ncc, mse, mirrored = naive.ncc_and_mse(turned, volume.astype(np.float16))
        assert abs(found.columns["ncc"][0, j] - ncc) <= found.ncc_bound[0, j]
        assert abs(found.columns["mse"][0, j] - mse) <= found.mse_bound[0, j]
        assert found.mirrored[0, j] == mirrored
    some = score_block(queries, queries.names, training, choose_measures(["ncc"]), [], {}, others=training.names[1:])
    np.testing.assert_allclose(some.columns["ncc"], found.columns["ncc"][:, 1:], atol=1e-4)
    assert queries_at_once(training, 3) >= 1


def test_a_missing_chunk_stops_the_search_with_its_name(tmp_path: Path) -> None:
    cohort = on_disk(tmp_path / "t", "training", np.random.default_rng(0).random((3, 6, 7, 8), np.float32))
    (tmp_path / "t/image/c/1/0/0/0").unlink()
    with pytest.raises(DataError, match=r"training-1: .*damaged; delete the folder volumes and run match again"):
        score_block(cohort, cohort.names[:1], cohort, choose_measures(["ncc"]), [], {})
