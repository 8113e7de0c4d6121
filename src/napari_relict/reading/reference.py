"""What the readers say of each pair, taken together."""

from __future__ import annotations

import pandas as pd

from napari_relict.calibration.verdicts import REPLICA_GRADE
from napari_relict.reading.reading_list import ROUNDS

KEY = ["synthetic", "training"]
CONSENSUS = "consensus"


def ratings_that_count(standing: pd.DataFrame) -> pd.DataFrame:
    """The ratings that feed calibration and labels.

    Hidden repeats never count; of each reader and pair the latest round does. Where a pair has a consensus, that alone
    does, the latest one where there are several.

    Parameters
    ----------
    standing : as `napari_relict.reading.ratings.standing` gives them.
    """
    own, settled = _own_and_settled(standing)
    both = pd.concat([own[~_among(own, settled)], settled])
    return both.sort_index().reset_index(drop=True)


def reference_labels(standing: pd.DataFrame) -> pd.DataFrame:
    """One row a rated pair.

    Returns
    -------
    synthetic, training, grade (consensus, or median of the readers), replica (a median of 2.5 is one: withholding a
    volume wrongly costs less than releasing a patient), source, readers (how many), lowest, highest (of the readers'
    own grades; of the consensus where nobody rated alone), blinded (share of the ratings it rests on), synthetic_hash,
    training_hash (SHA-256 of the volumes that were read).
    """
    own, settled = _own_and_settled(standing)
    columns = [*KEY, "grade", "replica", "source", "readers", "lowest", "highest", "blinded"]
    rows = []
    alone = dict(iter(own.groupby(KEY)))
    agreed = dict(iter(settled.groupby(KEY)))
    for synthetic, training in sorted({*alone, *agreed}):
        key = (synthetic, training)
        counted = agreed.get(key, alone.get(key))
        mine = alone.get(key, counted)
        assert counted is not None and mine is not None
        readers = mine["reader"].nunique()
        grade = float(counted["grade"].median())
        several = f"median of {readers} readers" if readers > 1 else "one reader"
        rows.append(
            {
                "synthetic": synthetic,
                "training": training,
                "grade": grade,
                "replica": grade >= REPLICA_GRADE - 0.5,
                "source": CONSENSUS if key in agreed else several,
                "readers": readers,
                "lowest": int(mine["grade"].min()),
                "highest": int(mine["grade"].max()),
                "blinded": float(counted["blinded"].mean()),
                "synthetic_hash": counted["synthetic_hash"].iloc[-1],
                "training_hash": counted["training_hash"].iloc[-1],
            }
        )
    return pd.DataFrame(rows, columns=[*columns, "synthetic_hash", "training_hash"])


def disagreements(standing: pd.DataFrame, least_spread: int) -> pd.DataFrame:
    """Pairs of which readers' grades lie at least `least_spread` apart, or on two sides of replica or not.

    Returns
    -------
    synthetic, training, lowest, highest, spread, consensus (bool), grades (text, "A 4, B 1"); those without a
    consensus first, the widest apart first.
    """
    own, settled = _own_and_settled(standing)
    agreed = set(map(tuple, settled[KEY].to_numpy()))
    rows = []
    for (synthetic, training), mine in own.groupby(KEY):
        lowest, highest = int(mine["grade"].min()), int(mine["grade"].max())
        if highest - lowest < least_spread and not lowest < REPLICA_GRADE <= highest:
            continue
        given = sorted(zip(mine["reader"], mine["grade"], strict=True))
        rows.append(
            {
                "synthetic": synthetic,
                "training": training,
                "lowest": lowest,
                "highest": highest,
                "spread": highest - lowest,
                "consensus": (synthetic, training) in agreed,
                "grades": ", ".join(f"{reader} {grade}" for reader, grade in given),
            }
        )
    frame = pd.DataFrame(rows, columns=[*KEY, "lowest", "highest", "spread", "consensus", "grades"])
    return frame.sort_values(["consensus", "spread", *KEY], ascending=[True, False, True, True], ignore_index=True)


def _own_and_settled(standing: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each reader's latest grade of each pair, and each pair's latest consensus."""
    first = standing[~standing["repeat"]]
    in_order = first.assign(stage=first["round"].map(ROUNDS.index)).sort_values(["stage", "time"], kind="stable")
    in_order = in_order.drop(columns="stage")
    consensus = in_order["round"] == CONSENSUS
    return (
        in_order[~consensus].drop_duplicates(["reader", *KEY], keep="last"),
        in_order[consensus].drop_duplicates(KEY, keep="last"),
    )


def _among(ratings: pd.DataFrame, pairs: pd.DataFrame) -> pd.Series[bool]:
    known = set(map(tuple, pairs[KEY].to_numpy()))
    return pd.Series([tuple(pair) in known for pair in ratings[KEY].to_numpy()], index=ratings.index, dtype=bool)
