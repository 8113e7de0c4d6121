"""The nearest embeddings are those of float64, whatever made the first guess."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import naive
from napari_relict.matching import nearest
from napari_relict.matching.nearest import Vectors
from napari_relict.matching.pairwise_ncc import Kind

every_kind = pytest.mark.parametrize("kind", ["float32", "bfloat16"])
ROUNDING = 1e-13  # of sums of nine products of up to 4
values = st.floats(-2, 2, width=32) | st.sampled_from([0.0, 1.0, -1.0])


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Rows and queries; some rows stand twice, some are zero."""
    rows = draw(hnp.arrays(np.float32, (draw(st.integers(1, 12)), draw(st.integers(1, 9))), elements=values))
    rows = np.concatenate([rows, rows[::-1], np.zeros_like(rows[:1])])
    return rows, draw(hnp.arrays(np.float32, (2, rows.shape[1]), elements=values))


@every_kind
@settings(deadline=None, max_examples=50)
@given(table=tables(), top=st.integers(1, 5))
def test_nearest_rows(table: tuple[np.ndarray, np.ndarray], top: int, kind: Kind) -> None:
    rows, queries = table
    places, scores = Vectors(rows, kind).nearest(queries, top)
    for query, found, products in zip(queries, places, scores, strict=True):
        exact = rows.astype(np.float64) @ query.astype(np.float64)
        wanted = naive.nearest_patients(exact, np.arange(len(rows)), np.ones(len(rows), bool), top)
        # Rows whose products differ by rounding alone may stand in either order; of equal rows the first comes first.
        assert len(set(found.tolist())) == len(wanted)
        np.testing.assert_allclose(exact[found], exact[wanted], rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(products, exact[found], rtol=0, atol=ROUNDING)
        for number, place in enumerate(found):
            before = [other for other in range(place) if (rows[other] == rows[place]).all()]
            assert set(before) <= set(found[:number].tolist())


@every_kind
def test_many_rows_of_equal_product_need_room(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest, "ROOM", 128)
    monkeypatch.setattr(nearest, "ROWS", 300)
    random = np.random.default_rng(0)
    rows = random.standard_normal((3000, 16)).astype(np.float32)
    rows[500:2000] = rows[7]
    queries = np.stack([rows[7], random.standard_normal(16).astype(np.float32)])
    places, scores = Vectors(rows, kind).nearest(queries, 20)
    assert places[0].tolist() == [7, *range(500, 519)]
    exact = rows.astype(np.float64) @ queries[1].astype(np.float64)
    assert places[1].tolist() == np.argsort(-exact, kind="stable")[:20].tolist()
    np.testing.assert_allclose(scores[1], exact[places[1]])
