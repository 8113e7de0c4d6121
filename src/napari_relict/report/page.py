"""Writes report.html."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from napari_relict import __version__
from napari_relict.calibration.verdicts import VERDICTS
from napari_relict.errors import DataError, disk_faults
from napari_relict.report.pictures import match_figure, png
from napari_relict.report.plots import score_distributions
from napari_relict.study import Study

MOST_PICTURES = 12
LIBRARIES = ("numpy", "scipy", "SimpleITK", "scikit-image", "scikit-learn", "torch", "monai", "napari")


def write_report(study: Study) -> Path:
    """Write `report.html` into the study's folder: one file, no links to anything outside it.

    Raises
    ------
    DataError : nothing was matched yet, or the file cannot be written.
    """
    if study.matches().empty:
        raise DataError(study.folder, "has no matches yet", "run: napari-relict match")
    page = _template().render(**_content(study))
    path = study.folder / "report.html"
    unfinished = path.with_suffix(".part")
    try:
        with disk_faults(path):
            unfinished.write_text(page, encoding="utf-8")
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _content(study: Study) -> dict[str, Any]:
    verdicts, matches = study.verdicts(), study.matches()
    measures = study.measures()
    order = {name: place for place, name in enumerate(VERDICTS)}
    verdicts = verdicts.sort_values(
        ["verdict", "q_value", "synthetic"],
        key=lambda column: column.map(order) if column.name == "verdict" else column,
    )
    rows = verdicts.merge(matches, on=["synthetic", "training"], how="left").to_dict("records")
    pictured = [row for row in rows if row["verdict"] != VERDICTS[-1]][:MOST_PICTURES] or rows[:3]
    pictures = []
    for row in pictured:
        try:
            data = base64.b64encode(png(match_figure(study, row["synthetic"], row["training"]))).decode()
        except DataError:  # no longer matched, or the cache was deleted: the numbers still stand
            continue
        pictures.append({**row, "data": data})
    volumes = study.volumes()
    null = study.null("ncc")
    ratings, fused = study.standing_ratings(), study.fusion()
    return {
        "study": study,
        "settings": study.settings,
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": __version__,
        "libraries": [(name, _installed(name)) for name in LIBRARIES],
        "meta": study.meta(),
        "measures": measures,
        "rows": rows,
        "counts": {name: int((verdicts["verdict"] == name).sum()) for name in VERDICTS},
        "pictures": pictures,
        "cohorts": [
            {
                "name": cohort,
                "volumes": len(mine),
                "patients": mine["patient"].nunique(),
                "segmented": int(mine["has_labels"].sum()),
            }
            for cohort, mine in volumes.groupby("cohort", sort=False)
        ],
        "duplicates": study.duplicates().to_dict("records"),
        "problems": study.recorded_problems().to_dict("records"),
        "null": null,
        "resolution": null.resolution,
        "thresholds": study.thresholds().to_dict("records"),
        "best": study.best_measure(),
        "fusion": fused,
        "bins": fused.bins.to_dict("records"),
        "copies": study.copies(),
        "n_ratings": len(ratings),
        "readers": sorted(ratings["reader"].unique()),
        "agreement": study.agreement().to_dict("records"),
        "distributions": score_distributions(study),
    }


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("napari_relict.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    return environment.get_template("report.html.j2")


def _number(value: Any, digits: int = 3) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return "–"
    if isinstance(value, float) and value != 0 and abs(value) < 10**-digits:
        return f"{value:.1e}"
    return f"{value:.{digits}f}"


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
