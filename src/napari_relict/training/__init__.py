"""Trains the encoders that are ours: DeepSSIM and contrastive copy detection. torch is imported on first use only."""

from napari_relict.encoders.trained import Trained
from napari_relict.training.loop import Epoch, Schedule
from napari_relict.training.run import KINDS, Asked, train

__all__ = ["KINDS", "Asked", "Epoch", "Schedule", "Trained", "train"]
