"""TotalSegmentator (Wasserthal et al., 2023), where the user has installed it: run as a program of its own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import SimpleITK as sitk

from napari_relict.errors import DataError
from napari_relict.segmenters.contract import SegmenterKind, Segmenting
from napari_relict.volumes.finding import VolumeFile
from napari_relict.volumes.intensity import Modality
from napari_relict.volumes.reading import read_segmentation

PROGRAM = "TotalSegmentator"
TASKS: dict[Modality, str] = {"ct": "total", "mr": "total_mr"}


def _open(folder: Path | None, device: str) -> Segmenting:
    program = shutil.which(PROGRAM)
    if program is None:
        remedy = "run: pip install TotalSegmentator (mind its licence and that it fetches weights when first used)"
        raise DataError(PROGRAM, "is not installed", remedy)

    def segment(image: sitk.Image, modality: Modality) -> sitk.Image:
        with tempfile.TemporaryDirectory(prefix="napari-relict-") as scratch:
            given, made = Path(scratch, "volume.nii.gz"), Path(scratch, "labels.nii.gz")
            sitk.WriteImage(image, str(given))
            command = [program, "-i", str(given), "-o", str(made), "--ml", "--task", TASKS[modality]]
            command += ["--device", "gpu" if device != "cpu" else "cpu"]
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
            if done.returncode or not made.is_file():
                lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
                said = f" ({lines[-1].strip()[:200]})" if lines else ""
                raise DataError(PROGRAM, f"failed{said}", "run it by hand on this volume to see why")
            return read_segmentation(VolumeFile("labels", (made,)), image)

    return segment


KIND = SegmenterKind("totalsegmentator", "organs by TotalSegmentator", ("ct", "mr"), {}, _open)
