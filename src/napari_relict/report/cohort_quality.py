"""The section on the cohort's quality: what the last `Study.quality` left."""

from __future__ import annotations

from typing import Any

from napari_relict.experiments.quality import read_notes
from napari_relict.quality import FAMILIES
from napari_relict.study import Study


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
