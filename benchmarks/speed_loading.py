"""How fast compressed volumes are read from disk: ours, on all cores, against what people use, one after the other.

Each volume is let go once it is read (a deque of length 0 keeps nothing), as when a cohort is prepared.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from benchmarks.prepared import a_head
from benchmarks.timing import Row, compared, seconds, titled
from napari_relict.jobs.executors import workers
from napari_relict.volumes.finding import find_volumes
from napari_relict.volumes.reading import read_volume

Read = Callable[[Path], np.ndarray]


def measure_loading(side: int = 200, files: int = 8) -> list[Row]:
    """One row a peer: milliseconds a volume of `side`³ int16, .nii.gz. Ours also checks each file.

    Raises
    ------
    ValueError : the voxels are not the peer's.
    """
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as made:
        draw = a_head(side)
        for number in range(files):
            values = (1000 * draw((0, number))).astype(np.int16)
            sitk.WriteImage(sitk.GetImageFromArray(values), str(Path(made, f"{number}.nii.gz")))
        found, _ = find_volumes(Path(made))
        paths = [file.paths[0] for file in found]
        with ThreadPoolExecutor(workers()) as pool:
            ours = seconds(lambda: deque(pool.map(lambda file: read_volume(file).GetSize(), found), 0), 3) / files
        alone = seconds(lambda: deque(map(read_volume, found), 0), 3) / files
        expected = sitk.GetArrayFromImage(read_volume(found[0]))
        size = f"{side}³ int16"
        part = "loading .nii.gz"
        note = f"ours on {workers()} threads, and it looks for damage and NaN"
        rows.append(compared(part, size, "ours, one thread", alone, ours, 0.0, note))
        for name, read in peers():
            if read is None:
                rows.append(compared(part, size, name, None, ours, None, ""))
                continue
            difference = float(np.abs(read(paths[0]) - expected.astype(np.float64)).max())
            if difference:
                raise ValueError(f"{name} reads other voxels")
            theirs = seconds(lambda: deque(map(read, paths), 0), 3) / files  # noqa: B023 (called at once)
            rows.append(compared(part, size, name, theirs, ours, difference, f"one after the other; {note}"))
    return rows


def peers() -> Iterator[tuple[str, Read | None]]:
    """Each reads one file into (z, y, x)."""
    yield f"SimpleITK {sitk.Version.VersionString()}", lambda path: sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    try:
        title = titled("nibabel")
        import nibabel
    except ImportError:
        yield "nibabel", None
        yield "MONAI", None  # reads NIfTI through nibabel
        return
    yield title, lambda path: np.asarray(nibabel.load(path).dataobj).T
    from monai.transforms import LoadImage

    load = LoadImage(image_only=True)
    yield f"MONAI {titled('monai').split()[1]}", lambda path: load(path).numpy().T


if __name__ == "__main__":
    for row in measure_loading():
        print(*(f"{value:.4g}" if isinstance(value, float) else value for value in row.values()), sep=" | ")
