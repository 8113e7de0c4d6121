"""
From ratings to thresholds
==========================

What experts say of pairs turns scores into thresholds: where to cut a measure so that it agrees with them, and how
sure that is.
"""

# %%
# Ratings
# -------
# They come from the reading room, or from a table with a row a rating: reader, synthetic, training, grade (1
# different, 2 similar, 3 near replica, 4 exact replica). Here a reader is made up who sees what was planted. ``study``
# is a copy, so that the ratings do not stay.
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from napari_relict import Study
from napari_relict.demo.study import small_study

folder = Path(tempfile.mkdtemp())
study = Study.open(shutil.copytree(small_study().folder, folder / "study"))
planted = pd.read_csv(study.folder / "source" / "truth.csv").set_index("synthetic")["relation"]
matches = study.matches()
ratings = matches.loc[matches["rank"] == 1, ["synthetic", "training"]].assign(reader="A. Reader")
grades = ratings["synthetic"].map(planted).map({"exact replica": 4, "near replica": 3})
ratings["grade"] = grades.fillna(1).astype(int)
ratings.to_csv(folder / "ratings.csv", index=False)
print(study.import_ratings(folder / "ratings.csv"), "ratings")

# %%
# Thresholds
# ----------
# ``calibrate`` gives one for each measure, with its interval and with what chance would reach on as few ratings.
thresholds = study.calibrate()
thresholds[
    [
        "measure",
        "threshold",
        "threshold_low",
        "threshold_high",
        "balanced_accuracy_corrected",
        "balanced_accuracy_null95",
    ]
]

# %%
# Seven ratings are few: the note says so, and the intervals show it.
import matplotlib.pyplot as plt

print(thresholds.loc[0, "note"])
shown = thresholds[thresholds["measure"].isin(["ncc", "nmi", "half_ncc", "ssim", "dice"])].iloc[::-1]
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for place, (_, row) in enumerate(shown.iterrows()):
    ax.hlines(place, row["threshold_low"], row["threshold_high"], color="0.6", linewidth=6)
    scores = study.nearest()[row["measure"]]
    replica = scores.index.map(planted).isin(["exact replica", "near replica"])
    ax.plot(scores[replica], [place] * replica.sum(), "D", color="tab:red")
    ax.plot(scores[~replica], [place] * (~replica).sum(), "o", color="tab:blue")
    ax.plot(row["threshold"], place, "|", color="black", markersize=16)
ax.set_yticks(range(len(shown)), shown["measure"])
ax.set_xlabel("score: rated a replica (diamonds) or not (circles), threshold and its interval")

# %%
# What to rate next
# -----------------
# With more volumes than readers have time for, ``next_to_rate`` has the pairs first that narrow the interval soonest,
# and ``ratings_needed`` says how many more an interval of some width takes. Here all volumes have been rated.
print(len(study.next_to_rate(3)), "left to rate;", study.ratings_needed(0.02, "nmi").note)

# %%
# Tidy up.
study.close()
shutil.rmtree(folder)
