"""Cohort x cohort -> nearest training volumes, exact."""

from napari_relict.matching.candidates import Nearest, PairScores
from napari_relict.matching.duplicates import Duplicate, find_duplicates
from napari_relict.matching.part_cache import PartCache
from napari_relict.matching.search import Cohorts, Depth, MatchResult, match_cohorts
from napari_relict.matching.verified_cache import VerifiedCache

__all__ = [
    "Cohorts",
    "Depth",
    "Duplicate",
    "MatchResult",
    "Nearest",
    "PairScores",
    "PartCache",
    "VerifiedCache",
    "find_duplicates",
    "match_cohorts",
]
