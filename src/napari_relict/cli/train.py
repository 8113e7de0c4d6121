"""The command `train`: encoders trained on the study's own volumes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_relict.cli.options import Device, StudyFolder, open_study
from napari_relict.cli.terminal import TerminalProgress, say


class EncoderKind(StrEnum):
    """What can be trained."""

    deepssim = "deepssim"
    deepssim_2d = "deepssim_2d"
    contrastive = "contrastive"


class TrainedOn(StrEnum):
    """Whose volumes it learns from."""

    training = "training"
    holdout = "holdout"


def train(
    kind: Annotated[EncoderKind, typer.Argument(show_default=False)],
    study: StudyFolder,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="of the measure; default: the kind", show_default=False)
    ] = None,
    on: Annotated[
        TrainedOn, typer.Option(help="training, or half of the holdout's patients, who are no null from then on")
    ] = TrainedOn.training,
    epochs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="at most; default: as the kind has it", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="of everything drawn")] = 0,
    published: Annotated[bool, typer.Option("--published", help="contrastive: as Dar et al. have it")] = False,
    backbone: Annotated[
        str, typer.Option(help="of deepssim_2d: mobilenet_v2, convnext_tiny, convnext_small or convnext_base")
    ] = "mobilenet_v2",
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="ImageNet weights the backbone starts from", show_default=False),
    ] = None,
    device: Annotated[Device, typer.Option(help="where it is trained")] = Device.cpu,
) -> None:
    """Train an encoder on the study's own volumes. A stopped training goes on where it was."""
    from napari_relict.training import Epoch

    opened = open_study(study)
    losses: list[float] = []

    def report(epoch: Epoch) -> None:
        best = " *" if epoch.checking_loss < min(losses, default=float("inf")) else ""
        losses.append(epoch.checking_loss)
        checked = f"on patients it does not learn from {epoch.checking_loss:.4f}{best}"
        say(f"epoch {epoch.number}: loss {epoch.loss:.4f}, {checked}")

    with TerminalProgress() as progress:
        encoder = opened.train(
            kind.value,
            name=name,
            on=on.value,
            epochs=epochs,
            seed=seed,
            published=published,
            backbone=backbone,
            weights=weights,
            device=device.value,
            progress=progress,
            report=report,
        )
    best = min(range(len(losses)), key=losses.__getitem__) + 1
    say(
        f"wrote {encoder.file}: trained on {encoder.volumes} {on.value} volumes, {len(losses)} epochs, "
        f"the best was {best}"
    )
    if "holdout" not in opened.settings.cohorts:
        say(
            "note: without a holdout, p-values compare training volumes, which this encoder knows, with synthetic "
            "ones, which it does not: do not rest a verdict on them alone"
        )
    say(f"{encoder.name} is a measure of this study now. Next: napari-relict match {study}")
