"""study.toml: what was asked. People edit it; every key is checked when it is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from napari_relict.calibration.cuts import CutRule
from napari_relict.calibration.verdicts import VERDICTS, VerdictRule
from napari_relict.encoders.registry import check_definition
from napari_relict.errors import DataError, UsageError, disk_faults
from napari_relict.measures.registration import Alignment, Engine
from napari_relict.measures.registry import check_encoder_name, choose_measures
from napari_relict.volumes.grid import Grid
from napari_relict.volumes.intensity import Modality
from napari_relict.volumes.orientation import orientation_of
from napari_relict.volumes.pose import PoseKind
from napari_relict.volumes.preparing import Preparation

COHORTS = ("training", "holdout", "synthetic")
FILE = "study.toml"
Labels = Literal["median", "consensus"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CohortFolders(_Table):
    """Where a cohort's files lie. Relative paths start at the study's folder."""

    volumes: str
    segmentations: str | None = None
    spacing: tuple[float, float, float] | str | None = Field(
        default=None, description="of files that do not say (arrays, pictures): mm along z, y, x, or a table of them"
    )

    geometry: GeometrySettings | None = None

    @field_validator("spacing")
    @classmethod
    def _positive(cls, spacing: tuple[float, float, float] | str | None) -> tuple[float, float, float] | str | None:
        if isinstance(spacing, tuple) and not all(0 < mm < 100 for mm in spacing):
            raise ValueError("spacing must be above 0 and below 100 mm")
        return spacing


class GeometrySettings(_Table):
    """How a cohort's arrays lie, in place of what their files say: as voted, or as somebody knows."""

    orientation: str | None = None
    spacing: tuple[float, float, float] | None = None

    @field_validator("orientation")
    @classmethod
    def _known(cls, orientation: str | None) -> str | None:
        return None if orientation is None else orientation_of(orientation).code


