"""
Judge the quality of a cohort
=============================

Copies would be the best volumes of all, so quality is judged beside copying. Each metric stands beside its *floor*: what as many
real patients give when they are dealt out in the same way.
"""

# %%
# ``quality`` takes the features, radiomics and label maps that the study has.
from napari_relict.demo.study import small_study

study = small_study()
table = study.quality()
table

# %%
# A metric says something where it leaves the range of real patients.
import matplotlib.pyplot as plt
