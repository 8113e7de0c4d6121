"""Small head-like volumes with known relations, written to disk for tests. No network, no real data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

SHAPE = (40, 48, 44)
SPACING = (4.0, 4.0, 4.0)


def head(seed: int, shape: tuple[int, int, int] = SHAPE) -> tuple[np.ndarray, np.ndarray]:
    """An ellipsoid with a bright rim, two off-centre ventricles and texture of its own.

    Returns
    -------
    float32 values 0 to about 1000, uint8 labels (1 tissue, 2 ventricles).
    """
    random = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    radii = random.uniform(0.65, 0.8, 3)
    distance = np.sqrt((z / radii[0]) ** 2 + (y / radii[1]) ** 2 + (x / radii[2]) ** 2)
    inside = distance < 1
    texture = ndimage.gaussian_filter(random.standard_normal(shape), 3)
    texture /= texture.std()
    values = np.where(inside, 500 + 120 * texture, 0)
    values = np.where((distance > 0.9) & inside, 900, values)
    ventricles = np.zeros(shape, bool)
    for side in (-1, 1):
        centre = random.uniform(-0.1, 0.1, 2)
        width = random.uniform(0.08, 0.2)
        ventricles |= ((z - centre[0]) / 0.25) ** 2 + ((y - centre[1]) / 0.35) ** 2 + (
            (x - side * random.uniform(0.1, 0.25)) / width
        ) ** 2 < 1
    values = np.where(ventricles & inside, 150, values)
    labels = np.where(ventricles & inside, 2, np.where(inside, 1, 0)).astype(np.uint8)
    return values.astype(np.float32), labels


def with_region(
    values: np.ndarray, stranger: np.ndarray, centre: tuple[float, float, float], radius: float
) -> np.ndarray:
    """A stranger's volume with a ball of another one's in it; centre (z, y, x) and radius in voxels."""
    apart = np.linalg.norm(np.indices(values.shape).transpose(1, 2, 3, 0) - np.array(centre), axis=-1)
    weight = 1 / (1 + np.exp(apart - radius))
    return np.asarray(weight * values + (1 - weight) * stranger, np.float32)


def to_image(
    values: np.ndarray, spacing: tuple[float, float, float] = SPACING, origin: tuple[float, ...] = (0, 0, 0)
) -> sitk.Image:
    """Array (z, y, x) and spacing z, y, x to an image with axes along LPS."""
    image = sitk.GetImageFromArray(values)
    image.SetSpacing([float(mm) for mm in spacing[::-1]])
    image.SetOrigin([float(mm) for mm in origin])
    return image


def write(
    folder: Path, name: str, values: np.ndarray, ending: str = ".nii.gz", spacing: tuple[float, float, float] = SPACING
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}{ending}"
    sitk.WriteImage(to_image(values, spacing), str(path))
    return path


def write_study_folders(
    folder: Path,
    training: int = 10,
    holdout: int = 24,
    novel: int = 3,
    shape: tuple[int, int, int] = SHAPE,
    spacing: tuple[float, float, float] = SPACING,
) -> dict[str, Path]:
    """Training, holdout and synthetic folders; `copy-*` are replicas of training volumes, `novel-*` are not.

    copy-exact is train-00 with noise, copy-mirror is train-01 with left and right exchanged, copy-rotated is
    train-02 turned by 10 degrees.
    """
    places = {name: folder / name for name in ("training", "holdout", "synthetic")}
    places |= {f"{name}_segmentations": folder / f"{name}-segmentations" for name in list(places)}

    def put(cohort: str, name: str, values: np.ndarray, labels: np.ndarray) -> None:
        write(places[cohort], name, values, spacing=spacing)
        write(places[f"{cohort}_segmentations"], name, labels, spacing=spacing)

    random = np.random.default_rng(1)
    for i in range(training):
        put("training", f"train-{i:02}", *head(i, shape))
    for i in range(holdout):
        put("holdout", f"hold-{i:02}", *head(1000 + i, shape))
    for i in range(novel):
        put("synthetic", f"novel-{i}", *head(2000 + i, shape))
    values, labels = head(0, shape)
    put("synthetic", "copy-exact", values + random.normal(0, 10, shape).astype(np.float32), labels)
    values, labels = head(1, shape)
    put("synthetic", "copy-mirror", values[..., ::-1].copy(), labels[..., ::-1].copy())
    values, labels = head(2, shape)
    turned = ndimage.rotate(values, 10, axes=(1, 2), reshape=False, order=1)
    put(
        "synthetic",
        "copy-rotated",
        turned.astype(np.float32),
        ndimage.rotate(labels, 10, axes=(1, 2), reshape=False, order=0),
    )
    return places


def with_null_of(study: Path, patients: int, verify: int = 2) -> Path:
    """The study's folder, its null filled up to so many patients, and so many candidates aligned: matched sooner."""
    toml = study / "study.toml"
    text = toml.read_text()
    assert "left_out = 200" in text and "verify = 2" in text
    text = text.replace("left_out = 200", f"left_out = {patients}").replace("verify = 2", f"verify = {verify}")
    toml.write_text(text)
    return study
