"""
Published rules side by side
============================

Others have published rules that say which synthetic volumes are copies. All of them can be asked about one study:
nothing is searched again.
"""

# %%
# One row a rule: how many volumes it calls copies, and what its numbers rest on. A cut of one's own goes to rules for
# which none is published.
from napari_relict.decisions.published_rules import judge_by_rules
from napari_relict.demo.study import small_study

study = small_study()
table = judge_by_rules(study, cuts={"correlation": 0.95})
table[["rule", "called", "share", "low", "high", "estimated_on"]]

# %%
# Four of the seven volumes were planted. Rules are drawn with the interval of the share they call; rules that judge
# the set as a whole, or could not be applied, call no single volume.
import matplotlib.pyplot as plt

calling = table[table["called"].notna()].iloc[::-1]
figure, ax = plt.subplots(figsize=(7, 0.35 * len(calling) + 1), layout="constrained")
places = range(len(calling))
ax.hlines(places, calling["low"], calling["high"], color="0.6")
ax.plot(calling["share"], places, "o")
ax.axvline(4 / 7, color="tab:red", linestyle="--", label="planted")
ax.set_yticks(places, calling["title"])
ax.set_xlim(0, 1)
ax.set_xlabel("share called copies, 95% interval")
ax.legend()

# %%
# What to keep in mind of a rule, and why one was not applied, is said beside it.
for _, row in table.iterrows():
    print(f"{row['title']}: {row['note']} {row['caution']}".strip())

# %%
# On arrays
# ---------
# A rule is a function of arrays of your own: here features that tell volumes apart but for one copy.
import numpy as np

from napari_relict.calibration.rules import RULES, Evidence

random = np.random.default_rng(0)
features = {name: random.normal(size=(40, 16)) for name in ("training", "holdout", "synthetic")}
features["synthetic"][0] = features["training"][7] + 0.05
outcome = RULES["dar_matched"](Evidence(**{name: [values] for name, values in features.items()}))
print(outcome.said)
