"""Rows of a table, for those who know its columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd


def rows_of(table: pd.DataFrame) -> Iterator[Any]:
    """Each row with its columns as attributes; what is in them only the table's maker knows."""
    yield from table.itertuples()
