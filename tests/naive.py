"""The slow, obviously right twin of every fast routine. Tests compare the two; nothing else uses these."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from skimage.morphology import skeletonize


def ncc(one: np.ndarray, other: np.ndarray) -> float:
    a, b = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / norm) if norm > 0 else 0.0


def mse(one: np.ndarray, other: np.ndarray) -> float:
    return float(((one.astype(np.float64) - other.astype(np.float64)) ** 2).mean())


def ssim(one: np.ndarray, other: np.ndarray, window: int = 7) -> float:
    """Wang et al. 2004 with a uniform window and sample covariances, window by window."""
    values = []
    count = window**3
    for z in range(one.shape[0] - window + 1):
        for y in range(one.shape[1] - window + 1):
            for x in range(one.shape[2] - window + 1):
                here = np.s_[z : z + window, y : y + window, x : x + window]
                a, b = one[here].astype(np.float64).ravel(), other[here].astype(np.float64).ravel()
                ma, mb = a.mean(), b.mean()
                va, vb = a.var(ddof=1), b.var(ddof=1)
                cov = ((a - ma) * (b - mb)).sum() / (count - 1)
                c1, c2 = 0.01**2, 0.03**2
                values.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return float(np.mean(values))


def dice(one: np.ndarray, other: np.ndarray, label: int) -> float:
    a, b = one == label, other == label
    total = a.sum() + b.sum()
    return float(2 * (a & b).sum() / total) if total else float("nan")


def mean_dice(one: np.ndarray, other: np.ndarray) -> float:
    labels = sorted((set(np.unique(one)) | set(np.unique(other))) - {0})
    return float(np.mean([dice(one, other, label) for label in labels])) if labels else float("nan")


def volume_difference(one: np.ndarray, other: np.ndarray) -> float:
    labels = sorted((set(np.unique(one)) | set(np.unique(other))) - {0})
    parts = []
    for label in labels:
        a, b = (one == label).sum(), (other == label).sum()
        parts.append(abs(int(a) - int(b)) / ((int(a) + int(b)) / 2))
    return float(np.mean(parts)) if parts else float("nan")


def cosine(one: np.ndarray, other: np.ndarray, centre: np.ndarray) -> float:
    a, b = one - centre, other - centre
    norm = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / norm) if norm > 0 else 0.0


def p_value(score: float, null: np.ndarray) -> float:
    return (1 + sum(1 for other in null if other >= score)) / (1 + len(null))


def fused(own: np.ndarray, null: np.ndarray, ties: int) -> tuple[float, float]:
    """p with a predictive tail, and p by ranks, of one volume: every number in turn."""
    counting = [level for level in range(null.shape[1]) if np.mean(np.isfinite(null[:, level])) >= 0.8]
    levels = [level for level in counting if np.isfinite(own[level])]
    rivals = [patient for patient in null if any(np.isfinite(patient[level]) for level in levels)]
    complete = sum(all(np.isfinite(patient[level]) for level in levels) for patient in rivals)
    if not complete:
        return float("nan"), float("nan")
    scales = {}
    for level in levels:
        pool = [one[level] for one in (own, *rivals) if np.isfinite(one[level])]
        centre = float(np.median(pool))
        scales[level] = centre, 1.4826 * float(np.median([abs(value - centre) for value in pool]))

    def statistic(one: np.ndarray) -> float:
        return max((one[at] - scales[at][0]) / scales[at][1] for at in levels if np.isfinite(one[at]))

    mine, theirs = statistic(own), [statistic(patient) for patient in rivals]
    p_rank = min(1.0, (ties + sum(other >= mine for other in theirs)) / (ties + complete))
    if mine <= max(theirs):
        return p_rank, p_rank
    return min(p_rank, predictive_p(mine, np.array(theirs), ties, complete)), p_rank


def predictive_p(statistic: float, null: np.ndarray, ties: int, known: int) -> float:
    """The posterior predictive tail by brute force over shapes and scales; 1 where there is no tail."""
    ordered = sorted(null, reverse=True)
    n = len(ordered)
    if n < 8:
        return 1.0
    k = min(max(5, round(n / 4)), 25, n - 2)
    excesses = np.array(ordered[:k]) - ordered[k]
    total = weight = 0.0
    for shape in np.linspace(0.005, 1, 40):
        for log_scale in np.linspace(-6, 3, 91):
            scale = excesses.mean() * np.exp(log_scale)
            density = np.prod((1 + shape * excesses / scale) ** (-1 / shape - 1) * excesses.mean() / scale)
            posterior = density * np.exp(-((shape / 0.25) ** 2) / 2)
            weight += posterior
            total += posterior * (1 + shape * (statistic - ordered[k]) / scale) ** (-1 / shape)
    return float((k + ties) / (known + ties) * total / weight)


def q_values(p: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg, by the definition: the smallest rate at which each would be called."""
    order = np.argsort(p)
    q = np.empty(len(p))
    for place, index in enumerate(order):
        q[index] = min(p[order[k]] * len(p) / (k + 1) for k in range(place, len(p)))
    return np.minimum(q, 1)


