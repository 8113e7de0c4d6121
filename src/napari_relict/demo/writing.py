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
    """Write `image` as `folder`/`name` + ending, axes turned to `style.orientation`; geometry stays right."""
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
    """What `write_volume` wrote, axes turned back to LPS."""
    image, organs = (sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS") for path in (volume, labels))
    return Sample(image, organs, air)


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file (UTF-8, one header row)."""
    part = _part(path)
    with part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    part.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8)."""
    part = _part(path)
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _part(path: Path) -> Path:
    # The ending stays last, for it tells the writer the format; the dot keeps the file out of folder
    # listings.
    return path.with_name(f".part-{os.getpid()}-{path.name}")
