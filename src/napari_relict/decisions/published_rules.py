"""Published rules, and our own, on what lies in a study: one row a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from napari_relict.calibration.rules import RULES, Evidence, Outcome, Rule
from napari_relict.decisions.deciding_scores import deciding_scores
from napari_relict.encoders.embeddings import stored_layers, stored_vectors
from napari_relict.errors import DataError, UsageError
from napari_relict.measures import Measure
from napari_relict.measures.registry import deciders
from napari_relict.records.database import Database
from napari_relict.records.reader import Stored

COLUMNS = ("rule", "title", "source", "called", "share", "low", "high", "estimated_on", "note", "caution")
# Whose cuts were published for a network: kinds of encoders trained here that stand in for it, the first one there is.
STAND_INS: Mapping[str, tuple[str, ...]] = {
    "deepssim": ("deepssim_2d", "deepssim"),
    "deepssim_plus": ("deepssim_2d", "deepssim"),
    "sscd": ("contrastive",),
}
NO_STAND_IN = "its authors' network is not part of napari-relict; train one like it: napari-relict train"
AS_THEY_LIE = "mirrored copies may be missed"
# Said by `called` and `share` already.
SAID_ALREADY = ("N_copies", "share of copies")


def judge_by_rules(study: Stored, *, cuts: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Apply every rule that the stored scores and embeddings allow; nothing is searched or encoded again.

    Features are the embeddings of the study's encoders, each a layer, of volumes as they lie: mirrored copies
    are not seen by rules on features. The memorization index takes the named layers of the first encoder that has
    several. Holdout volumes of a training patient, or with a training volume's voxels, are left out. Correlations of
    voxels are the NCC of posed volumes, the better of both mirror states. Cuts of DeepSSIM and SSCD are applied to
    encoders that were trained here (`STAND_INS`), where the study has one.

    Parameters
    ----------
    cuts : by rule, for rules to which no cut is published (`Rule.needs_cut`).

    Returns
    -------
    One row a rule, in the order of `RULES`: rule, title, source, called (volumes, missing where the rule calls none),
    share, low, high (95% Wilson interval), estimated_on, note (numbers of the whole set, or why it was not applied),
    caution (what to keep in mind of the rule).

    Raises
    ------
    DataError : nothing was matched yet. UsageError : a cut for a rule that takes none.
    """
    taking = [name for name, rule in RULES.items() if rule.needs_cut]
    if unknown := sorted(set(cuts or {}) - set(taking)):
        raise UsageError(f"no rule '{unknown[0]}' that takes a cut; there are {', '.join(taking)}")
    measures = study.measures()
    if not measures:
        raise DataError(study.folder, "has no matches yet", "run: napari-relict match")
    evidence, said = evidence_of(study, measures, cuts or {})
    rows = [_row(rule, evidence, said) for rule in RULES.values()]
    for row in rows:
        rule = RULES[str(row["rule"])]
        if rule.of_layers and row["estimated_on"]:
            row["note"] = f"{row['note']}; features: {said['layers']}"
        if row["estimated_on"] and (networks := [said[need] for need in rule.needs if need in STAND_INS]):
            row["note"] = f"{row['note']}; {networks[0]}"
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({"called": "Int64", "share": float, "low": float, "high": float})


def evidence_of(
    study: Stored, measures: Sequence[Measure], cuts: Mapping[str, float]
) -> tuple[Evidence, dict[str, str]]:
    """What rules can be given of a study, and why something is missing, by attribute of `Evidence`."""
    scores = study.nearest()
    names = sorted(map(str, scores.index))
    deciding = deciders(measures)
    nulls = {measure.name: study.null(measure.name) for measure in deciding}
    features, layers, why = _features(study, measures, names)
    trained, networks = _stand_ins(study, measures, scores.loc[names])
    ncc = next((measure for measure in measures if measure.name == "ncc"), None)
    decide = deciding_scores(scores.loc[names], study.gaps(), nulls, deciding)
    evidence = Evidence(
        training=features.get("training"),
        holdout=features.get("holdout"),
        synthetic=features.get("synthetic"),
        layers=layers,
        scores=decide.scores,
        null=decide.null.scores,
        gaps=decide.gaps,
        null_gaps=decide.null.gaps,
        left_out=decide.null.left_out,
        steadfast=[measure.steadfast for measure in deciding],
        tail=getattr(study.settings, "tail", "predictive") == "predictive",
        null_source=f"{nulls[deciding[0].name].described}, by {', '.join(m.title for m in deciding)}",
        largest_correlation=None if ncc is None else scores.loc[names, ncc.name].to_numpy(float),
        deepssim=trained.get("deepssim"),
        deepssim_plus=trained.get("deepssim_plus"),
        sscd=trained.get("sscd"),
        cuts=cuts,
        alpha=study.settings.alpha,
    )
    return evidence, why | networks


