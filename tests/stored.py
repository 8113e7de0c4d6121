"""A study as `match` leaves it, written straight to disk: for tests of reading, which need no matching."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from napari_relict.records.settings import CohortFolders, GridSettings, ReadingSettings, Settings, write_settings
from napari_relict.study import Study
from napari_relict.volumes.cohort import CohortWriter, Row

SHAPE, SPACING = (8, 10, 12), (4.0, 4.0, 4.0)
# 3x4 row by row, x y z: turned a little about z, and shifted.
ALIGNMENT = [0.96, -0.28, 0.0, 3.0, 0.28, 0.96, 0.0, -2.0, 0.0, 0.0, 1.0, 5.0]
SECRET = "Patient-Smith"  # stands in every name, path and patient that a reader must not see


def synthetic_name(number: int) -> str:
    return f"{SECRET}-generated-{number:02}"


def training_name(number: int) -> str:
    return f"{SECRET}-scan-{number:02}"


def stored_study(folder: Path, *, synthetic: int = 12, training: int = 6, copies: int = 4, **reading: object) -> Study:
    """`synthetic` volumes, each matched with two of `training`; the first `copies` are likely copies.

    Odd ones are mirrored. Ratings can be given, lists read and kits made; `match` would find no files.
    """
    folders = {name: CohortFolders(volumes=f"source/{SECRET}/{name}") for name in ("training", "synthetic", "holdout")}
    settings = Settings(
        name=f"study of {SECRET}",
        modality="mr",
        cohorts=folders,  # type: ignore[arg-type]
        grid=GridSettings(shape=SHAPE, spacing=SPACING),
        reading=ReadingSettings.model_validate(reading),
    )
    folder.mkdir(parents=True)
    write_settings(settings, folder)
    study = Study.open(folder)
    names = {
        "synthetic": [synthetic_name(number) for number in range(synthetic)],
        "training": [training_name(number) for number in range(training)],
    }
    rows = []
    for seed, (cohort, mine) in enumerate(names.items()):
        random = np.random.default_rng(seed)
        writer = CohortWriter(folder / "volumes" / f"{cohort}.zarr", settings.preparation_of_volumes().grid, "key")
        for number, name in enumerate(mine):
            path = f"source/{SECRET}/{cohort}/{name}.nii.gz"
            content = f"{'a' if cohort == 'synthetic' else 'b'}{number:063x}"
            row = Row(
                row=0,
                name=name,
                stamp=path,
                content=content,
                voxels=content[::-1],
                has_labels=True,
                labels=[1, 2],
                value_range=(0.0, 900.0 + 100 * seed + number),
                pose=[1.0] * 12,
                inverted=number == 1,
                to_index=[1.0] * 12,
                size=[12, 10, 8],
                halves=[],
                path=path,
            )  # type: ignore[arg-type]
            image = random.uniform(0, 1, SHAPE).astype(np.float16)
            writer.add(row, image, random.integers(0, 3, SHAPE).astype(np.uint16))
            rows.append((cohort, name, f"patient of {name}", path, content, content[::-1], 1))
    random = np.random.default_rng(7)
    with study._database.connect() as connection:
        connection.executemany("INSERT INTO volume VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        for number, name in enumerate(names["synthetic"]):
            score = 0.99 - 0.001 * number if number < copies else 0.5 - 0.01 * number
            for rank in (1, 2):
                key = (name, names["training"][(number + rank - 1) % training])
                connection.execute(
                    "INSERT INTO match VALUES (?, ?, ?, ?, 0, '', ?)",
                    (*key, rank, number % 2, json.dumps(ALIGNMENT if number else [])),
                )
                connection.execute("INSERT INTO level_rank VALUES (?, ?, 'voxel', ?)", (*key, rank))
                connection.execute("INSERT INTO score VALUES (?, ?, 'ncc', ?)", (*key, score - 0.2 * (rank - 1)))
            nearest = ("synthetic", name, "ncc", names["training"][number % training], score)
            connection.execute("INSERT INTO nearest VALUES (?, ?, ?, ?, ?, NULL)", nearest)
        for number in range(100):
            null = ("holdout", f"hold-{number}", "ncc", names["training"][0], float(random.normal(0.4, 0.05)))
            connection.execute("INSERT INTO nearest VALUES (?, ?, ?, ?, ?, NULL)", null)
        meta = {"measures": "ncc", "null_cohorts": "holdout", "scores_hash": "c" * 64, "sides": '{"1": 2, "2": 1}'}
        connection.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))
    study.calibrate()
    return study
