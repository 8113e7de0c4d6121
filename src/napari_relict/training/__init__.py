"""Trains the encoders that are ours: DeepSSIM and contrastive copy detection. torch is imported on first use only."""

from napari_relict.training.loop import Epoch, Schedule
from napari_relict.training.run import KINDS, train

__all__ = ["KINDS", "Epoch", "Schedule", "train"]
