"""
Find copies among arrays
========================

Volumes that are arrays already need no study of one's own: training, synthetic and holdout volumes go in, a table comes
out. Here they are a few of the demo's heads on one grid.
"""

# %%
# The volumes
# -----------
# Arrays (z, y, x) whose z grows upwards, y backwards and x to the patient's left, by name; tensors do as well, and so does a
# plain list. Two of the four synthetic volumes were planted: one is a training volume saved again, one a training volume
# mirrored.
from napari_relict import find_copies
from napari_relict.demo.study import small_study

study = small_study()
volumes = study.volumes()


def arrays(cohort):
    """The volumes of a cohort, by name."""
    names = volumes.loc[volumes["cohort"] == cohort, "name"]
    return {name: study.volume(cohort, name).image for name in names}


training, holdout = arrays("training"), arrays("holdout")
synthetic = dict(list(arrays("synthetic").items())[:4])
spacing = study.volume("training", next(iter(training))).spacing
print(len(training), "training and", len(holdout), "holdout volumes of", spacing, "mm")

# %%
# The answer
# ----------
# One row a synthetic volume. Holdout volumes are what makes the p-values: patients whom the generator never saw.
table = find_copies(training, synthetic, spacing=spacing, holdout=holdout)
table[["synthetic", "training", "verdict", "p_value", "q_value"]]

# %%
# Whose copy it is can be looked at: the synthetic volume in the upper row, its nearest training volume in the lower one.
import matplotlib.pyplot as plt

figure, axes = plt.subplots(2, len(table), figsize=(10, 5), layout="constrained")
for column, (_, row) in zip(axes.T, table.iterrows(), strict=True):
    for ax, volume, name in (
        (column[0], synthetic[row["synthetic"]], row["synthetic"]),
        (column[1], training[row["training"]], row["training"]),
    ):
        ax.imshow(volume[len(volume) // 2], cmap="gray", vmin=0, vmax=1)
        ax.set_title(name)
        ax.set_axis_off()
    column[0].set_title(f"{row['synthetic']}: {row['verdict']}")
