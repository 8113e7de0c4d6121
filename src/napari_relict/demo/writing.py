"""Puts samples and tables on disk so that a file is either complete or not there."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import SimpleITK as sitk

from napari_relict.demo.plan import FileStyle
from napari_relict.demo.sample import Sample


def write_volume(image: sitk.Image, folder: Path, name: str, style: FileStyle) -> Path:
    """Write a volume with its axes turned; geometry stays right.

    Parameters
    ----------
    image : SimpleITK.Image
        The volume.
    folder : pathlib.Path
        Where it goes.
    name : str
        Without its ending.
    style : FileStyle
        Ending and orientation.

    Returns
    -------
    pathlib.Path
        The file.
    """
    path = folder / f"{name}{style.ending}"
    part = _part(path)
    writer = sitk.ImageFileWriter()
    writer.SetFileName(str(part))
    writer.SetUseCompression(True)
    # Noise hardly compresses: trying hard takes three times as long and gains a few percent.
    writer.SetCompressionLevel(1)
    try:
        writer.Execute(sitk.DICOMOrient(image, style.orientation))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def read_sample(volume: Path, labels: Path, air: float) -> Sample:
    """Read what `write_volume` wrote, axes turned back to LPS.

    Parameters
    ----------
    volume, labels : pathlib.Path
        The two files.
    air : float
        Intensity outside the field of view.

    Returns
    -------
    Sample
        The sample.
    """
    image, organs = (sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS") for path in (volume, labels))
    return Sample(image, organs, air)


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file (UTF-8, one header row).

    Parameters
    ----------
    path : pathlib.Path
        The file.
    header : sequence of str
        Names of the columns.
    rows : iterable of sequence of str
        Texts.
    """
    part = _part(path)
    with part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    part.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8).

    Parameters
    ----------
    path : pathlib.Path
        The file.
    text : str
        What goes in.
    """
    part = _part(path)
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _part(path: Path) -> Path:
    # The ending stays last, for it tells the writer the format; the dot keeps the file out of folder
    # listings.
    return path.with_name(f".part-{os.getpid()}-{path.name}")
