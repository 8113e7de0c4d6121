"""`Study`: everything the command line and the viewer do to a study goes through here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from napari_relict.decisions.judging import JudgedStudy
from napari_relict.errors import DataError, UsageError
from napari_relict.experiments.memorisation_study import MemorisationResult, run_memorisation_study
from napari_relict.experiments.quality import read_quality, study_quality
from napari_relict.experiments.sensitivity_study import SensitivityResult, StudySize, run_quality_study
from napari_relict.jobs.progress import Progress, silent
from napari_relict.memorisation.callback import Sampled, TrainingAudit
from napari_relict.reading.importing import import_ratings
from napari_relict.reading.kit_collecting import collect
from napari_relict.reading.kit_making import make_kit
from napari_relict.reading.reading_list import Pair, Showing, known_round, plan
from napari_relict.records.files import write_table
from napari_relict.records.label_export import is_folder, write_label_folder
from napari_relict.records.settings import Settings, read_settings
from napari_relict.study.pipeline.auditing import Auditor
from napari_relict.study.pipeline.create import make_study
from napari_relict.study.pipeline.geometry import turned_volumes
from napari_relict.study.pipeline.match import run_match
from napari_relict.study.pipeline.segmenting import segment_study
from napari_relict.study.pipeline.training import On, TrainedEncoder, train_encoder
from napari_relict.training import Asked, Epoch
from napari_relict.volumes.cohort import PreparedCohort, read_rows
from napari_relict.volumes.intensity import Modality
from napari_relict.volumes.spacings import Spacing


class Study(JudgedStudy):
    """A study folder.

    Use `Study.create` once, `Study.open` later. Every method may be called from any thread.

    Attributes
    ----------
    folder : where study.toml, study.sqlite and the cache lie.
    problems : what the last `create` or `match` had to leave out, one error a file.
    notes : what may be wrong, in words, without anything having been left out.
    """

    settings: Settings

    def __init__(self, folder: Path, settings: Settings) -> None:
        super().__init__(folder, settings)
        self.problems: list[DataError] = []
        self.notes: list[str] = []

    @classmethod
    def create(
        cls,
        folder: str | Path,
        *,
        training: str | Path,
        synthetic: str | Path,
        holdout: str | Path | None = None,
        training_segmentations: str | Path | None = None,
        synthetic_segmentations: str | Path | None = None,
        holdout_segmentations: str | Path | None = None,
        patients: str | Path | None = None,
        modality: Modality | None = None,
        spacing: float | tuple[float, float, float] | None = None,
        shape: tuple[int, int, int] | None = None,
        training_spacing: Spacing | str | Path | None = None,
        synthetic_spacing: Spacing | str | Path | None = None,
        holdout_spacing: Spacing | str | Path | None = None,
        geometry: Literal["evidence", "header"] = "evidence",
        progress: Progress = silent,
    ) -> Study:
        """Make a study of existing folders. Nothing in them is changed or copied.

        Parameters
        ----------
        modality : `mr` or `ct`; None looks at the first training volume.
        spacing : mm, one number or z, y, x; None takes what the training volumes suggest.
        shape : voxels z, y, x; None likewise.
        training_spacing, synthetic_spacing, holdout_spacing : of files that do not say (arrays, pictures): mm along
            z, y, x, or a table with the columns volume, z, y, x.
        geometry : `evidence`: a cohort whose volumes show that they lie otherwise than their files say is compared
            as it lies, and that is said in `notes`; `header`: files are believed.

        Raises
        ------
        UsageError : the folder is a study already, or two cohorts share a folder.
        DataError : a cohort without a single readable volume.
        """
        made = make_study(
            Path(folder),
            {"training": training, "holdout": holdout, "synthetic": synthetic},
            segmentations={
                "training": training_segmentations,
                "holdout": holdout_segmentations,
                "synthetic": synthetic_segmentations,
            },
            spacings={"training": training_spacing, "holdout": holdout_spacing, "synthetic": synthetic_spacing},
            patients=patients,
            modality=modality,
            grid_spacing=spacing,
            grid_shape=shape,
            geometry=geometry,
            progress=progress,
        )  # fmt: skip
        study = cls(made.folder, made.settings)
        study.problems, study.notes = made.problems, made.notes
        return study

    @classmethod
    def open(cls, folder: str | Path) -> Study:
        """Open an existing study.

        Raises
        ------
        DataError : not a study, or its settings or database are damaged.
        """
        folder = Path(folder).resolve()
        return cls(folder, read_settings(folder))

    def match(
        self,
        *,
        measures: Sequence[str] | None = None,
        top: int | None = None,
        device: str = "cpu",
        scheduler: str | None = None,
        progress: Progress = silent,
    ) -> list[DataError]:
        """Find the nearest training volumes of every synthetic volume; then calibrate.

        Prepared volumes, embeddings and what aligned pairs gave are kept, so a stopped run goes on where it was and
        a second one only does what changed. Stored matches are replaced at the very end, all at once.

        Parameters
        ----------
        measures, top : as in study.toml when None.
        device : `cuda` for embeddings and the products of the search and of the look for duplicates.
        scheduler : address of a Dask scheduler whose workers do the work; they have to see the study's folder and
            volumes at the same paths. The result is the same.

        Returns
        -------
        One error for each file that was left out.
        """
        if top is not None and top < 1:
            raise UsageError(f"top must be at least 1, not {top}")
        self._cohorts.clear()
        self.problems = run_match(
            self.folder,
            self.settings,
            self._database,
            measures=self.settings.match.measures if measures is None else measures,
            top=top or self.settings.match.top,
            device=device,
            scheduler=scheduler,
            progress=progress,
        )
        self.notes = turned_volumes({name: self._open_cohort(name) for name in self.settings.cohorts})
        self.calibrate()
        return self.problems

    def train(
        self,
        kind: str,
        *,
        name: str | None = None,
        on: On = "training",
        epochs: int | None = None,
        seed: int = 0,
        published: bool = False,
        backbone: str = "mobilenet_v2",
        weights: str | Path | None = None,
        device: str = "cpu",
        progress: Progress = silent,
        report: Callable[[Epoch], None] = lambda epoch: None,
    ) -> TrainedEncoder:
        """Train an encoder on the study's volumes; the next match has its measure. A stopped training goes on.

        Parameters
        ----------
        kind : `deepssim`, `deepssim_2d` or `contrastive`.
        name : of the encoder and its measure; the kind when None.
        on : `training`, or `holdout`: half of its patients, who are no null from then on.
        epochs : at most; as the kind has it when None.
        published : positives and schedule of Dar et al. (`contrastive`).
        backbone, weights : of `deepssim_2d`: the network, and a file of ImageNet weights it starts from.
        device : `cuda` where there is one.
        report : told of each epoch.

        Raises
        ------
        UsageError : no such kind, backbone, cohort or device; a name that is taken; too few patients.
        DataError : volumes or weights cannot be read, or the disk is at fault.
        """
        asked = Asked(kind, epochs, seed, published, backbone, None if weights is None else Path(weights))
        found = train_encoder(
            self.folder, self.settings, asked, name=name, on=on, device=device, progress=progress, report=report
        )
        self.settings = read_settings(self.folder)
        return found

    def segment(
        self,
        segmenter: str,
        *,
        cohorts: Sequence[str] = (),
        bundle: str | Path | None = None,
        device: str = "cpu",
        progress: Progress = silent,
    ) -> list[DataError]:
        """Make label maps for cohorts that have none; see `napari_relict.study.pipeline.segmenting.segment_study`.

        They lie in `segmentations/` of the study's folder and are used by the next `match`.

        Returns
        -------
        One error for each volume that could not be segmented.
        """
        folder = None if bundle is None else Path(bundle)
        self.problems = segment_study(
            self.folder, self.settings, segmenter, cohorts=cohorts, bundle=folder, device=device, progress=progress
        )
        self.settings = read_settings(self.folder)
        return self.problems

    def quality(
        self, *, metrics: Sequence[str] | None = None, seed: int = 0, progress: Progress = silent
    ) -> pd.DataFrame:
        """Metrics of the synthetic cohort, each beside what real patients give; see `experiments.quality`.

        The table is kept, for `export` and `quality_table`.

        Parameters
        ----------
        metrics : names; all of `napari_relict.quality.METRICS` when None.
        seed : of what is drawn.
        """
        return study_quality(self, metrics=metrics, seed=seed, progress=progress)

    def quality_table(self) -> pd.DataFrame:
        """What the last `quality` gave; empty without one."""
        return read_quality(self.folder)

    def quality_study(
        self,
        to: str | Path | None = None,
        *,
        size: StudySize = "small",
        downstream: bool = False,
        seed: int = 0,
        progress: Progress = silent,
    ) -> SensitivityResult:
        """Alter real volumes with known strength and say which metric sees it, and what a segmenter loses by it.

        See `napari_relict.experiments.sensitivity_study.run_quality_study`. A stopped run goes on where it was.
        """
        folder = None if to is None else Path(to)
        return run_quality_study(
            self, self.settings, folder, size=size, downstream=downstream, seed=seed, progress=progress
        )

    def memorisation_study(
        self,
        to: str | Path | None = None,
        *,
        preset: str = "cpu",
        repeats: int | None = None,
        processes: int = 1,
        seed: int = 0,
        device: str = "cpu",
        progress: Progress = silent,
    ) -> MemorisationResult:
        """Train generators on the training volumes and say what makes them copy.

        See `napari_relict.experiments.memorisation_study.run_memorisation_study`. A stopped run goes on where it was.
        """
        folder = None if to is None else Path(to)
        return run_memorisation_study(
            self, self.settings, folder,
            preset=preset, repeats=repeats, processes=processes, seed=seed, device=device, progress=progress,
        )  # fmt: skip

    def audit_while_training(
        self,
        sample: Callable[[int], Sequence[Sampled]],
        *,
        every: int = 5,
        volumes: int = 32,
        log: str | Path | None = None,
        spacing: tuple[float, float, float] | None = None,
        device: str = "cpu",
        progress: Progress = silent,
    ) -> TrainingAudit:
        """A callable for any training loop: `audit(epoch)` samples, matches and counts copies every few epochs.

        Volumes are compared with the study's training and holdout volumes as `match` does it, without segmentations.

        Parameters
        ----------
        sample : called with how many volumes to make; each is a file, a SimpleITK image, or an array or tensor
            (z, y, x) whose z grows upwards, y backwards and x to the patient's left.
        every : epochs from one look to the next. volumes : sampled each time.
        log : CSV file, a line a look.
        spacing : of arrays, mm z, y, x; that of the study's grid when None.
        device : of encoders and of the search.

        Raises
        ------
        DataError : nothing was matched yet.
        """
        count = Auditor(self, self.settings, spacing, device, progress)
        return TrainingAudit(sample, count, every=every, volumes=volumes, log=None if log is None else Path(log))

    # Reading -------------------------------------------------------------------------------------------------

    def reading_list(self, reader: str, round: str = "first") -> list[Showing]:
        """What this reader is shown, in an order of the reader's own; the same whenever it is asked for.

        The consensus round has the pairs on which readers disagree, those without a consensus first.

        Raises
        ------
        UsageError : no such round; or study.toml names the readers, and this is none of them.
        """
        if known_round(round) == "consensus":
            return [Showing(*names) for names in self.disagreements()[["synthetic", "training"]].to_numpy()]
        pairs, likely = self._pairs_to_read()
        return plan(pairs, likely, self.settings.reading, reader.strip(), round)

    def _pairs_to_read(self) -> tuple[list[Pair], set[Pair]]:
        """Pairs most conspicuous first, and those of them that the scores call copies.

        By p- and q-value, which no rating changes: a list must not depend on what is said while it is read.
        """
        matches, measures = self.matches(), self.measures()
        rows = matches[matches["rank"] <= self.settings.reading.pairs]
        rows = rows.merge(self.verdicts()[["synthetic", "p_value", "q_value"]], on="synthetic", how="left")
        if measures:
            rows["closeness"] = measures[0].closeness(rows[measures[0].name].to_numpy(float))
        order = ["rank", "p_value", *(["closeness"] if measures else []), "synthetic", "training"]
        rows = rows.sort_values(order, ascending=[name != "closeness" for name in order], kind="stable")
        pairs = [Pair(*names) for names in rows[["synthetic", "training"]].to_numpy()]
        called = (rows["q_value"] < self.settings.alpha) & (rows["rank"] == 1)
        return pairs, {pair for pair, is_called in zip(pairs, called, strict=True) if is_called}

    def import_ratings(self, file: str | Path) -> int:
        """Append rating events from a file; how many were new."""
        return import_ratings(self._database, Path(file))

    def make_kit(
        self, reader: str, folder: str | Path | None = None, *, round: str = "first", progress: Progress = silent
    ) -> Path:
        """Write a reading kit; see `napari_relict.reading.kit_making.make_kit`. Its folder."""
        grid = self.settings.preparation_of_volumes().grid
        to = None if folder is None else Path(folder)
        return make_kit(self, self._database, grid, reader, to, round=round, progress=progress)

    def collect(self, kit: str | Path) -> int:
        """Append the ratings of a kit that came back; how many events were new. What has to be said: `notes`."""
        new, self.notes = collect(self._database, Path(kit))
        return new

    def export(self, table: str, file: str | Path) -> None:
        """Write a table to .csv, .parquet or .json.

        Parameters
        ----------
        table : `matches`, `ratings` (every event), `verdicts`, `thresholds`, `labels` (see `reference_labels`) or
            `agreement` or `quality` (what the last `quality` gave).
        file : its ending says the format. `labels` also go into a folder; see `napari_relict.records.label_export`.

        Raises
        ------
        UsageError : no such table or format.
        DataError : not writable, or the disk is full.
        """
        frames = {
            "matches": self.matches,
            "ratings": self.rating_events,
            "verdicts": self.verdicts,
            "thresholds": self.thresholds,
            "labels": self.reference_labels,
            "agreement": self.agreement,
            "quality": self.quality_table,
        }
        if table not in frames:
            raise UsageError(f"no table '{table}'; there are {', '.join(frames)}")
        if table == "labels" and is_folder(Path(file)):
            write_label_folder(self.reference_labels(), Path(file))
        else:
            write_table(frames[table](), Path(file))

    def _open_cohort(self, cohort: str) -> PreparedCohort:
        folder = self.folder / "volumes" / f"{cohort}.zarr"
        rows = read_rows(folder)
        if not rows:
            raise DataError(self.folder, f"has no prepared {cohort} volumes", "run: napari-relict match")
        how = self.settings.preparation_of_volumes()
        return PreparedCohort(folder, cohort, rows, how.grid, how.unit)
