"""Every rule by name. A new one: write its file, add its line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from napari_relict.calibration.rules import (
    authenticity,
    dar,
    data_copying,
    dcr,
    fixed_cuts,
    holdout_null,
    memorization_index,
    ratios,
)
from napari_relict.calibration.rules.evidence import WORDS, Evidence
from napari_relict.calibration.rules.outcome import Outcome
from napari_relict.errors import UsageError

FEATURES = ("training", "synthetic")
ALL_FEATURES = ("training", "holdout", "synthetic")


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    name : str
        As `--cut` and the tables call it.
    title : str
        As people read it.
    source : str
        The paper.
    needs : tuple of str
        Attributes of `Evidence` without which it cannot be applied.
    run : callable
        (Evidence whose needed attributes are there) -> outcome.
    speaks_of : {'volumes', 'set'}, default: 'volumes'
        `volumes` where it calls single volumes, `set` where it judges the set as a whole.
    nominal : bool, default: False
        How often it is wrong when nobody was copied is what it says, whatever the data and the pools' sizes.
    needs_cut : bool, default: False
        No cut is published; without one in `Evidence.cuts` no volume is called, but by p-values of its own.
    of_layers : bool, default: False
        It is published for several layers of one network.
    caution : str, default: ''
        What to keep in mind of its numbers, in words; docs/benchmarks.md has the simulations that taught it.
    """

    name: str
    title: str
    source: str
    needs: tuple[str, ...]
    run: Callable[[Any], Outcome]  # of Evidence whose needed attributes are there
    speaks_of: Literal["volumes", "set"] = "volumes"
    nominal: bool = False
    needs_cut: bool = False
    of_layers: bool = False
    caution: str = ""

    def missing(self, evidence: Evidence) -> list[str]:
        """List what it needs and `evidence` lacks.

        Parameters
        ----------
        evidence : Evidence
            What is known of the synthetic volumes.

        Returns
        -------
        list of str
            In words; empty where it can be applied.
        """
        return [WORDS[need] for need in self.needs if getattr(evidence, need) is None]

    def __call__(self, evidence: Evidence) -> Outcome:
        """Apply it.

        Parameters
        ----------
        evidence : Evidence
            What is known of the synthetic volumes.

        Returns
        -------
        Outcome
            What the rule says of them.

        Raises
        ------
        UsageError
            Something it needs is missing.
        DataError
            Arrays that the rule is not defined for; it says why.
        """
        if missing := self.missing(evidence):
            raise UsageError(f"{self.title}: needs {', '.join(missing)}")
        return self.run(evidence)


_FIXED_CUT = "a fixed cut: how often strangers exceed it depends on the data and on how many training volumes there are"
_HIDDEN = "a second scan of a patient in training hides a copy of the first"

_ALL = (
    Rule(
        "holdout_null", "q-values against a holdout", holdout_null.SOURCE, ("scores", "null"),
        lambda e: holdout_null.holdout_null(
            e.scores, e.null, alpha=e.alpha, estimated_on=e.null_source, gaps=e.gaps, null_gaps=e.null_gaps,
            left_out=e.left_out, steadfast=e.steadfast, tail=e.tail,
        ),
        nominal=True,
        caution="beyond the null p rests on a fitted tail, an assumption",
    ),
    Rule(
        "mi_calibrated", "Memorization index, calibrated", f"after {memorization_index.SOURCE}", ALL_FEATURES,
        lambda e: memorization_index.calibrated(
            *map(e.by_layer, ALL_FEATURES), cut=e.cuts.get("mi_calibrated"), alpha=e.alpha, seed=e.seed
        ),
        needs_cut=True, of_layers=True,
        caution="MI 0 is neutral; called by its p-values, for a cut at 1.64 calls 6 to 8% of strangers",
    ),
    Rule(
        "mi_published", "Memorization index, as published", memorization_index.SOURCE, FEATURES,
        lambda e: memorization_index.published(
            *map(e.by_layer, FEATURES), cut=e.cuts.get("mi_published"), seed=e.seed
        ),
        needs_cut=True, of_layers=True,
        caution="0 is not neutral: ONI of strangers can be anything from +.3 to -1 (memorised)",
    ),
    Rule(
        "dar_published", "Correlation cut of Dar et al., as published", dar.SOURCE, ALL_FEATURES,
        lambda e: dar.published(*e.correlation_matrices),
        caution="calls more than 5% of strangers where there are more of them than validation volumes",
    ),
    Rule(
        "dar_matched", "Correlation cut of Dar et al., pools matched", f"after {dar.SOURCE}", ALL_FEATURES,
        lambda e: dar.matched(*e.correlation_matrices, seed=e.seed), nominal=True,
        caution="calls about 5% of strangers, by design",
    ),
    Rule(
        "deepssim", fixed_cuts.DEEPSSIM["deepssim"].title, fixed_cuts.DEEPSSIM["deepssim"].source, ("deepssim",),
        lambda e: fixed_cuts.deepssim(e.deepssim), caution=_FIXED_CUT,
    ),
    Rule(
        "deepssim++", fixed_cuts.DEEPSSIM["deepssim++"].title, fixed_cuts.DEEPSSIM["deepssim++"].source,
        ("deepssim_plus",), lambda e: fixed_cuts.deepssim(e.deepssim_plus, "deepssim++"), caution=_FIXED_CUT,
    ),
    Rule(
        "sscd", "SSCD", fixed_cuts.SSCD_SOURCE, ("sscd",), lambda e: fixed_cuts.sscd(e.sscd),
        caution=_FIXED_CUT,
    ),
    Rule(
        "correlation", "Largest correlation", fixed_cuts.CORRELATION_SOURCE, ("largest_correlation",),
        lambda e: fixed_cuts.correlation(e.largest_correlation, e.cuts.get("correlation")), needs_cut=True,
        caution=_FIXED_CUT,
    ),
    Rule(
        "calibrated_l2", "Calibrated l2", ratios.CARLINI, FEATURES,
        lambda e: ratios.calibrated_l2(e.nearest_training[0], cut=e.cuts.get("calibrated_l2")), needs_cut=True,
        caution=_HIDDEN,
    ),
    Rule(
        "third", "Nearest below a third of the second", ratios.YOON, FEATURES,
        lambda e: ratios.third(e.nearest_training[0]), caution=_HIDDEN,
    ),
    Rule(
        "nndr", "Nearest neighbour distance ratio", "common practice", FEATURES,
        lambda e: ratios.nndr(e.nearest_training[0], cut=e.cuts.get("nndr")), needs_cut=True,
        caution=_HIDDEN,
    ),
    Rule(
        "authenticity", "Authenticity", authenticity.SOURCE, FEATURES,
        lambda e: authenticity.authenticity(
            e.nearest_training[0][:, 0], e.nearest_training[1][:, 0], e.training_nearest_other
        ),
        caution="has no zero: a third and more of strangers can be called",
    ),
    Rule(
        "data_copying", "Data-copying test C_T", data_copying.SOURCE, ALL_FEATURES,
        lambda e: data_copying.data_copying(*map(e.side_by_side, ALL_FEATURES), seed=e.seed), speaks_of="set",
        caution="judges the set: a few copies among many volumes hardly move it",
    ),
    Rule(
        "closest_record", "Distance to the closest record", dcr.SOURCE, ALL_FEATURES,
        lambda e: dcr.closest_record(*map(e.side_by_side, ALL_FEATURES), seed=e.seed), speaks_of="set",
        caution="judges the set; its p is too small with many more synthetic than holdout volumes",
    ),
)  # fmt: skip
RULES: Mapping[str, Rule] = {rule.name: rule for rule in _ALL}
