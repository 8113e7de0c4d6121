"""
Count copies while a generator trains
=====================================

Copying begins at some epoch, usually long after the volumes look good. An audit is called with the number of each finished
epoch; every few epochs it samples volumes, matches them with the study's and counts.
"""

# %%
# A generator that learns by heart
# --------------------------------
# Yours is a network. This one stands in for it: early on its volumes are averages of many patients, later each is more and more
# the one patient it has learnt by heart.
import numpy as np

from napari_relict.demo.study import small_study

study = small_study()
training = study.prepared("training")
images = training.images(training.names)
random = np.random.default_rng(0)
learnt = 0.0  # share of a volume that is one patient


def sample(number):
    """Volumes (z, y, x) of the generator as it is now."""
    chosen = random.choice(len(images), number, replace=False)
    return [learnt * images[one] + (1 - learnt) * images.mean(axis=0) for one in chosen]


# %%
# The audit
# ---------
# It uses the study's prepared volumes, its measures and its null, and changes nothing in it. Any training loop can call it, as can
# those of MONAI, Ignite and Lightning (``audit.attach``, ``audit.lightning``).
audit = study.audit_while_training(sample, every=10, volumes=3)
for epoch in range(1, 31):
    learnt = epoch / 30
    if counted := audit(epoch):
        print(counted)

# %%
# The log
# -------
# Lines of the log are in ``history``, and in a CSV file with ``log="audit.csv"``.
import matplotlib.pyplot as plt

epochs = [line.epoch for line in audit.history]
figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(epochs, [line.called for line in audit.history], "o-", label="volumes called copies")
ax.plot(epochs, [line.patients_called for line in audit.history], "s--", label="patients whose copies they are")
ax.set_xlabel("epoch")
ax.set_ylabel("of 3 volumes")
ax.legend()

# %%
# What it samples last
middle = study.prepared("training").grid.shape[0] // 2
figure, axes = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained")
for ax, share in zip(axes, (1 / 3, 2 / 3, 1.0), strict=True):
    learnt = share
    ax.imshow(sample(1)[0][middle], cmap="gray", vmin=0, vmax=1)
    ax.set_title(f"epoch {round(share * 30)}")
    ax.set_axis_off()
