"""Views as the 3D network learns from them: embedded after their pose was undone, with what undoing it still owes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from napari_relict.training.views import View

WEIGHT = 0.1  # of the loss of poses, a mm
ROUNDING = 1.0  # mm; errors well below it hardly matter


@dataclass(frozen=True)
class Posed:
    """Views with known poses.

    Attributes
    ----------
    images : torch.Tensor of float32, shape (n, 1, z, y, x)
        The views.
    poses : torch.Tensor of float32, shape (n, 3, 4)
        See `View`.
    """

    images: Any
    poses: Any


def stacked(views: Sequence[View]) -> Posed:
    """Stack views into a batch.

    Parameters
    ----------
    views : sequence of View
        Of one grid.

    Returns
    -------
    Posed
        The batch.
    """
    import torch

    images = torch.from_numpy(np.stack([view.image for view in views]))[:, None]
    return Posed(images, torch.from_numpy(np.stack([view.pose for view in views])))


def embedded(net: Any, views: Posed, device: str) -> tuple[Any, Any]:
    """Embed views after their pose was undone.

    Parameters
    ----------
    net : torch.nn.Module
        Of `volume_net`.
    views : Posed
        With their poses.
    device : str
        "cpu" or "cuda".

    Returns
    -------
    tuple of 2 torch.Tensor
        Vectors (n, features) and the weighted loss of the poses.
    """
    images, poses = views.images.to(device), views.poses.to(device)
    seen = net.seen_as(images)
    rounds = net.poses(seen)
    vectors = net.of_stages(net.stages(net.placed(seen, rounds[-1].detach())))
    return vectors, WEIGHT * sum(distance(pose, poses, net.corner) for pose in rounds) / len(rounds)


def distance(found: Any, poses: Any, corner: Any) -> Any:
    """Measure how far eight places half-way to the corners of the grid end from where they belong.

    Parameters
    ----------
    found, poses : torch.Tensor of shape (n, 3, 4)
        Poses as the network has them, and as they are.
    corner : torch.Tensor of shape (3,)
        Of the grid, mm z, y, x from its middle.

    Returns
    -------
    torch.Tensor
        Mm, mean of the views.
    """
    corners = corner.new_tensor(list(product((-0.5, 0.5), repeat=3))) * corner
    off = (found - poses)[:, :, :3] @ corners.T + (found - poses)[:, :, 3:]
    return ((off**2).sum(1).mean(1) + ROUNDING**2).sqrt().mean()
