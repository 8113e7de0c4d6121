"""
Judge the quality of a cohort
=============================

A copy is as good a volume as there can be, so quality says little beside copying. And each metric depends on how many
volumes it is given: so it stands beside its *floor*, what as many real patients give when they are dealt out in the
same way.
"""

# %%
# ``quality`` takes the features and radiomics of the study's volumes; without ``metrics`` all are computed.
# ``standing`` says in words where a metric lies beside its floor.
from napari_relict.demo.study import small_study

study = small_study()
table = study.quality(metrics=["frechet", "precision", "recall", "vendi", "auth_pct"])
table[["title", "space", "value", "floor_low", "floor_high", "standing"]]

# %%
# A metric says something where it leaves the range of real patients. Four copies among seven volumes make a cohort
# *better* than real patients are: its features lie nearer to the training set's than any other patients' would.
import matplotlib.pyplot as plt

slices = [space for space in table["space"].unique() if space.endswith("_slices")]
shown = table[table["space"] == slices[-1]]
figure, axes = plt.subplots(1, len(shown), figsize=(10, 3), layout="constrained")
for ax, (_, row) in zip(axes, shown.iterrows(), strict=True):
    ax.vlines(0, row["floor_low"], row["floor_high"], color="0.7", linewidth=12)
    ax.plot(0, row["value"], "D", color="tab:red")
    ax.set_xticks([])
    ax.set_title(f"{row['title']}\n({row['better']} is better)", fontsize=9)
figure.suptitle("the cohort (diamonds) and what real patients give (bars)")

# %%
# What is said of copies
# ----------------------
for _, row in table[table["standing"].str.contains("copies")].iterrows():
    print(f"{row['title']} ({row['space']}): {row['standing']}")