class GridSettings(_Table):
    shape: tuple[int, int, int] = Field(description="voxels along z, y, x")
    spacing: tuple[float, float, float] = Field(description="mm along z, y, x")

    @field_validator("shape")
    @classmethod
    def _some_voxels(cls, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        if not all(8 <= side <= 1024 for side in shape):
            raise ValueError("each side must have 8 to 1024 voxels")
        return shape

    @field_validator("spacing")
    @classmethod
    def _positive(cls, spacing: tuple[float, float, float]) -> tuple[float, float, float]:
        if not all(0 < mm < 100 for mm in spacing):
            raise ValueError("spacing must be above 0 and below 100 mm")
        return spacing


class PreparationSettings(_Table):
    pose: PoseKind = "similarity"
    partial: bool = True
    foreground: bool = False
    geometry: Literal["evidence", "header"] = "evidence"
    ct_window: tuple[float, float] = (-1000.0, 1000.0)


class MatchSettings(_Table):
    measures: tuple[str, ...] = (
        *("ncc", "mse", "registered", "half", "region", "nmi", "half_ncc", "region_ncc", "ssim", "ms_ssim"),
        *("copied_share", "bend", "lesion", "mobilenet_v2", "dice", "volume_difference", "surface_dice", "hd95"),
    )
    top: int = Field(default=5, ge=1)
    verify: int = Field(default=2, ge=0)
    alignment: Alignment = "similarity"
    deformable: bool = False
    engine: Engine = "gauss-newton"
    tolerance_mm: float = Field(default=2.0, gt=0)
    duplicate_ncc: float = Field(default=0.99, gt=0, le=1)
    left_out: int = Field(default=200, ge=0)


class VerdictSettings(_Table):
    alpha: float = Field(default=0.05, gt=0, lt=1)
    exact_bend: float = Field(default=0.5, gt=0)
    exact_lesion: float = Field(default=0.1, gt=0, le=1)
    near_bend: float = Field(default=2.0, gt=0)
    tail: Literal["predictive", "pareto", "none"] = "predictive"
    rule: VerdictRule = "either"
    measure: str | None = None
    probability: Literal["logistic", "isotonic"] = "logistic"


class ThresholdSettings(_Table):
    rule: CutRule = "balanced accuracy"
    target: float = Field(default=0.95, gt=0, lt=1)
    labels: Labels = "median"


class ReadingSettings(_Table):
    criteria: tuple[str, ...] = ("anatomy", "lesion", "vessels", "acquisition artefact")
    repeats: float = Field(default=0.1, ge=0, le=0.5)
    anchors: int = Field(default=10, ge=0)
    readers: tuple[str, ...] = ()
    pairs: int = Field(default=1, ge=1)
    consensus_from: int = Field(default=1, ge=1, le=3)

    @field_validator("readers")
    @classmethod
    def _different_names(cls, readers: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(name.strip() for name in readers)
        if "" in names or len(set(names)) < len(names):
            raise ValueError("each reader needs a name of their own")
        return names


class Settings(_Table):
    """The whole of study.toml."""

    name: str
    modality: Modality
    cohorts: dict[Literal["training", "holdout", "synthetic"], CohortFolders]
    patients: str | None = None
    grid: GridSettings
    preparation: PreparationSettings = PreparationSettings()
    match: MatchSettings = MatchSettings()
    verdicts: VerdictSettings = VerdictSettings()
    thresholds: ThresholdSettings = ThresholdSettings()
    reading: ReadingSettings = ReadingSettings()
    encoders: dict[str, dict[str, Any]] = {}

    @field_validator("cohorts")
    @classmethod
    def _both_sides(cls, cohorts: dict[str, CohortFolders]) -> dict[str, CohortFolders]:
        if missing := {"training", "synthetic"} - set(cohorts):
            raise ValueError(f"needs [cohorts.{missing.pop()}]")
        return cohorts

    @field_validator("encoders")
    @classmethod
    def _defined(cls, encoders: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, table in encoders.items():
            _said_once(check_definition, name, table)
            _said_once(check_encoder_name, name)
        return encoders

    @model_validator(mode="after")
    def _known_measures(self) -> Settings:
        _said_once(choose_measures, self.match.measures, self.encoder_titles)
        if self.verdicts.measure is not None:
            _said_once(choose_measures, [self.verdicts.measure], self.encoder_titles)
        return self

    @property
    def encoder_titles(self) -> dict[str, str]:
        """Name -> title of the encoders that are defined here."""
        return {name: check_definition(name, table)[1] for name, table in self.encoders.items()}

    @property
    def hounsfield(self) -> tuple[float, float] | None:
        """HU that 0 and 1 of the prepared volumes stand for; None for MR."""
        return self.preparation.ct_window if self.modality == "ct" else None

    @property
    def criteria(self) -> list[str]:
        return list(self.reading.criteria)

    @property
    def alpha(self) -> float:
        return self.verdicts.alpha

    @property
    def tail(self) -> str:
        return self.verdicts.tail

    def preparation_of_volumes(self) -> Preparation:
        return Preparation(
            Grid(self.grid.shape, self.grid.spacing),
            self.modality,
            self.preparation.ct_window,
            self.preparation.pose,
            self.preparation.partial,
            self.preparation.foreground,
            self.preparation.geometry,
        )


def _said_once(check: Callable[..., object], *values: object) -> None:
    """Run a check that raises our own errors where pydantic wants one of its own."""
    try:
        check(*values)
    except UsageError as error:
        raise ValueError(str(error)) from error


def read_settings(folder: Path) -> Settings:
    """Read `folder/study.toml`.

    Raises
    ------
    DataError : no study there, not TOML, or a key that is wrong, unknown or missing.
    """
    path = folder / FILE
    if not path.is_file():
        raise DataError(folder, f"is not a study (no {FILE} in it)", "make one with: napari-relict new")
    try:
        return Settings.model_validate(tomlkit.parse(path.read_text(encoding="utf-8")).unwrap())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(path, f"{where}: {first['msg']}", "correct it") from error
    except (tomlkit.exceptions.TOMLKitError, UnicodeDecodeError) as error:
        raise DataError(path, f"is not TOML ({error})", "correct it") from error


COMMENTS = {
    "modality": "mr (intensity by percentile) or ct (by HU window)",
    "grid": "the common grid; changing it prepares every volume again",
    "preparation": "pose: similarity or rigid (onto the study's reference), or centre; partial: pose halves and\n"
    "# find keypoints too, so that copies of a part are found; foreground: search by the body alone, without table\n"
    "# and noise around it; geometry: evidence turns volumes that lie otherwise than their files say, header believes\n"
    "# the files; ct_window: HU that become 0 and 1",
    "match": "top: patients kept by each measure; verify: how many of these are aligned pair by pair (alignment:\n"
    "# rigid, similarity or affine, by engine: gauss-newton or simpleitk; deformable: then bent a little, too);\n"
    "# tolerance_mm: of surface Dice;\n"
    "# duplicate_ncc: training volumes at least this alike are reported as duplicates; left_out: training patients\n"
    "# are left out one by one and searched against the others until the null has this many patients",
    "verdicts": "alpha: false discovery rate; an unrated replica is called exact where anatomy is bent by less than\n"
    "# exact_bend (mm) and nothing differs by exact_lesion (share of the brightness) or more; a whole volume bent by\n"
    "# near_bend (mm) or more is another person's anatomy; tail: predictive (beyond a null of 8 patients and more),\n"
    "# pareto (from some 100 on) or none (ranks alone: a small null calls nobody); rule: what calls volumes that\n"
    "# nobody rated: null, ratings (from five of each kind on) or either (the more careful of the two); measure:\n"
    "# whose threshold calls (leave it out for the one of highest balanced accuracy); probability: logistic or\n"
    f"# isotonic (from 50 ratings on); verdicts are: {', '.join(VERDICTS)}",
    "thresholds": "rule: balanced accuracy, sensitivity or specificity; target: what the latter two hold;\n"
    "# labels: median of the readers of a pair, or consensus (only pairs they agree on or settled)",
    "reading": "criteria: what readers can tick; repeats: share of pairs that are shown twice, unannounced; pairs:\n"
    "# candidates of each synthetic volume that are read; readers: names among whom the pairs are divided (none:\n"
    "# everyone reads all), but for as many as anchors says, which all read; consensus_from: grades apart from which\n"
    "# on readers disagree (two sides of replica or not always do)",
}


def write_settings(settings: Settings, folder: Path) -> None:
    """Write study.toml with a comment to each table."""
    document = tomlkit.document()
    document.add(tomlkit.comment("A napari-relict study. Edit it and run `napari-relict match` again."))
    for key, value in settings.model_dump(exclude_none=True, mode="json").items():
        if key == "encoders" and not value:
            continue
        if key in COMMENTS:
            document.add(tomlkit.nl())
            for line in COMMENTS[key].splitlines():
                document.add(tomlkit.comment(line.removeprefix("# ")))
        document.add(key, value)
    _put(document, folder)


def edit_settings(folder: Path, change: Callable[[tomlkit.TOMLDocument], None]) -> Settings:
    """Change study.toml in place: comments and what else people wrote there stay. The new settings.

    Raises
    ------
    DataError : study.toml is damaged, or would be wrong afterwards; then it is left as it was.
    """
    read_settings(folder)
    document = tomlkit.parse((folder / FILE).read_text(encoding="utf-8"))
    change(document)
    try:
        settings = Settings.model_validate(document.unwrap())
    except ValidationError as error:
        raise DataError(folder / FILE, str(error.errors()[0]["msg"]), "correct it") from error
    _put(document, folder)
    return settings


def _put(document: tomlkit.TOMLDocument, folder: Path) -> None:
    unfinished = folder / (FILE + ".part")
    with disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(tomlkit.dumps(document), encoding="utf-8")
        unfinished.replace(folder / FILE)
