"""One run of `match`: files -> prepared cohorts -> nearest training volumes -> the database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from napari_relict.calibration.null import location_and_scale
from napari_relict.encoders import EmbeddingCache, Encoder, check_device, open_encoder
from napari_relict.errors import DataError
from napari_relict.jobs.executors import Workforce, workforce
from napari_relict.jobs.progress import Progress, silent
from napari_relict.matching import (
    Cohorts,
    Depth,
    Duplicate,
    MatchResult,
    PairScores,
    PartCache,
    VerifiedCache,
    find_duplicates,
    match_cohorts,
)
from napari_relict.matching.registered_search import MOST
from napari_relict.measures import Measure, choose_measures
from napari_relict.measures.registry import computed, deciders
from napari_relict.records.database import Database
from napari_relict.records.settings import COHORTS, Settings
from napari_relict.study.pipeline.cohorts import CohortFiles, list_cohort, patients_of
from napari_relict.study.pipeline.geometry import training_norm
from napari_relict.study.pipeline.null_cohorts import learned_from, null_cohorts
from napari_relict.version import __version__
from napari_relict.volumes.cohort import PreparedCohort
from napari_relict.volumes.halves import HalfLayout, half_layout
from napari_relict.volumes.preparing import prepare_cohort, study_reference

# Without these nobody can say whether a copy is exact: they go with whatever was asked for.
VERDICT_MEASURES = ("nmi", "bend", "lesion")


def run_match(
    folder: Path,
    settings: Settings,
    database: Database,
    *,
    measures: Sequence[str],
    top: int,
    device: str,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> list[DataError]:
    """Prepare what is missing, compare everything, and replace the stored matches in one transaction.

    Parameters
    ----------
    scheduler : address of a Dask scheduler whose workers prepare, look for duplicates, search and
        verify; None: this machine's threads.

    Returns
    -------
    One error for each file that was left out; the rest was matched.
    """
    chosen = choose_measures([*measures, *VERDICT_MEASURES], settings.encoder_titles)
    encoders, problems = _open_encoders(chosen, folder, settings, device)
    with workforce(scheduler) as force:
        prepared, patients, more, key, layout = prepare_study(folder, settings, progress, force)
        return _compare(
            folder, settings, database, measures, chosen, encoders, prepared, patients, problems + more, key, layout,
            force, device, top, progress,
        )  # fmt: skip


def _compare(
    folder: Path,
    settings: Settings,
    database: Database,
    measures: Sequence[str],
    chosen: Sequence[Measure],
    encoders: Sequence[Encoder],
    prepared: dict[str, PreparedCohort],
    patients: dict[tuple[str, str], str],
    problems: list[DataError],
    key: str,
    layout: HalfLayout | None,
    force: Workforce,
    device: str,
    top: int,
    progress: Progress,
) -> list[DataError]:
    training, synthetic = prepared["training"], prepared["synthetic"]
    problems += _missing_segmentations(measures, settings, prepared)
    chosen = [m for m in chosen if m.level != "feature" or m.name in {encoder.name for encoder in encoders}]
    if not training.with_labels() or not synthetic.with_labels():
        chosen = [measure for measure in chosen if measure.level != "segmentation"]
    parts = PartCache(folder / "volumes" / "search", key)
    duplicates = find_duplicates(
        training,
        [prepared["holdout"]] if "holdout" in prepared else [],
        patients,
        settings.match.duplicate_ncc,
        device=device,
        force=force,
        parts=parts,
        progress=progress,
    )
    null = null_cohorts(prepared, patients, duplicates, settings.match.left_out)
    same_person = [(d.volume, d.training) for d in duplicates if d.cohort == "training"]
    cohorts = Cohorts(training, [synthetic, *null], patients, layout, same_person)
    chosen = computed(
        chosen,
        aligned=settings.match.verify > 0,
        halves=layout is not None,
        keypoints=cohorts.have_keypoints,
        registered=len(training) <= MOST,
    )
    result = match_cohorts(
        cohorts,
        chosen,
        encoders,
        EmbeddingCache(folder / "volumes" / "embeddings.sqlite"),
        key,
        Depth(
            top,
            settings.match.verify,
            settings.match.alignment,
            settings.match.tolerance_mm,
            settings.match.deformable,
            settings.match.engine,
        ),
        verified=VerifiedCache(folder / "volumes" / "verified.sqlite", key),
        parts=parts,
        device=device,
        force=force,
        progress=progress,
    )
    known = learned_from(encoders, null)
    _store(database, prepared, patients, problems, duplicates, result, chosen, null, top, known)
    parts.clear()
    return problems


def prepare_study(
    folder: Path, settings: Settings, progress: Progress = silent, force: Workforce | None = None
) -> tuple[dict[str, PreparedCohort], dict[tuple[str, str], str], list[DataError], str, HalfLayout | None]:
    """All cohorts on the common grid, the patient of each volume, what had to be left out, the key of how, and the
    layout of the halves."""
    preparation = settings.preparation_of_volumes()
    problems: list[DataError] = []
    files: dict[str, CohortFiles] = {}
    for cohort in COHORTS:
        if cohort in settings.cohorts:
            files[cohort], more = list_cohort(folder, cohort, settings.cohorts[cohort])
            problems += more
    cache = folder / "volumes"
    reference = study_reference(files["training"].volumes, preparation, cache, progress)
    norm = training_norm(files["training"].volumes, cache, progress) if preparation.geometry == "evidence" else None
    prepared: dict[str, PreparedCohort] = {}
    for cohort, found in files.items():
        prepared[cohort], more = prepare_cohort(
            cohort, found.volumes, found.segmentations, preparation, reference, cache, progress, force, norm
        )
        problems += more
    table = folder / settings.patients if settings.patients else None
    patients, more = patients_of({name: cohort.names for name, cohort in prepared.items()}, table)
    posed_halves = reference is not None and all(
        row.halves for cohort in prepared.values() for row in cohort.rows.values()
    )
    layout = half_layout(reference) if reference is not None and posed_halves else None
    return prepared, patients, problems + more, preparation.key(reference), layout


def _open_encoders(
    measures: Sequence[Measure], folder: Path, settings: Settings, device: str
) -> tuple[list[Encoder], list[DataError]]:
    """The encoders asked for; one whose weights cannot be had is said and left out, the other levels go on."""
    check_device(device)
    encoders: list[Encoder] = []
    problems = []
    for name in (measure.name for measure in measures if measure.level == "feature"):
        try:
            table = settings.encoders.get(name, {})
            encoders.append(open_encoder(name, table, device, folder=folder, ct_window=settings.hounsfield))
        except DataError as problem:
            problems.append(problem)
    return encoders, problems


def _missing_segmentations(
    asked: Sequence[str], settings: Settings, prepared: Mapping[str, PreparedCohort]
) -> list[DataError]:
    """What keeps the segmentation level from being compared, when some of it was given or asked for by name."""
    wanted = {
        measure.name for measure in choose_measures(asked, settings.encoder_titles) if measure.level == "segmentation"
    }
    by_name = wanted and tuple(asked) != settings.match.measures
    without = [name for name, cohort in prepared.items() if not cohort.with_labels()]
    if not wanted or not without or (len(without) == len(prepared) and not by_name):
        return []
    return [
        DataError(
            ", ".join(without),
            "no segmentations, so the segmentation level "
            + ("has no null" if without == ["holdout"] else "is left out"),
            f"give them under [cohorts.{without[0]}] in study.toml",
        )
    ]


def order_pairs(
    pairs: Sequence[PairScores], measures: Sequence[Measure], null: dict[str, np.ndarray], top: int
) -> list[PairScores]:
    """The `top` pairs of one synthetic volume, nearest first.

    Pairs are ordered by how far their most conspicuous level lies beyond what volumes of the null reach (robust
    z of each deciding measure). The nearest of every level is among them, as far as `top` allows.
    """

    def conspicuous(pair: PairScores) -> float:
        z = []
        for measure in deciders(measures):
            centre, scale = location_and_scale(measure.weight(null.get(measure.name, np.empty(0))))
            score = pair.scores.get(measure.name, np.nan)
            # Beyond some tens of standard deviations nothing is more conspicuous than anything else.
            z.append(np.arcsinh((float(measure.weight(np.array(score))) - centre) / scale))
        known = [value for value in z if np.isfinite(value)]
        return max(known, default=-np.inf)

    ordered = sorted(pairs, key=conspicuous, reverse=True)
    firsts = [pair for pair in ordered if 1 in pair.level_ranks.values()][:top]
    others = [pair for pair in ordered if pair not in firsts][: top - len(firsts)]
    return [pair for pair in ordered if pair in firsts or pair in others]


def _store(
    database: Database,
    prepared: dict[str, PreparedCohort],
    patients: dict[tuple[str, str], str],
    problems: Sequence[DataError],
    duplicates: Sequence[Duplicate],
    result: MatchResult,
    measures: Sequence[Measure],
    null: Sequence[PreparedCohort],
    top: int,
    known: Sequence[tuple[str, str]],
) -> None:
    reached = {
        measure.name: np.array(
            [n.score for n in result.nearest if n.cohort != "synthetic" and n.measure == measure.name]
        )
        for measure in measures
    }
    fingerprint = hashlib.sha256()
    with database.connect() as connection:
        for table in ("volume", "problem", "duplicate", "match", "nearest", "threshold", "verdict"):
            connection.execute(f"DELETE FROM {table}")
        connection.executemany(
            "INSERT INTO volume VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (cohort, name, patients[(cohort, name)], row.path, row.content, row.voxels, row.has_labels)
                for cohort, volumes in prepared.items()
                for name, row in volumes.rows.items()
            ],
        )
        connection.executemany(
            "INSERT INTO problem VALUES (?, ?, ?)", [(p.subject, p.wrong, p.remedy) for p in problems]
        )
        connection.executemany(
            "INSERT INTO duplicate VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(d.cohort, d.volume, d.training, d.ncc, d.mirrored, d.same_voxels, d.same_patient) for d in duplicates],
        )
        pairs: dict[str, list[PairScores]] = {name: [] for name in prepared["synthetic"].names}
        for pair in result.pairs:
            if pair.cohort == "synthetic":
                pairs[pair.query].append(pair)
        for synthetic, mine in pairs.items():
            for rank, pair in enumerate(order_pairs(mine, measures, reached, top), start=1):
                key = (synthetic, pair.training)
                fingerprint.update(repr((key, rank, sorted(pair.scores.items()))).encode())
                connection.execute(
                    "INSERT INTO match VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*key, rank, pair.mirrored, pair.inverted, pair.part, json.dumps(pair.alignment)),
                )
                if pair.region is not None:
                    connection.execute(
                        "INSERT INTO region VALUES (?, ?, ?, ?, ?, ?)",
                        (*key, *pair.region.centre, pair.region.radius_mm),
                    )
                connection.executemany(
                    "INSERT INTO level_rank VALUES (?, ?, ?, ?)",
                    [(*key, level, place) for level, place in pair.level_ranks.items()],
                )
                connection.executemany(
                    "INSERT INTO score VALUES (?, ?, ?, ?)",
                    [(*key, name, _null_if_nan(value)) for name, value in pair.scores.items()],
                )
                connection.executemany(
                    "INSERT INTO label_dice VALUES (?, ?, ?, ?)",
                    [(*key, label, dice) for label, dice in pair.label_dice.items()],
                )
        connection.executemany(
            "INSERT INTO nearest VALUES (?, ?, ?, ?, ?, ?)",
            [
                (n.cohort, n.query, n.measure, n.training, _null_if_nan(n.score), _null_if_nan(n.second))
                for n in result.nearest
            ],
        )
        meta = {
            "matched": datetime.now(UTC).isoformat(timespec="seconds"),
            "app_version": __version__,
            "measures": ",".join(measure.name for measure in measures),
            "null_cohorts": ",".join(cohort.cohort for cohort in null),
            "top": str(top),
            "scores_hash": fingerprint.hexdigest(),
            "sides": json.dumps(result.sides),
            "learned_from": json.dumps(list(known)),
        }
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(meta.items()))


def _null_if_nan(value: float) -> float | None:
    return value if np.isfinite(value) else None
