"""Volumes that somebody's generator has just made, matched like the study's synthetic cohort and counted."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk

from napari_relict.calibration.copies import copies_by_scores, patients_copied
from napari_relict.decisions.deciding_scores import deciding_scores
from napari_relict.encoders import EmbeddingCache, open_encoder
from napari_relict.errors import DataError
from napari_relict.jobs.progress import Progress, silent
from napari_relict.matching import Cohorts, Depth, match_cohorts
from napari_relict.measures.registry import deciders
from napari_relict.memorisation.callback import EpochCopies, Sampled
from napari_relict.records.reader import Stored
from napari_relict.records.settings import Settings
from napari_relict.study.pipeline.cohorts import list_cohort
from napari_relict.volumes.affines import on_grid
from napari_relict.volumes.cohort import PreparedCohort
from napari_relict.volumes.finding import VolumeFile
from napari_relict.volumes.grid import Grid
from napari_relict.volumes.halves import half_layout
from napari_relict.volumes.preparing import prepare_cohort, study_reference


class Auditor:
    """Counts copies among volumes, by the measures and the null of the study's last match.

    Measures of segmentations are left out: volumes that were just made have none. Nothing in the study is changed.

    Parameters
    ----------
    spacing : mm z, y, x of arrays; the study's grid when None. Files and images say so themselves.
    """

    def __init__(
        self,
        study: Stored,
        settings: Settings,
        spacing: tuple[float, float, float] | None = None,
        device: str = "cpu",
        progress: Progress = silent,
    ) -> None:
        self._settings, self._progress, self._device = settings, progress, device
        self._measures = [measure for measure in study.measures() if measure.level != "segmentation"]
        if not self._measures:
            raise DataError(study.folder, "has no matches yet", "run: napari-relict match")
        self._spacing = settings.grid.spacing if spacing is None else spacing
        self._training = study.prepared("training")
        self._deciding = deciders(self._measures)
        self._nulls = {measure.name: study.null(measure.name) for measure in self._deciding}
        duplicates = study.duplicates()
        twice = duplicates[duplicates["cohort"] == "training"]
        self._same_person = [(str(one), str(other)) for one, other in twice[["volume", "training"]].to_numpy()]
        volumes = study.volumes()
        mine = volumes[volumes["cohort"] == "training"]
        self._patients = dict(zip(mine["name"], mine["patient"], strict=True))
        self._preparation = settings.preparation_of_volumes()
        cache = study.folder / "volumes"
        files, _ = list_cohort(study.folder, "training", settings.cohorts["training"])
        self._reference = study_reference(files.volumes, self._preparation, cache, progress)
        self._embeddings = EmbeddingCache(cache / "embeddings.sqlite")
        self._encoders = [
            open_encoder(
                measure.name, settings.encoders.get(measure.name, {}), device,
                folder=study.folder, ct_window=settings.hounsfield,
            )
            for measure in self._measures
            if measure.level == "feature"
        ]  # fmt: skip

    def __call__(self, epoch: int, volumes: Sequence[Sampled]) -> EpochCopies:
        """Match them with the training cohort and count.

        Raises
        ------
        DataError : not one of them is a volume.
        """
        with tempfile.TemporaryDirectory() as folder:
            files = [_written(one, Path(folder), number, self._spacing) for number, one in enumerate(volumes)]
            cohort, _ = prepare_cohort(
                "synthetic", files, {}, self._preparation, self._reference, Path(folder), self._progress
            )
            scores, gaps, training = self._nearest(cohort, Path(folder))
        found = deciding_scores(scores, gaps, self._nulls, self._deciding).judged(self._settings.verdicts)
        called = np.nan_to_num(found.q, nan=1.0) < self._settings.alpha
        whose = [
            self._patients.get(str(row[max(one, 0)]), "") for row, one in zip(training, found.decided, strict=True)
        ]
        copies = copies_by_scores(
            found.statistics, found.null_statistics, called=int(called.sum()), alpha=self._settings.alpha
        )
        patients = copies and patients_copied(copies, found.statistics, whose)
        copies_ends, patients_ends = ((c.copies, c.low, c.high) if c else (np.nan,) * 3 for c in (copies, patients))
        return EpochCopies(
            epoch,
            len(cohort),
            int(called.sum()),
            len({whose[place] for place in np.flatnonzero(called)}),
            *copies_ends,
            *patients_ends,
            float(np.nanmin(found.smallest)) if np.isfinite(found.smallest).any() else 1.0,
        )

    def _nearest(self, cohort: PreparedCohort, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
        """Score with the nearest training volume, how alone that stands, and its name: volumes by deciding measures,
        all in one order."""
        posed = all(row.halves for row in cohort.rows.values())
        layout = half_layout(self._reference) if posed and self._reference is not None else None
        patients = {("training", name): patient for name, patient in self._patients.items()}
        patients |= {("synthetic", name): f"synthetic/{name}" for name in cohort.names}
        match = self._settings.match
        found = match_cohorts(
            Cohorts(self._training, [cohort], patients, layout, self._same_person),
            self._measures,
            self._encoders,
            _Beside(folder / "embeddings.sqlite", self._embeddings),
            self._preparation.key(self._reference),
            Depth(match.top, match.verify, match.alignment, match.tolerance_mm, match.deformable, match.engine),
            device=self._device,
            progress=self._progress,
        )
        rows = [(one.query, one.measure, one.score, one.second, one.training) for one in found.nearest]
        frame = pd.DataFrame(rows, columns=["query", "measure", "score", "second", "training"])
        names = [measure.name for measure in self._deciding]
        scores, second, training = (
            frame.pivot(index="query", columns="measure", values=value).reindex(index=cohort.names, columns=names)
            for value in ("score", "second", "training")
        )
        scores, second = scores.astype(float), second.astype(float)
        gaps = {m.name: m.gap(scores[m.name].to_numpy(), second[m.name].to_numpy()) for m in self._deciding}
        return scores, pd.DataFrame(gaps, index=scores.index), training.to_numpy()


class _Beside(EmbeddingCache):
    """Knows what the study's cache knows, and keeps what is new elsewhere: samples are looked at once."""

    def __init__(self, file: Path, study: EmbeddingCache) -> None:
        super().__init__(file)
        self._study = study

    def get(self, *key: str | bool) -> np.ndarray | None:
        vector = super().get(*key)
        return self._study.get(*key) if vector is None else vector

    def has(self, *key: str | bool) -> bool:
        return super().has(*key) or self._study.has(*key)


def _written(volume: Sampled, folder: Path, number: int, spacing: tuple[float, float, float]) -> VolumeFile:
    """The file of a volume; arrays and images are written to one."""
    name = f"sample-{number:04d}"
    if isinstance(volume, str | Path):
        return VolumeFile(name, (Path(volume),))
    if not isinstance(volume, sitk.Image):
        values = volume.detach().cpu().numpy() if hasattr(volume, "detach") else np.asarray(volume)
        if values.ndim > 3 and set(values.shape[:-3]) == {1}:  # channels, batches of one
            values = values.reshape(values.shape[-3:])
        if values.ndim != 3:
            raise DataError(name, f"has the shape {values.shape}", "sample volumes (z, y, x)")
        z, y, x = values.shape
        volume = on_grid(np.ascontiguousarray(values, np.float32), Grid((z, y, x), spacing))
    path = folder / f"{name}.nii.gz"
    sitk.WriteImage(volume, str(path))
    return VolumeFile(name, (path,))
