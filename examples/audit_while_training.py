"""
Count copies while a generator trains
=====================================

Copying begins at some epoch, usually long after the volumes look good. An audit is called with the number of each
finished epoch; every few epochs it samples volumes, matches them with the study's and counts.
"""

# %%
# A generator that learns by heart
# --------------------------------
# Yours is a network. This one stands in for it: at first it makes heads of nobody, later more and more often the head
# of a training patient, with some noise.
import numpy as np
import pandas as pd

from napari_relict.demo.study import small_study

study = small_study()
training, synthetic = study.prepared("training"), study.prepared("synthetic")
planted = pd.read_csv(study.folder / "source" / "truth.csv").set_index("synthetic")["relation"]
patients = training.images(training.names)
nobody = synthetic.images([name for name in synthetic.names if planted[name] == "no replica"])
random = np.random.default_rng(0)
memorised = 0.0  # how often it gives a patient back


def sample(number):
    """Volumes (z, y, x) of the generator as it is now."""
    heads = [random.choice(patients if random.random() < memorised else nobody) for _ in range(number)]
    return [head + random.normal(0, 0.02, head.shape).astype(np.float32) for head in heads]


# %%
# The audit
# ---------
# It uses the study's prepared volumes, its measures and its null, and changes nothing in it. Any training loop can
# call it, as can those of MONAI, Ignite and Lightning (``audit.attach``, ``audit.lightning``).
audit = study.audit_while_training(sample, every=10, volumes=2)
for epoch in range(1, 31):
    memorised = max(0.0, (epoch - 10) / 20)
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
ax.set_ylabel("of 2 volumes")
ax.legend()
