"""
Plot scores against the null
============================

Whether .9 is near depends on how near people get who were never copied. So each score is drawn among those of patients
of the holdout, and of training patients who were left out one by one: the null.
"""

# %%
# One measure
# -----------
# ``nearest`` has the closest score of each synthetic volume by each measure, ``null`` those of the patients.
import matplotlib.pyplot as plt
import numpy as np

from napari_relict.demo.study import small_study

study = small_study()
scores, null = study.nearest()["nmi"], study.null("nmi")
print(null.source, "-", len(null.scores), "patients")

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.hist(null.scores, bins=12, color="0.8", label="patients of the null")
for place, (name, score) in enumerate(scores.items()):
    ax.plot(score, 0.5 + 0.6 * place, "v", color="tab:red")
    ax.annotate(name, (score, 0.5 + 0.6 * place), textcoords="offset points", xytext=(6, -3))
ax.margins(x=0.1)
ax.set_xlabel("normalised mutual information with the nearest training volume (1 unrelated, 2 the same)")
ax.set_ylabel("patients")
ax.legend()

# %%
# From scores to p
# ----------------
# By ranks alone, no volume can be rarer than one in so many patients. The verdicts go below that: beyond the null they
# assume that closeness falls off as it does among its nearest patients, and the evidence says so.
from napari_relict.calibration.null import p_values, q_values

by_ranks = p_values(scores.to_numpy(), null.scores)
verdicts = study.verdicts().set_index("synthetic").loc[scores.index]
for name, rank, p in zip(scores.index, by_ranks, verdicts["p_value"], strict=True):
    print(f"{name}: p by ranks {rank:.3f}, as the verdict has it {p:.2g}")
print("q-values of the ranks:", np.round(q_values(by_ranks), 3))

# %%
# Two measures at once
# --------------------
# Copies stand apart in one of the two at least; strangers lie where the patients lie.
others = study.nearest("holdout")
figure, ax = plt.subplots(figsize=(6, 5), layout="constrained")
ax.plot(others["nmi"], others["bend"], "o", color="0.6", label="holdout")
for verdict, marker in (("no replica", "s"), ("undecided", "^"), ("near replica", "D"), ("exact replica", "*")):
    called = verdicts.index[verdicts["verdict"] == verdict]
    here = study.nearest().loc[called]
    ax.plot(here["nmi"], here["bend"], marker, linestyle="", markersize=9, label=verdict)
ax.set_xlabel("NMI of the aligned pair")
ax.set_ylabel("bend between the two, mm")
ax.legend()
