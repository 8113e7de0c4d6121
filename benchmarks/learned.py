"""What encoders trained here find, as volumes lie and posed, alone and fused with the other levels.

    python -m benchmarks.learned [FOLDER] [--small | --every N] [--seed N] [--epochs N]

Judges on the cohorts of the detection benchmark. Where FOLDER holds a matched study of it, all its volumes are taken
and its levels are in the tables too; otherwise cohorts are made. Encoders are trained on half of the holdout, whose
other half is the null; once more on the training cohort, to show what that does to the null. Writes a section of
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.baselines import ncc
from benchmarks.cohorts import FULL, SMALL, every, kinds, make_plan, read_truth, write_cohorts
from benchmarks.detection import COHORTS, GRID, SEED
from benchmarks.learned_judging import Found, judged_table, null_table, per_kind
from benchmarks.learned_page import write_page
from napari_relict.calibration.null import location_and_scale
from napari_relict.cli.terminal import TerminalProgress
from napari_relict.encoders import Encoder, open_encoder
from napari_relict.jobs.progress import Progress
from napari_relict.measures.registry import deciders
from napari_relict.study import Study
from napari_relict.study.pipeline.match import prepare_study
from napari_relict.study.pipeline.training import SHARE_OF_HOLDOUT
from napari_relict.training import Asked, train
from napari_relict.volumes.cohort import PreparedCohort
from napari_relict.volumes.finding import find_volumes
from napari_relict.volumes.preparing import Preparation, prepare_cohort, study_reference

TITLES = {"contrastive": "Contrastive", "deepssim": "DeepSSIM 3D", "deepssim_2d": "DeepSSIM slices"}
ON_TRAINING = "contrastive, trained on the training cohort"
Cohorts = dict[str, PreparedCohort]


@dataclass(frozen=True)
class Trained:
    """An encoder with the seconds of one core that it took."""

    encoder: Encoder
    seconds: float
    epochs: int


def prepared(folder: Path, pose: str, progress: Progress) -> tuple[Cohorts, str]:
    """All cohorts, and the key of how; those of a matched study as they are."""
    if pose == "similarity" and (folder / "study.sqlite").exists():
        study = Study.open(folder)
        cohorts, _, _, key, _ = prepare_study(folder, study.settings, progress)
        return cohorts, key
    how = Preparation(GRID, "mr", pose="centre" if pose == "centre" else "similarity", partial=False)
    cache = folder / f"learned-{pose}"
    files = {cohort: find_volumes(folder / cohort)[0] for cohort in COHORTS}
    reference = study_reference(files["training"], how, cache, progress)
    cohorts = {c: prepare_cohort(c, found, {}, how, reference, cache, progress)[0] for c, found in files.items()}
    return cohorts, how.key(reference)


def trained(kind: str, cohort: PreparedCohort, names: Sequence[str], file: Path, key: str, asked: Asked) -> Trained:
    """Train it, or take it where `file` was left by an earlier run."""
    clock = file.with_suffix(".seconds")
    if not file.exists():
        begun = time.process_time()
        with TerminalProgress() as progress:
            train(asked, cohort, names, {name: name for name in names}, file, key, progress=progress)
        clock.write_text(f"{time.process_time() - begun:.0f}")
    encoder = open_encoder("mine", {"kind": kind, "weights": str(file)})
    return Trained(encoder, float(clock.read_text()), asked.epochs or 0)


def embedded(encoder: Encoder, cohort: PreparedCohort, *, mirrored: bool = False) -> np.ndarray:
    """(volumes, features) in the order of the cohort."""
    images = (cohort.images([name])[0] for name in cohort.names)
    step = -1 if mirrored else 1
    return np.stack([encoder.encode(np.ascontiguousarray(one[..., ::step]), cohort.grid.spacing) for one in images])


def found_by(encoder: Encoder, cohorts: Cohorts) -> Found:
    """Cosine with the nearest training volume, the better of both mirror states, as a match has it."""
    known = embedded(encoder, cohorts["training"]).T
    both = {
        cohort: np.maximum(
            embedded(encoder, cohorts[cohort]) @ known, embedded(encoder, cohorts[cohort], mirrored=True) @ known
        )
        for cohort in ("synthetic", "holdout")
    }
    return Found.of(both, {cohort: one.names for cohort, one in cohorts.items()})


def found_by_ncc(cohorts: Cohorts) -> Found:
    """NCC of volumes of 4 mm, the better of both mirror states."""
    coarse = {c: np.stack([_coarse(one.images([name])[0]) for name in one.names]) for c, one in cohorts.items()}
    both = {
        c: np.maximum(ncc(coarse[c], coarse["training"]), ncc(coarse[c][..., ::-1], coarse["training"]))
        for c in ("synthetic", "holdout")
    }
    return Found.of(both, {cohort: one.names for cohort, one in cohorts.items()})


def found_by_study(folder: Path) -> dict[str, Found]:
    """Levels that p-values of a matched study rest on, as robust z; their nearest is that of the first candidate."""
    if not (folder / "study.sqlite").exists():
        return {}
    study = Study.open(folder)
    first = study.matches()
    nearest = first[first["rank"] == 1].set_index("synthetic")["training"]
    levels: dict[str, Found] = {}
    tables = {cohort: study.nearest(cohort) for cohort in ("synthetic", "holdout")}
    for measure in deciders(study.measures()):
        found = {c: measure.closeness(table[measure.name].to_numpy(float)) for c, table in tables.items()}
        centre, scale = location_and_scale(found["holdout"])
        series = {c: pd.Series((values - centre) / scale, tables[c].index) for c, values in found.items()}
        levels[measure.title] = Found(series["synthetic"], series["holdout"], nearest)
    return levels


def _coarse(image: np.ndarray) -> np.ndarray:
    z, y, x = (side // 2 for side in image.shape)
    return image.reshape(z, 2, y, 2, x, 2).mean((1, 3, 5), dtype=np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("benchmark-detection"))
    parser.add_argument("--small", action="store_true", help="a third of the volumes: shows that it runs")
    parser.add_argument("--every", type=int, default=1, help="only every N-th holdout volume and N-th of each kind")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--epochs", type=int, default=None, help="of each training; default: as the kinds have it")
    parser.add_argument("--no-page", action="store_true", help="print only")
    asked = parser.parse_args()
    folder = asked.folder
    with TerminalProgress() as progress:
        if not (folder / "study.sqlite").exists():
            sizes = SMALL if asked.small else FULL
            write_cohorts(folder, every(make_plan(sizes, asked.seed), asked.every), progress)
        posed, key = prepared(folder, "similarity", progress)
        lain, _ = prepared(folder, "centre", progress)
    truth = pd.DataFrame(read_truth(folder)).set_index("synthetic")
    holdout = posed["holdout"].names
    order = np.random.default_rng((asked.seed, 7)).permutation(len(holdout))
    learned_from = {holdout[place] for place in order[: round(SHARE_OF_HOLDOUT * len(holdout))]}
    unseen = [name for name in holdout if name not in learned_from]
    encoders = {}
    for name, kind, cohort, names in (
        *((kind, kind, "holdout", sorted(learned_from)) for kind in TITLES),
        (ON_TRAINING, "contrastive", "training", posed["training"].names),
    ):
        file = folder / "learned" / f"{name.replace(',', '').replace(' ', '-')}.pt"
        encoders[name] = trained(kind, posed[cohort], names, file, key, Asked(kind, asked.epochs))
    by_pose: dict[str, dict[str, Found]] = {"lain": {}, "posed": {}}
    every_found: dict[tuple[str, str], Found] = {}
    embedding: dict[str, float] = {}
    volumes = sum(len(one) for one in lain.values()) + len(lain["synthetic"]) + len(holdout)
    for name, one in encoders.items():
        begun = time.process_time()
        for pose, cohorts in (("lain", lain), ("posed", posed)):
            every_found[name, pose] = found_by(one.encoder, cohorts)
        embedding[name] = (time.process_time() - begun) / (2 * volumes)
    for pose, cohorts in (("lain", lain), ("posed", posed)):
        for kind in TITLES:
            by_pose[pose][TITLES[kind]] = every_found[kind, pose].without(learned_from)
        by_pose[pose]["NCC"] = found_by_ncc(cohorts).without(learned_from)
    levels = {title: found.without(learned_from) for title, found in found_by_study(folder).items()}
    nulls = {
        "half of the holdout; null: its other half": every_found["contrastive", "lain"].without(learned_from),
        "half of the holdout; null: that very half": every_found["contrastive", "lain"].without(unseen),
        "the training cohort; null: the holdout": every_found[ON_TRAINING, "lain"],
    }
    tables = (
        per_kind(by_pose, levels, truth, kinds()),
        judged_table(by_pose, levels, truth),
        null_table(nulls, truth),
    )
    for table in tables:
        print(table.to_string())
    if not asked.no_page:
        command = "python -m benchmarks.learned" + (" --small" if asked.small else "")
        command += f" --every {asked.every}" if asked.every > 1 else ""
        command += f" --epochs {asked.epochs}" if asked.epochs else ""
        counts = {cohort: len(one) for cohort, one in posed.items()} | {"learned": len(learned_from)}
        seconds = {name: one.seconds for name, one in encoders.items()}
        write_page(tables, counts, command, asked.seed, seconds, embedding, bool(levels))


if __name__ == "__main__":
    main()
