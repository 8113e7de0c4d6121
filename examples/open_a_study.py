"""
Open a study and read its verdicts
==================================

A study that was matched, here or by ``napari-relict match``, is opened by its folder. What it holds comes as tables.
"""

# %%
# ``Study.open("my-study")`` opens a study of your own; this is a small one of the demo's heads.
from napari_relict.demo.study import small_study

study = small_study()
print(study)

# %%
# Verdicts
# --------
# One row a synthetic volume: which training volume it is nearest to, and what that means. ``q_value`` bounds the share
# of false calls among those with a smaller one.
verdicts = study.verdicts()
verdicts[["synthetic", "training", "verdict", "p_value", "q_value", "rule"]]

# %%
# Why, in words, for the first of them:
print(verdicts.loc[0, "evidence"])

# %%
# Matches
# -------
# The scores behind it, one row a pair: the nearest training volumes of each synthetic one, and what every measure says
# of them. Measures of aligned pairs are empty for pairs that did not lead by any searched measure.
matches = study.matches()
matches.loc[matches["rank"] <= 2, ["synthetic", "training", "rank", "mirrored", "ncc", "nmi", "dice", "bend"]]

# %%
# Volumes
# -------
# Prepared volumes are arrays (z, y, x) from 0 to 1, on one grid and in one pose: the copies above, their nearest
# training volumes below.
import matplotlib.pyplot as plt

copies = verdicts[verdicts["verdict"].isin(["exact replica", "near replica"])]
figure, axes = plt.subplots(2, len(copies), figsize=(10, 6), layout="constrained", squeeze=False)
for column, (_, row) in zip(axes.T, copies.iterrows(), strict=True):
    for ax, cohort in zip(column, ("synthetic", "training"), strict=True):
        image = study.volume(cohort, row[cohort]).image
        ax.imshow(image[len(image) // 2], cmap="gray", vmin=0, vmax=1)
        ax.set_title(f"{cohort} {row[cohort]}", fontsize=10)
        ax.set_axis_off()

# %%
# Was it right?
# -------------
# The demo knows what it planted. Nobody's study does: that is what the p-values are for.
import pandas as pd

planted = pd.read_csv(study.folder / "source" / "truth.csv")
side_by_side = planted.merge(verdicts, on="synthetic", suffixes=("_planted", ""))
side_by_side[["synthetic", "relation", "training_planted", "verdict", "training"]]
