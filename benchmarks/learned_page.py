"""The section of the learned detectors in docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from benchmarks.learned_judging import ALL_LEVELS, FUSED, POSES
from benchmarks.page import machine, table, write_section


def write_page(
    tables: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    counts: Mapping[str, int],
    command: str,
    seed: int,
    seconds: Mapping[str, float],
    embedding: Mapping[str, float],
    with_study: bool,
) -> None:
    """Write the section; `seconds` of training and of `embedding` a volume by encoder, of one core."""
    kinds, judged, null = tables
    took = "; ".join(
        f"{name}: {value / 60:.1f} minutes, then {1000 * embedding[name]:.0f} ms a volume"
        for name, value in seconds.items()
    )
    study = (
        "Levels of the study are robust z of its stored scores, in which the leading pairs were registered (aligned "
        "verification); learned levels are added to them as volumes lie."
        if with_study
        else "No matched study was at hand: aligned verification is missing."
    )
    write_section(
        "Learned detectors",
        f"""## Learned detectors

    {command}

{counts["synthetic"]} synthetic volumes against {counts["training"]} training volumes of the detection benchmark, seed
{seed}. Encoders were trained on {counts["learned"]} of {counts["holdout"]} holdout volumes, as posed; the others are
the null. Then volumes were embedded as they lie (about their centre of mass) and posed. Training and embedding, on one
core: {took}. {machine(["torch", "monai"])}.

AUC against strangers (novel and holdout volumes that nothing was trained on). "Fused" is the product's own fusion of
levels, logistic regression, each volume judged by a model fitted without it, but with others of its kind: a kind that
is less like anybody than strangers are (inverted, half) is then known by that, too. That each level has two slopes
there was chosen on these very volumes. {study}

{_wide(kinds)}

{_beside_the_best(kinds)}

As DeepSSIM++ has it, registered beside perturbed: macro-F1 of exact, near and no replica, of copy and no copy, and the
share of copies beyond the cut that 5% of strangers exceed. Cuts were chosen on four fifths of the volumes and judged on
the last fifth, in turn; brackets are 95% intervals over volumes.

{table(["method", "volumes", *judged.columns], [[*name, *map(_said, row)] for name, row in _rows(judged)])}

What becomes of the null when the network knows one side of it (contrastive, volumes as they lie; flagged: q below .05):

{table(["trained on", *null.columns], [[str(name), *map(_said, row)] for name, row in _rows(null)])}
""",
    )


def _wide(kinds: pd.DataFrame) -> str:
    header = ["kind", *(f"{method}, {pose}" if pose != "study" else method for method, pose in kinds.columns)]
    return table(header, [[str(kind), *map(_said, row)] for kind, row in _rows(kinds)])


def _beside_the_best(kinds: pd.DataFrame) -> str:
    """On which kinds of copy all levels fused, learned ones too, do worse than the best of them alone."""
    if (ALL_LEVELS, "study") not in kinds:
        return ""
    copies = kinds.drop(index="related")
    fused = copies[ALL_LEVELS, "study"]
    best = copies[[(what, pose) for what, pose in kinds if what not in FUSED and pose != POSES["posed"]]].max(axis=1)
    worse = [f"{kind} ({fused[kind]:.3f}, best alone {top:.3f})" for kind, top in best.items() if fused[kind] < top]
    said = "no kind of copy" if not worse else f"{len(worse)} of {len(copies)} kinds of copy: {'; '.join(worse)}"
    return f"All levels fused, learned ones as volumes lie, do worse than the best single level on {said}."


def _rows(frame: pd.DataFrame) -> list[tuple[tuple[str, ...], list[object]]]:
    return [(name, list(row)) for name, row in zip(frame.index, frame.to_numpy(dtype=object), strict=True)]


def _said(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
