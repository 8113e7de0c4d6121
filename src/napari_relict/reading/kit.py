"""A reading kit: a folder with only what one reader must see, to be read elsewhere and collected afterwards.

    kit.toml         kit, reader, round, criteria, modality, grid
    study.sqlite     the items, and what the reader says of them
    volumes/         left.zarr and right.zarr

Items are called 0001, 0002, ... in the reader's order. Which of the two volumes is synthetic, which patient the other
is, how near they lie and which items are repeats, only the study knows that made the kit.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pandas as pd
import tomlkit
from pydantic import BaseModel, ConfigDict, ValidationError

from napari_relict.errors import DataError, UsageError, disk_faults
from napari_relict.reading import ratings
from napari_relict.reading.reading_list import Showing
from napari_relict.reading.reading_source import ReadingSource
from napari_relict.records.database import FILE as DATABASE
from napari_relict.records.settings import GridSettings, ReadingSettings
from napari_relict.volumes.cohort import PreparedCohort, read_rows
from napari_relict.volumes.grid import Grid
from napari_relict.volumes.intensity import Modality

FILE = "kit.toml"
TITLE = "Reading kit"  # never the study's name: it may say too much
# A kit answers like a study, so that whatever shows studies shows kits.
SIDES = {"synthetic": "left", "training": "right"}
HEADING = "A reading kit of napari-relict. Open it with: napari-relict review FOLDER. Nothing here is to be edited."


class KitSettings(BaseModel):
    """The whole of kit.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kit: str
    reader: str
    round: Literal["first", "second", "consensus"]
    name: str
    modality: Modality
    made: str
    app_version: str
    grid: GridSettings
    reading: ReadingSettings

    @property
    def criteria(self) -> list[str]:
        return list(self.reading.criteria)

    @property
    def alpha(self) -> float:
        return 0.05

    @property
    def unit(self) -> str:
        return "HU" if self.modality == "ct" else ""


class Kit(ReadingSource):
    """An open kit, with the reading interface of `Study`.

    `volume("synthetic", item)` is the left volume and `volume("training", item)` the right one, whichever of the two
    is synthetic; items go by one name on both sides. There are no matches, measures, verdicts or thresholds.
    """

    settings: KitSettings

    @classmethod
    def open(cls, folder: str | Path) -> Kit:
        """Open a kit.

        Raises
        ------
        DataError : no kit there, or it is damaged.
        """
        folder = Path(folder).resolve()
        settings = read_kit_settings(folder)
        if not (folder / DATABASE).is_file():
            raise DataError(folder, f"is a damaged reading kit (no {DATABASE} in it)", "ask for the kit again")
        return cls(folder, settings)

    @property
    def made_for(self) -> tuple[str, str]:
        """The reader and the round."""
        return self.settings.reader, self.settings.round

    def items(self) -> list[str]:
        """Names of what is to be read, in the reader's order."""
        return [str(name) for name in self._frame("SELECT synthetic FROM match ORDER BY synthetic")["synthetic"]]

    def reading_list(self, reader: str, round: str = "first") -> list[Showing]:
        """The items in order. Sides are swapped already where they are, and repeats do not show.

        Raises
        ------
        UsageError : the kit was made for another reader or round.
        """
        self._check(reader, round)
        return [Showing(item, item) for item in self.items()]

    def _check_rating(self, showing: Showing, reader: str, round: str) -> None:
        self._check(reader, round)
        if showing not in self.reading_list(reader, round):
            raise UsageError(f"the kit has no item '{showing.synthetic}'")

    def undo(self, *, reader: str, session: str, round: str = "first") -> Showing | None:
        """Take back the latest standing rating; what it was of, or None."""
        self._check(reader, round)
        return ratings.undo(self._database, reader=reader, session=session, round=round)

    def matches(self) -> pd.DataFrame:
        """None: what is near what would tell."""
        return super().matches().iloc[:0]

    def _check(self, reader: str, round: str) -> None:
        if (reader.strip(), round) != self.made_for:
            raise UsageError(
                f"this kit was made for {self.settings.reader}, {self.settings.round} round,"
                f" not for {reader.strip()}, {round} round"
            )

    def _open_cohort(self, cohort: str) -> PreparedCohort:
        if cohort not in SIDES:
            raise DataError(self.folder, f"a reading kit has no {cohort} volumes", "open the study itself")
        side = SIDES[cohort]
        folder = self.folder / "volumes" / f"{side}.zarr"
        rows = read_rows(folder)
        if not rows:
            raise DataError(self.folder, f"is a damaged reading kit (no {side} volumes)", "ask for the kit again")
        grid = Grid(self.settings.grid.shape, self.settings.grid.spacing)
        return PreparedCohort(folder, side, rows, grid, self.settings.unit)


def is_kit(folder: Path) -> bool:
    return (folder / FILE).is_file()


def read_kit_settings(folder: Path) -> KitSettings:
    """Read `folder/kit.toml`.

    Raises
    ------
    DataError : no kit there, or the file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        raise DataError(folder, f"is not a reading kit (no {FILE} in it)", "make one with: napari-relict kit")
    try:
        return KitSettings.model_validate(tomlkit.parse(path.read_text(encoding="utf-8")).unwrap())
    except (ValidationError, tomlkit.exceptions.TOMLKitError, UnicodeDecodeError) as error:
        said = str(error).splitlines()[0]
        raise DataError(path, f"is damaged ({said})", "ask for the kit again") from error


def write_kit_settings(settings: KitSettings, folder: Path) -> None:
    """Write kit.toml. Of the reading settings only the criteria: others say how much is shown twice, and to whom."""
    document = tomlkit.document()
    document.add(tomlkit.comment(HEADING))
    values = settings.model_dump(mode="json")
    values["reading"] = {"criteria": values["reading"]["criteria"]}
    for key, value in values.items():
        document.add(key, value)
    with disk_faults(folder):
        (folder / FILE).write_text(tomlkit.dumps(document), encoding="utf-8")


def folder_name(reader: str, round: str) -> str:
    """What a kit's folder is called when nobody said."""
    plain = re.sub(r"[^\w-]+", "-", reader).strip("-")
    return f"{plain or 'reader'}-{round}"
