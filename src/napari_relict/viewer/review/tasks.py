"""What a review has worked out in threads: plain functions of a study, of images."""

from __future__ import annotations

import pandas as pd

from napari_relict.decisions.judging import JudgedStudy
from napari_relict.decisions.published_rules import judge_by_rules
from napari_relict.records.reader import Stored
from napari_relict.viewer.data_models.scores import Scores, said_of_study
from napari_relict.viewer.pair.label_scores import COLUMNS, label_scores
from napari_relict.viewer.pair.pair import PairImages, PairKey
from napari_relict.viewer.session.session import ReadingSession
from napari_relict.viewer.source import ReviewSource


def prepare(study: ReviewSource, reader: str, blinded: bool, round: str) -> tuple[ReadingSession, Scores]:
    """What a review needs from the study."""
    return ReadingSession(study, reader, blinded=blinded, round=round), Scores(study)


def labels_of(images: PairImages) -> tuple[PairKey, pd.DataFrame]:
    """Scores of the segmentations of a pair, and whose they are."""
    left, right = images.left_labels, images.right_labels
    if left is None or right is None:
        return images.key, pd.DataFrame(columns=list(COLUMNS))
    return images.key, label_scores(left, right, images.spacing)


def calibration_of(study: JudgedStudy) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[str]]:
    """Thresholds, verdicts, the rated volumes they rest on, and what has to be said of them."""
    return study.calibrate(), study.verdicts(), study.rated_volumes(), said_of_study(study)


def rules_of(study: Stored) -> pd.DataFrame:
    """What published rules say; of what the last match stored."""
    return judge_by_rules(study)


def agreement_of(study: ReviewSource) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Agreement, disagreements, and the ratings they come from."""
    return study.agreement(), study.disagreements(), study.standing_ratings()
