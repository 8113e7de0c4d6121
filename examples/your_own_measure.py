"""
Add your own measure
====================

Your measure may know something of your volumes that ours do not. Nothing has to be registered for a first look:
compute it for the pairs, compute it for the holdout likewise, and ask how rare the synthetic ones are among the
holdout's.

Here it compares *edges*: the correlation of gradient magnitudes of two heads.
"""

import numpy as np

from napari_relict.calibration.null import p_values
from napari_relict.demo.study import small_study

study = small_study()


# %%
# The measure
# -----------
# Two volumes in (float32, (z, y, x), 0 to 1, in one pose), one number out; larger is closer.
def edge_correlation(one, other):
    """Pearson correlation of the lengths of the gradients."""
    lengths = [np.linalg.norm(np.gradient(volume), axis=0).ravel() for volume in (one, other)]
    return float(np.corrcoef(*lengths)[0, 1])


# %%
# Synthetic and holdout go through the same
# -----------------------------------------
# Each volume is compared with all training volumes, as it is and mirrored, and its closest counts. Prepared volumes
# lie in one pose already: turned, shifted and scaled onto one reference.
training = study.prepared("training")
images = training.images(training.names)


def closest(cohort):
    """The closest score of each volume of a cohort, and whose it is."""
    volumes = study.prepared(cohort)
    best = {}
    for name, image in zip(volumes.names, volumes.images(volumes.names), strict=True):
        scores = [max(edge_correlation(image, near), edge_correlation(image[..., ::-1], near)) for near in images]
        best[name] = (max(scores), training.names[int(np.argmax(scores))])
    return best


synthetic, holdout = closest("synthetic"), closest("holdout")

# %%
# How rare
# --------
p = p_values(np.array([score for score, _ in synthetic.values()]), np.array([score for score, _ in holdout.values()]))
for (name, (score, whose)), rarity in zip(synthetic.items(), p, strict=True):
    print(f"{name}: {score:.2f} with {whose}, p {rarity:.2f}")

# %%
# Beside NCC it can be seen what it adds.
import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for cohort, scores, marker in (("holdout", holdout, "o"), ("synthetic", synthetic, "D")):
    ncc = study.nearest(cohort)["ncc"]
    ax.plot(ncc[list(scores)], [score for score, _ in scores.values()], marker, linestyle="", label=cohort)
ax.set_xlabel("NCC with the nearest training volume")
ax.set_ylabel("correlation of edges")
ax.legend()

# %%
# To have it in every table, in the viewer and in the report, it becomes a measure of the house: `Change it
# <../how-to/change-it.html>`_ says which files.
