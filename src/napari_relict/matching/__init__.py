"""Cohort x cohort -> nearest training volumes, exact."""

from napari_relict.matching.duplicates import Duplicate, find_duplicates
from napari_relict.matching.search import Cohorts, MatchResult, Nearest, PairScores, match_cohorts

__all__ = [
    "Cohorts",
    "Duplicate",
    "MatchResult",
    "Nearest",
    "PairScores",
    "find_duplicates",
    "match_cohorts",
]