def _stand_ins(
    study: Stored, measures: Sequence[Measure], scores: pd.DataFrame
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Scores of encoders trained here in place of their authors' networks, and which they are, or why there is none."""
    kinds_here = study.encoder_kinds()
    of_kind: dict[str, Measure] = {}
    for measure in measures:
        if measure.level == "feature":
            of_kind.setdefault(kinds_here.get(measure.name, measure.name), measure)
    found, said = {}, {}
    for need, kinds in STAND_INS.items():
        stand_in = next((of_kind[kind] for kind in kinds if kind in of_kind), None)
        if stand_in is None:
            said[need] = f"{NO_STAND_IN} {kinds[0]}"
        else:
            found[need] = scores[stand_in.name].to_numpy(float)
            said[need] = f"network: {stand_in.title}, trained here, not its authors'"
    return found, said


def _features(
    study: Stored, measures: Sequence[Measure], synthetic: Sequence[str]
) -> tuple[dict[str, list[np.ndarray]], dict[str, list[np.ndarray]] | None, dict[str, str]]:
    """Embeddings by cohort, one array an encoder; those of the layers of one encoder; and why a cohort has none.

    `layers` among the reasons says what the layers are.
    """
    with Database(study.folder).connect() as connection:
        rows = connection.execute("SELECT cohort, name, patient, content, voxels FROM volume").fetchall()
    volumes = pd.DataFrame([tuple(row) for row in rows], columns=["cohort", "name", "patient", "content", "voxels"])
    training = volumes[volumes["cohort"] == "training"]
    apart = ~volumes["patient"].isin(training["patient"]) & ~volumes["voxels"].isin(training["voxels"])
    cohorts = {
        "training": training,
        "holdout": volumes[(volumes["cohort"] == "holdout") & apart],
        "synthetic": volumes[volumes["cohort"] == "synthetic"].set_index("name").reindex(list(synthetic)),
    }
    encoders = [measure for measure in measures if measure.level == "feature"]
    found: dict[str, list[np.ndarray]] = {}
    why: dict[str, str] = {}
    file = study.folder / "volumes" / "embeddings.sqlite"
    for cohort, mine in cohorts.items():
        if mine.empty:
            why[cohort] = f"there are no {cohort} volumes" + (" of other patients" if cohort == "holdout" else "")
            continue
        if not encoders:
            why[cohort] = "the last match used no encoder"
            continue
        vectors = [stored_vectors(file, encoder.name, list(mine["content"])) for encoder in encoders]
        kept = [one for one in vectors if one is not None]
        if len(kept) == len(encoders):
            found[cohort] = [one.astype(np.float64) for one in kept]
        else:
            why[cohort] = "not all embeddings lie in the cache; run: napari-relict match"
    contents = {cohort: list(cohorts[cohort]["content"]) for cohort in found}
    for encoder in encoders:
        layers = {cohort: stored_layers(file, encoder.name, mine) for cohort, mine in contents.items()}
        names = {tuple(of_cohort) for of_cohort in layers.values()}
        if len(names) == 1 and len(one := names.pop()) > 1:
            why["layers"] = f"{', '.join(one)} of {encoder.title}"
            by_cohort = {c: [array.astype(np.float64) for array in arrays.values()] for c, arrays in layers.items()}
            return found, by_cohort, why
    why["layers"] = f"one layer only, of {', '.join(encoder.title for encoder in encoders)}" if encoders else "none"
    return found, None, why


def _row(rule: Rule, evidence: Evidence, why: Mapping[str, str]) -> dict[str, object]:
    cautions = [one for one in (rule.caution, AS_THEY_LIE if "synthetic" in rule.needs else "") if one]
    known: dict[str, object] = {"rule": rule.name, "title": rule.title, "source": rule.source, "estimated_on": ""}
    known["caution"] = "; ".join(cautions)
    if missing := rule.missing(evidence):
        absent = [need for need in rule.needs if getattr(evidence, need) is None]
        reasons = dict.fromkeys(why[need] for need in absent if need in why)
        return known | {"note": f"not applied: needs {', '.join(missing)} ({'; '.join(reasons) or 'not stored'})"}
    try:
        outcome = rule(evidence)
    except DataError as error:
        return known | {"note": f"not applied: {error.wrong}; {error.remedy}"}
    share = outcome.share
    return known | {
        "called": outcome.called,
        "share": np.nan if share is None else share.value,
        "low": np.nan if share is None else share.low,
        "high": np.nan if share is None else share.high,
        "estimated_on": outcome.estimated_on,
        "note": _note(outcome),
    }


def _note(outcome: Outcome) -> str:
    told = SAID_ALREADY if outcome.calls is not None else ()
    parts = [f"{name} {number}" for name, number in outcome.numbers.items() if name not in told]
    return "; ".join([*parts, *([outcome.note] if outcome.note else [])])
