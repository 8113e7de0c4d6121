"""What the page shows, taken from the study: names that the templates know."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import pandas as pd

from napari_relict.calibration.verdicts import REPLICAS, UNDECIDED, VERDICTS
from napari_relict.decisions.published_rules import judge_by_rules
from napari_relict.errors import DataError
from napari_relict.experiments.quality import read_notes
from napari_relict.measures import LEVELS, Measure
from napari_relict.measures.registry import deciders
from napari_relict.quality import FAMILIES
from napari_relict.records.provenance import provenance
from napari_relict.report.answer import answer, fewest_to_call
from napari_relict.report.features import feature_strip
from napari_relict.report.pictures import pair_figure, webp
from napari_relict.report.plots import roc_curves, score_distributions
from napari_relict.report.views import view_of
from napari_relict.study import Study
from napari_relict.version import __version__

MOST_PICTURES, MOST_COLUMNS = 12, 12
LIBRARIES = ("numpy", "scipy", "SimpleITK", "scikit-image", "scikit-learn", "torch", "monai", "napari")
# Paths say who keeps the data, and where.
NOT_SHOWN = ("name", "cohorts", "patients", "encoders", "reading")


def content(study: Study, risk: float) -> dict[str, Any]:
    """Gather everything that the templates need.

    Parameters
    ----------
    study : Study
        The study.
    risk : float
        Share of replicas among the volumes that are cleared; see `Study.release`.

    Returns
    -------
    dict of str to object
        By the names that the templates know.
    """
    matches, measures = study.matches(), study.measures()
    verdicts, rows = _rows(study, matches)
    null, ratings, fused = study.null(deciders(measures)[0].name), study.standing_ratings(), study.fusion()
    release = study.release(risk)
    rated = int(release.withhold["rated"].sum() + release.cleared["rated"].sum())
    rules = judge_by_rules(study).to_dict("records")
    pictures = _pictures(study, rows)
    return {
        "settings": study.settings,
        "listed": _listed(study),
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": __version__,
        "libraries": [(name, _installed(name)) for name in LIBRARIES],
        "meta": study.meta(),
        "hashes": provenance(study),
        "answer": answer(
            verdicts,
            release,
            risk,
            null,
            study.settings.alpha,
            rated,
            tail=study.settings.verdicts.tail == "predictive",
            cautions=study.cautions(),
        ),
        "between_people": study.bend_between_people(),
        "errors": study.expected_errors(),
        "measures": measures,
        "deciding": deciders(measures),
        "score_tables": _score_tables(measures),
        "rows": rows,
        "counts": {name: int((verdicts["verdict"] == name).sum()) for name in VERDICTS},
        "pictures": pictures,
        "quality": cohort_quality(study),
        "none_called": not verdicts["verdict"].isin(REPLICAS).any(),
        "cohorts": _cohorts(study),
        "duplicates": study.duplicates().to_dict("records"),
        "problems": study.recorded_problems().to_dict("records"),
        "null": null,
        "fewest": fewest_to_call(len(rows), null, study.settings.alpha),
        "thresholds": study.thresholds().to_dict("records"),
        "best": study.best_measure(),
        "fusion": fused,
        "bins": fused.bins.to_dict("records"),
        "copies": study.copies(),
        "patients_copied": study.patients_copied(),
        "sources": int(verdicts.loc[verdicts["verdict"].isin(REPLICAS), "training"].nunique()),
        "rules": [row for row in rules if row["estimated_on"]],
        "not_applied": [row for row in rules if not row["estimated_on"]],
        "release": release,
        "risk": risk,
        "n_ratings": len(ratings),
        "readers": sorted(ratings["reader"].unique()),
        "agreement": study.agreement().to_dict("records"),
        "distributions": score_distributions(study),
        "roc": roc_curves(study),
    }


def _rows(study: Study, matches: pd.DataFrame) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Verdicts, what is undecided first, and with the scores of their pairs as rows."""
    verdicts = study.verdicts()
    rows = verdicts.merge(matches, on=["synthetic", "training"], how="left").to_dict("records")
    return verdicts, [{str(key): value for key, value in row.items()} for row in rows]


def _pictures(study: Study, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Draw what is undecided and the replicas, or the nearest three where there is neither."""
    most, shown = study.most_conspicuous(), []
    encoder = next((measure.name for measure in study.measures() if measure.level == "feature"), None)
    undecided = [row for row in rows if row["verdict"] == UNDECIDED][: MOST_PICTURES // 2]
    chosen = [*undecided, *(row for row in rows if row["verdict"] in REPLICAS)][:MOST_PICTURES]
    for row in chosen or rows[:3]:
        synthetic = str(row["synthetic"])
        try:
            view = view_of(study, synthetic, str(row["training"]), most.get(synthetic))
        except DataError:  # no longer matched, or the cache was deleted: the numbers still stand
            continue
        strip = None if encoder is None else feature_strip(study, synthetic, float(row[encoder]))
        data = base64.b64encode(webp(pair_figure(view, strip))).decode()
        shown.append({**row, "data": data, "lies": view.lies, "about": view.about, "strip": strip})
    return shown


def _score_tables(measures: list[Measure]) -> list[tuple[str, list[Measure]]]:
    """Measures by level, as many levels together as fit across a page."""
    tables: list[tuple[str, list[Measure]]] = []
    for level in LEVELS:
        of_level = [measure for measure in measures if measure.level == level]
        if tables and of_level and len(tables[-1][1]) + len(of_level) <= MOST_COLUMNS:
            tables[-1] = (f"{tables[-1][0]} and {level}", tables[-1][1] + of_level)
        elif of_level:
            tables.append((level, of_level))
    return tables


def _cohorts(study: Study) -> list[dict[str, Any]]:
    return [
        {
            "name": cohort,
            "volumes": len(volumes),
            "patients": volumes["patient"].nunique(),
            "segmented": int(volumes["has_labels"].sum()),
        }
        for cohort, volumes in study.volumes().groupby("cohort", sort=False)
    ]


def _listed(study: Study) -> list[tuple[str, list[tuple[str, str]]]]:
    """List the settings, table by table, without paths and names of readers."""
    tables = study.settings.model_dump(mode="json", exclude=set(NOT_SHOWN))
    alone = [(key, value) for key, value in tables.items() if not isinstance(value, dict)]
    listed = [("study", [(key, _written(value)) for key, value in alone])]
    listed += [
        (key, [(setting, _written(other)) for setting, other in value.items()])
        for key, value in tables.items()
        if isinstance(value, dict) and value
    ]
    return listed


def _written(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def cohort_quality(study: Study) -> dict[str, Any] | None:
    """Gather what the last `Study.quality` left, by family, with the sizes it was computed at.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    dict of str to object or None
        What the template needs; None where nothing was computed.
    """
    table = study.quality_table()
    if table.empty:
        return None
    rows = [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    families = [(family, [row for row in rows if row["family"] == family]) for family in FAMILIES]
    return {
        "families": [(family, members) for family, members in families if members],
        "notes": read_notes(study.folder),
        **{cohort: int(table[f"n_{cohort}"].max()) for cohort in ("synthetic", "training", "holdout")},
    }