def best_balanced_accuracy(values: np.ndarray, truth: np.ndarray) -> float:
    best = 0.5
    for low, high in zip(np.unique(values)[:-1], np.unique(values)[1:], strict=True):
        called = values >= (low + high) / 2
        best = max(best, (called[truth].mean() + (~called[~truth]).mean()) / 2)
    return float(best)


def psnr(mse: float) -> float:
    return 10 * float(np.log10(1 / mse)) if mse > 1e-10 else 100.0


def gaussian_ssim(one: np.ndarray, other: np.ndarray, side: int = 11) -> tuple[float, float]:
    """Wang et al. 2004 with their window: means of SSIM and of its contrast-structure term, plane by plane."""
    axis = np.exp(-((np.arange(side) - side // 2) ** 2) / (2 * 1.5**2))
    weights = axis[:, None, None] * axis[:, None] * axis
    weights /= weights.sum()
    c1, c2 = 0.01**2, 0.03**2
    similarity, contrast = [], []
    for z in range(len(one) - side + 1):
        a, b = (sliding_window_view(image[z : z + side].astype(np.float64), weights.shape)[0] for image in (one, other))
        ma, mb = ((image * weights).sum((2, 3, 4), keepdims=True) for image in (a, b))
        va, vb = ((weights * (a - ma) ** 2).sum((2, 3, 4)), (weights * (b - mb) ** 2).sum((2, 3, 4)))
        cov, ma, mb = (weights * (a - ma) * (b - mb)).sum((2, 3, 4)), ma[..., 0, 0, 0], mb[..., 0, 0, 0]
        contrast.append((2 * cov + c2) / (va + vb + c2))
        similarity.append((2 * ma * mb + c1) / (ma**2 + mb**2 + c1) * contrast[-1])
    return float(np.mean(similarity)), float(np.mean(contrast))


def ms_ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Wang et al. 2003: contrast and structure of every scale, luminance of the last."""
    weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    scales = [(one.astype(np.float64), other.astype(np.float64))]
    while len(scales) < 5 and min(-(-side // 2) for side in scales[-1][0].shape) >= 11:
        padded = [np.pad(image, [(side % 2, side % 2) for side in image.shape]) for image in scales[-1]]
        z, y, x = (side // 2 for side in padded[0].shape)
        a, b = (image[: 2 * z, : 2 * y, : 2 * x].reshape(z, 2, y, 2, x, 2).mean((1, 3, 5)) for image in padded)
        scales.append((a, b))
    total = sum(weights[: len(scales)]) if len(scales) < 5 else 1
    product = 1.0
    for place, (a, b) in enumerate(scales):
        similarity, contrast = gaussian_ssim(a, b)
        term = similarity if place == len(scales) - 1 else contrast
        product *= max(term, 0.0) ** (weights[place] / total)
    return product


def entropies(one: np.ndarray, other: np.ndarray, bins: int) -> tuple[float, float, float]:
    joint = np.histogram2d(one.ravel(), other.ravel(), bins, range=((0, 1), (0, 1)))[0] / one.size
    return tuple(float(-(p[p > 0] * np.log(p[p > 0])).sum()) for p in (joint.sum(1), joint.sum(0), joint))


def mutual_information(one: np.ndarray, other: np.ndarray, bins: int = 32) -> float:
    a, b, both = entropies(one, other, bins)
    return a + b - both


def normalised_mutual_information(one: np.ndarray, other: np.ndarray, bins: int = 32) -> float:
    a, b, both = entropies(one, other, bins)
    return (a + b) / both if both > 0 else 1.0


def surface_voxels(mask: np.ndarray) -> np.ndarray:
    """(n, 3) voxels of the mask with a face that looks out of it."""
    found = []
    padded = np.pad(mask, 1)
    for z, y, x in np.argwhere(padded):
        faces = [(z - 1, y, x), (z + 1, y, x), (z, y - 1, x), (z, y + 1, x), (z, y, x - 1), (z, y, x + 1)]
        if not all(padded[face] for face in faces):
            found.append((z - 1, y - 1, x - 1))
    return np.array(found).reshape(-1, 3)


def surface_scores(
    one: np.ndarray, other: np.ndarray, label: int, spacing: tuple[float, ...], tolerance: float
) -> tuple[float, float, float]:
    """Hausdorff distance (95 %), average symmetric surface distance, surface Dice: every voxel with every other."""
    a, b = surface_voxels(one == label), surface_voxels(other == label)
    if not len(a) or not len(b):
        diagonal = float(np.sqrt(sum((n * mm) ** 2 for n, mm in zip(one.shape, spacing, strict=True))))
        return (diagonal, diagonal, 0.0) if len(a) or len(b) else (float("nan"), float("nan"), float("nan"))
    apart = np.sqrt((((a[:, None] - b[None]) * np.array(spacing)) ** 2).sum(-1)).astype(np.float32)
    there, back = apart.min(1), apart.min(0)
    both = np.concatenate([there, back])
    hd95 = max(np.percentile(there.astype(np.float64), 95), np.percentile(back.astype(np.float64), 95))
    return float(hd95), float(both.mean(dtype=np.float64)), float((both <= np.float32(tolerance)).mean())


def cl_dice(one: np.ndarray, other: np.ndarray, label: int) -> float:
    a, b = one == label, other == label
    if not a.any() or not b.any():
        return 0.0 if a.any() or b.any() else float("nan")
    lines = []
    for mask in (a, b):
        line = skeletonize(np.pad(mask, 1))[1:-1, 1:-1, 1:-1]
        lines.append(line if line.any() else mask)
    precision, sensitivity = (lines[0] & b).sum() / lines[0].sum(), (lines[1] & a).sum() / lines[1].sum()
    return float(2 * precision * sensitivity / (precision + sensitivity)) if precision + sensitivity else 0.0


def lesions(mask: np.ndarray) -> list[set[tuple[int, ...]]]:
    """Connected parts, each grown from a voxel by its 26 neighbours."""
    left = {tuple(int(k) for k in voxel) for voxel in np.argwhere(mask)}
    parts = []
    while left:
        part, edge = set(), [left.pop()]
        while edge:
            voxel = edge.pop()
            part.add(voxel)
            near = {other for other in left if max(abs(p - q) for p, q in zip(voxel, other, strict=True)) == 1}
            left -= near
            edge += near
        parts.append(part)
    return parts


def lesion_match(one: np.ndarray, other: np.ndarray, label: int, min_iou: float) -> tuple[int, int, int, int]:
    """Lesions with a counterpart in `one` and in `other`, then those without."""
    a, b = lesions(one == label), lesions(other == label)

    def alike(left: set[tuple[int, ...]], right: set[tuple[int, ...]]) -> bool:
        return bool(left & right) and len(left & right) / len(left | right) >= min_iou

    in_one = sum(any(alike(part, across) for across in b) for part in a)
    in_other = sum(any(alike(part, across) for across in a) for part in b)
    return in_one, in_other, len(a) - in_one, len(b) - in_other


def centroid_distance(one: np.ndarray, other: np.ndarray, label: int, spacing: tuple[float, ...]) -> float:
    a, b = np.argwhere(one == label) * np.array(spacing), np.argwhere(other == label) * np.array(spacing)
    if not len(a) or not len(b):
        diagonal = float(np.sqrt(sum((n * mm) ** 2 for n, mm in zip(one.shape, spacing, strict=True))))
        return diagonal if len(a) or len(b) else float("nan")
    return float(np.sqrt(((a.mean(0) - b.mean(0)) ** 2).sum()))


def volume_difference_ml(one: np.ndarray, other: np.ndarray, label: int, spacing: tuple[float, ...]) -> float:
    a, b = int((one == label).sum()), int((other == label).sum())
    return abs(a - b) * spacing[0] * spacing[1] * spacing[2] / 1000 if a or b else float("nan")


def ncc_and_mse(one: np.ndarray, other: np.ndarray) -> tuple[float, float, bool]:
    """Of the nearer mirror state; last: is that the mirrored one."""
    straight, flipped = ncc(one, other), ncc(one[..., ::-1], other)
    return (flipped, mse(one[..., ::-1], other), True) if flipped > straight else (straight, mse(one, other), False)


def nearest_patients(closeness: np.ndarray, owners: np.ndarray, allowed: np.ndarray, top: int) -> list[int]:
    """The nearest volume of each of the nearest patients; of equal ones the first."""
    order: list[int] = []
    for place in sorted(range(len(closeness)), key=lambda place: -closeness[place]):
        if allowed[place] and owners[place] not in [owners[other] for other in order]:
            order.append(place)
    return order[:top]


def tile_scores(one: np.ndarray, other: np.ndarray, body: np.ndarray, tiles: int) -> tuple[np.ndarray, np.ndarray]:
    """NCC and root mean squared difference of the body in each tile; NaN where it fills less than a quarter."""
    found, apart = np.full((2, tiles, tiles, tiles), np.nan)
    for place in np.ndindex(found.shape):
        here = np.ix_(*[[i for i in range(n) if i * tiles // n == k] for n, k in zip(one.shape, place, strict=True)])
        inside = body[here]
        if inside.sum() >= inside.size / 4:
            a, b = one[here][inside], other[here][inside]
            found[place] = ncc(a, b) if a.size else 0.0
            apart[place] = np.sqrt(mse(a, b)) if a.size else 0.0
    return found, apart


def extrema(values: np.ndarray) -> list[tuple[int, ...]]:
    """Voxels inside that are positive and exceeded by no neighbour, or negative and no neighbour falls below."""
    found = []
    for z, y, x in np.ndindex(values.shape):
        here = values[max(0, z - 1) : z + 2, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        if (values[z, y, x] > 0 and values[z, y, x] == here.max()) or (
            values[z, y, x] < 0 and values[z, y, x] == here.min()
        ):
            found.append((z, y, x))
    return found


def description(image: np.ndarray, place: np.ndarray, step: float, steps: int, parts: int) -> np.ndarray:
    """Shares of the gradient by part of the neighbourhood and direction (-z, +z, -y, +y, -x, +x)."""
    found = np.zeros((parts, parts, parts, 6))
    for offset in np.ndindex((2 * steps + 1,) * 3):
        offset = np.array(offset) - steps
        apart = (offset**2).sum() / (steps + 0.5) ** 2
        voxel = np.floor(place + np.float64(step) * offset + 0.5).astype(int)
        if apart > 1.4 or (voxel < 1).any() or (voxel > np.array(image.shape) - 2).any():
            continue
        where = (offset + steps + 0.5) / (2 * steps + 1) * parts - 0.5
        for axis, unit in enumerate(np.eye(3, dtype=int)):
            slope = float(image[tuple(voxel + unit)]) - float(image[tuple(voxel - unit)])
            for part in np.ndindex(found.shape[:3]):
                share = np.prod(np.maximum(0, 1 - np.abs(where - part)))
                found[part][2 * axis + (slope > 0)] += np.exp(-apart) * share * abs(slope)
    total = found.sum()
    return (found / total if total > 0 else found).ravel()


def nearest_keypoint(
    place: np.ndarray, bright: bool, description: np.ndarray, training: list[tuple[int, object]], own: int, reach: float
) -> tuple[int, int, int] | None:
    """Squared distance, volume and number of the training keypoint described most alike, of `(owner, keypoints)`."""
    found = []
    for volume, (owner, keypoints) in enumerate(training):
        for number, theirs in enumerate(keypoints.places):
            if owner != own and keypoints.bright[number] == bright and np.linalg.norm(theirs - place) <= reach:
                apart = description.astype(int) - keypoints.descriptions[number].astype(int)
                found.append((int((apart**2).sum()), volume, number))
    return min(found, default=None)


def mmd(real: np.ndarray, made: np.ndarray, kernel: Callable[[np.ndarray, np.ndarray], float]) -> float:
    """Unbiased squared maximum mean discrepancy, pair by pair."""
    among = [kernel(a, b) for i, a in enumerate(real) for j, b in enumerate(real) if i != j]
    others = [kernel(a, b) for i, a in enumerate(made) for j, b in enumerate(made) if i != j]
    return float(np.mean(among) + np.mean(others) - 2 * np.mean([kernel(a, b) for a in real for b in made]))


def prdc(real: np.ndarray, made: np.ndarray, k: int) -> dict[str, float]:
    """Precision, recall, density and coverage as Naeem et al. define them, vector by vector."""

    def radius(rows: np.ndarray, i: int) -> float:
        return sorted(float(np.linalg.norm(rows[i] - other)) for j, other in enumerate(rows) if j != i)[k - 1]

    balls = [radius(real, i) for i in range(len(real))]
    others = [radius(made, i) for i in range(len(made))]
    inside = np.array([[np.linalg.norm(a - b) < balls[i] for b in made] for i, a in enumerate(real)])
    back = np.array([[np.linalg.norm(a - b) < others[j] for j, b in enumerate(made)] for a in real])
    return {
        "precision": float(np.mean([inside[:, j].any() for j in range(len(made))])),
        "recall": float(np.mean([back[i].any() for i in range(len(real))])),
        "density": float(inside.sum() / (k * len(made))),
        "coverage": float(np.mean([inside[i].any() for i in range(len(real))])),
    }


def co_occurrence(image: np.ndarray, levels: int) -> np.ndarray:
    """How often each two grey levels are neighbours among the 26 of a voxel; each pair counted both ways."""
    grey = np.minimum((image * levels).astype(int), levels - 1)
    counts = np.zeros((levels, levels))
    for place in np.ndindex(*grey.shape):
        for step in np.ndindex(3, 3, 3):
            other = tuple(p + s - 1 for p, s in zip(place, step, strict=True))
            if other != place and all(0 <= o < side for o, side in zip(other, grey.shape, strict=True)):
                counts[grey[place], grey[other]] += 1
    return counts
