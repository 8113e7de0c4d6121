"""Writes report.html."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from napari_relict.errors import DataError, disk_faults
from napari_relict.report.content import content
from napari_relict.study import Study


def write_report(study: Study, risk: float = 0.05) -> Path:
    """Write `report.html` into the study's folder: one file, no links to anything outside it.

    Parameters
    ----------
    study : Study
        The study.
    risk : float, default: 0.05
        Share of replicas among the volumes that are cleared; see `Study.release`.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    UsageError
        A risk that is not above 0 and below 1.
    DataError
        Nothing was matched yet, or the file cannot be written.
    """
    if study.matches().empty:
        raise DataError(study.folder, "has no matches yet", "run: napari-relict match")
    page = _template().render(**content(study, risk))
    path = study.folder / "report.html"
    unfinished = path.with_suffix(".part")
    try:
        with disk_faults(path):
            unfinished.write_text(page, encoding="utf-8")
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("napari_relict.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["figures"] = _figures
    environment.filters["sentence"] = _sentence
    return environment.get_template("report.html.j2")


def _number(value: Any, digits: int = 3) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return "–"
    if isinstance(value, float) and value != 0 and abs(value) < 10**-digits:
        return f"{value:.1e}"
    return f"{value:.{digits}f}"


def _figures(value: Any) -> str:
    """Three significant digits."""
    return "–" if value is None or not np.isfinite(value) else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _sentence(text: str) -> str:
    """Turn a line into a sentence: a capital letter, a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
