"""The list of volumes to withhold, the list of those that may go, and in words what that promises."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from napari_relict.calibration import NullScores
from napari_relict.calibration.clearing import Clearing, clear_by_null, clear_by_ratings, fewest_to_clear
from napari_relict.calibration.copies import CopyCount
from napari_relict.calibration.verdicts import REPLICAS, UNDECIDED
from napari_relict.errors import UsageError, disk_faults
from napari_relict.records.files import write_table

COLUMNS = ["synthetic", "training", "verdict", "p_value", "q_value", "probability", "rated", "why", "rule"]


@dataclass(frozen=True)
class Release:
    """Two lists and what they rest on.

    Attributes
    ----------
    withhold, cleared : synthetic, training, verdict, p_value, q_value, probability, rated, why, rule.
    bound : upper 95% bound of the share of replicas among volumes cleared unrated; NaN where nothing bounds it.
    copies : how many copies there are among all synthetic volumes, by scores and by ratings.
    promise : lines for people: how many, at which risk, on which evidence, and what is not guaranteed.
    """

    withhold: pd.DataFrame
    cleared: pd.DataFrame
    bound: float
    copies: tuple[CopyCount, ...]
    promise: tuple[str, ...]

    @property
    def said(self) -> tuple[str, ...]:
        """The promise, and how many copies there are."""
        return *self.promise, *(
            f"copies by {count.source}: {count.copies:.0f} (95% interval {count.low:.0f} to {count.high:.0f}); "
            f"{count.estimated_on}; {count.note}"
            for count in self.copies
        )

    def write(self, folder: Path) -> None:
        """Write withhold.csv, cleared.csv and release.txt.

        Raises
        ------
        DataError : the folder cannot be written.
        """
        with disk_faults(folder):
            folder.mkdir(parents=True, exist_ok=True)
            write_table(self.withhold, folder / "withhold.csv")
            write_table(self.cleared, folder / "cleared.csv")
            (folder / "release.txt").write_text("\n".join(self.said) + "\n", encoding="utf-8")


def release(
    verdicts: pd.DataFrame, grades: dict[str, bool], null: NullScores, copies: tuple[CopyCount, ...], risk: float
) -> Release:
    """Divide the synthetic volumes into those to withhold and those that may go.

    Replicas and undecided volumes are withheld. Rated volumes go by what was said of them. The others are cleared by
    ratings where these bound the risk, else by p-value.

    Parameters
    ----------
    verdicts : as `Study.verdicts` gives them.
    grades : synthetic volume -> rated a replica; of those whose verdict rests on the rating.
    null : of a deciding measure.

    Raises
    ------
    UsageError : the risk is not above 0 and below 1.
    """
    if not 0 < risk < 1:
        raise UsageError(f"a risk is above 0 and below 1, not {risk:g}")
    rated = verdicts["synthetic"].isin(list(grades)).to_numpy(bool)
    replica = np.array([grades.get(name, False) for name in verdicts["synthetic"]], bool)
    called = verdicts["verdict"].isin(REPLICAS).to_numpy(bool)
    undecided = (verdicts["verdict"] == UNDECIDED).to_numpy(bool)
    p, probability = verdicts["p_rank"].to_numpy(float), verdicts["probability"].to_numpy(float)
    bounded = clear_by_ratings(probability, rated, replica, risk)
    clearing = bounded if np.isfinite(bounded.bound) else clear_by_null(p, risk)
    cleared = ~called & ~undecided & (rated | clearing.cleared)
    why = np.select(
        [called & rated, called, undecided & np.isnan(p), undecided, rated, clearing.cleared, np.isnan(p)],
        [
            *("rated a replica", "verdict", "nothing to judge it by", "undecided", "rated no replica"),
            *("not conspicuous", "nothing to judge it by"),
        ],
        "not shown to be safe by the rated volumes" if np.isfinite(bounded.bound) else f"p at most {risk:g}",
    )
    table = verdicts.assign(rated=rated, why=why)[COLUMNS]
    return Release(
        table[~cleared].reset_index(drop=True),
        table[cleared].reset_index(drop=True),
        bounded.bound,
        copies,
        tuple(
            _said(
                int((~cleared).sum()), int(cleared.sum()), int(undecided.sum()), risk, null, bounded, int(rated.sum())
            )
        ),
    )


def _said(
    withheld: int, cleared: int, undecided: int, risk: float, null: NullScores, bounded: Clearing, rated: int
) -> list[str]:
    bound, checked, missed = bounded.bound, bounded.checked, bounded.missed
    lines = [f"{withheld} synthetic volumes to withhold, {cleared} cleared, at a risk of {risk:g}"]
    if undecided:
        lines.append(
            f"{undecided} of those to withhold {'is' if undecided == 1 else 'are'} undecided: rate them, or add "
            "holdout patients; what is undecided is never cleared"
        )
    if np.isfinite(bound):
        lines.append(
            f"of those cleared unrated at most {bound:.1%} are what readers call replicas (95% bound: {missed} of "
            f"{checked} rated volumes as inconspicuous are), if rated volumes were drawn at random and not as closest"
        )
    else:
        lines.append(
            f"no bound on how many replicas are among those cleared: it takes at least {fewest_to_clear(risk)} rated "
            f"volumes as inconspicuous, drawn at random, none of them a replica; {rated} volumes were rated in all"
        )
        if null.known:
            lines.append(
                f"cleared are volumes no closer to a training patient than {max(risk, null.resolution):.0%} of the "
                f"null: {null.described}. About as many volumes that copy nobody are withheld; copies that lie as far "
                "off as unrelated patients are not found"
            )
        else:
            lines.append("none is cleared unrated: there is no null")
    return lines
