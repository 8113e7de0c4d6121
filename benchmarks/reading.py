"""How fast the reading room is: from a key to both volumes drawn, and what 200 pairs do to memory.

    xvfb-run -a python -m benchmarks.reading [--side 128] [--pairs 200]

A study of made-up volumes is opened in the real window; pairs are gone through as a reader does, each prefetched while
the one before is looked at. "Ours" is the time from the key until every layer, table and text is changed; drawing comes
after it and is software's work on a machine without a graphics card. Writes the section Reading of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from benchmarks.page import machine, table, write_section
from benchmarks.prepared import a_head
from napari_relict.study import Study

VOLUMES = 12
AIM_MS = 150
WARM = 10


def make_study(folder: Path, side: int) -> Study:
    """`VOLUMES` synthetic and training volumes of `side`³ with segmentations, searched by NCC and Dice alone."""
    draw = a_head(side)
    for cohort, seed in (("training", 1), ("synthetic", 2)):
        for number in range(VOLUMES):
            values = draw((seed, number))
            labels = np.digitize(values, (0.2, 0.45, 0.6)).astype(np.uint8)
            for where, image in ((cohort, values), (f"{cohort}-labels", labels)):
                (folder / where).mkdir(parents=True, exist_ok=True)
                written = sitk.GetImageFromArray(image)
                written.SetSpacing((1.5,) * 3)
                sitk.WriteImage(written, str(folder / where / f"{cohort}-{number:02d}.nii.gz"))
    study = Study.create(
        folder / "study", training=folder / "training", synthetic=folder / "synthetic", shape=(side,) * 3, spacing=1.5,
        training_segmentations=folder / "training-labels", synthetic_segmentations=folder / "synthetic-labels",
    )  # fmt: skip
    settings = study.folder / "study.toml"
    text = settings.read_text(encoding="utf-8")
    for before, after in (
        ("verify = 2", "verify = 0"),
        ('"similarity"', '"centre"'),
        ("partial = true", "partial = false"),
    ):
        text = text.replace(before, after, 1)
    settings.write_text(text, encoding="utf-8")
    study = Study.open(study.folder)
    study.match(measures=["ncc", "dice"])
    return study


def read_pairs(study: Study, pairs: int) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Milliseconds of our part and of all until the picture is there, of each pair; resident megabytes on the way."""
    from napari.qt import get_qapp

    from napari_relict.viewer.plugin import WIDGET_NAME, review_study
    from napari_relict.viewer.screenshots.window import wait

    viewer = review_study(study, reader="benchmark")
    widget = viewer.window.dock_widgets[WIDGET_NAME]
    wait(lambda: widget.review is not None and widget.review.idle)
    review, app = widget.review, get_qapp()
    ours, drawn, memory = [], [], []
    for number in range(pairs):
        wait(lambda: review.idle)
        begin = time.perf_counter()
        review.act("next" if number % (VOLUMES * 2) < VOLUMES - 1 else "back")
        ours.append(1000 * (time.perf_counter() - begin))
        wait(lambda: not review.loading)
        app.processEvents()
        drawn.append(1000 * (time.perf_counter() - begin))
        memory.append(resident())
    widget.stop()
    viewer.close()
    return np.array(ours), np.array(drawn), memory


def resident() -> float:
    """Megabytes of this process now (where that cannot be asked: at most so far)."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--pairs", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = make_study(Path(folder), given.side)
        ours, drawn, memory = read_pairs(study, given.pairs)
    ours, drawn = ours[WARM:], drawn[WARM:]
    rows = [
        [name, *(f"{np.quantile(values, q):.0f}" for q in (0.5, 0.9, 1.0)), aim]
        for name, values, aim in (("ours", ours, str(AIM_MS)), ("until drawn, by software", drawn, ""))
    ]
    middle = min(WARM * 2, len(memory) - 1)
    text = f"""## Reading

    xvfb-run -a python -m benchmarks.reading

{machine(("napari", "PyQt6"))}. {given.pairs} pairs of {given.side}³ voxels with
segmentations gone through in the real window, each prefetched while the one before was open; milliseconds from the key.

{table(["part", "median", "nine in ten", "slowest", "aim"], rows)}

Resident memory after {middle} pairs {memory[middle]:.0f} MB, after {given.pairs} pairs {memory[-1]:.0f} MB.
"""
    print(text)
    write_section("Reading", text)


if __name__ == "__main__":
    main()
