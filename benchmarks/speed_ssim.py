"""How fast SSIM and MS-SSIM of a pair are against the packages people use, and that the values agree."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_relict.measures.ssim import SCALE_WEIGHTS, local_statistics, ms_ssim, scales_of, ssim
from napari_relict.measures.windows import SIDES, Window

Call = Callable[[], float]
SECONDS = 1.0  # spent on each timing, after one call to warm up
TURNS = 8  # of each thread in one timing
MS_SSIM_SIDE = 176  # every peer refuses volumes that are too small for five scales; this one they all take
PARTS: dict[str, Window] = {"SSIM uniform": "uniform", "SSIM gaussian": "gaussian", "MS-SSIM": "gaussian"}
POPULATION = "population covariance, ours is that of a sample"
BORDER = "its mean includes windows over the border"


@dataclass(frozen=True)
class Peer:
    """A package; `note` says where its definition differs, `tolerance` by how much the value may then."""

    name: str
    call: Call
    tolerance: float = 1e-12
    note: str = ""
    others: tuple[Call, ...] = ()  # to be timed beside it


def measure_pairs(sides: tuple[int, ...] = (96, 128)) -> list[dict[str, object]]:
    """One row per part, size and peer: milliseconds a pair, the peer's over ours, and how far the values are apart.

    `ours_ms` is on one thread, with the statistics of both volumes at hand. Two rows hold ours against that: with
    statistics made anew for each pair, and on two threads, each with a pair of its own. Torch has its own threads.
    A peer that refuses a size has its words as the note, and no numbers.

    Raises
    ------
    ValueError : a value is not the peer's.
    """
    rows: list[dict[str, object]] = []
    for part in PARTS:
        for side in (*sides, MS_SSIM_SIDE) if part == "MS-SSIM" else sides:
            pair = a_pair(side, seed=0)
            kept, anew = ours(part, *pair)
            kept_too, _ = ours(part, *a_pair(side, seed=1))
            value, ours_ms = kept(), milliseconds(kept)
            twins = Peer("ours, statistics made anew", anew), Peer("ours, two threads", kept, others=(kept_too,))
            for peer in (*twins, *peers(part, *pair)):
                row = {"part": part, "size": f"{side}³", "peer": peer.name, "ours_ms": ours_ms}
                try:
                    difference = abs(peer.call() - value)
                except (ValueError, AssertionError) as refusal:
                    rows.append(row | {"peer_ms": None, "ratio": None, "difference": None, "note": str(refusal)})
                    continue
                if difference > peer.tolerance:
                    raise ValueError(f"{part} of {side}³ is {difference:.2g} away from that of {peer.name}")
                peer_ms = milliseconds(peer.call, *peer.others)
                numbers = {"peer_ms": peer_ms, "ratio": peer_ms / ours_ms, "difference": difference}
                rows.append(row | numbers | {"note": peer.note})
    return rows


def a_pair(side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth random volume and a noisy one of it, float32, 0 to 1."""
    random = np.random.default_rng(seed)
    one = gaussian_filter(random.random((side,) * 3), 2)
    one = (one - one.min()) / np.ptp(one)
    return one.astype(np.float32), np.clip(one + 0.05 * random.standard_normal(one.shape), 0, 1).astype(np.float32)


def milliseconds(*calls: Call) -> float:
    """Median time of one call, over as many as fit into `SECONDS`; several calls run on a thread each."""
    took: list[float] = []
    end = time.perf_counter() + SECONDS
    with ThreadPoolExecutor(len(calls)) as threads:
        while not took or time.perf_counter() < end:
            start = time.perf_counter()
            if len(calls) == 1:
                calls[0]()
                took.append(time.perf_counter() - start)
            else:
                list(threads.map(lambda call: [call() for _ in range(TURNS)], calls))
                took.append((time.perf_counter() - start) / (TURNS * len(calls)))
    return 1000 * float(np.median(took))


def ours(part: str, one: np.ndarray, other: np.ndarray) -> tuple[Call, Call]:
    """With statistics kept, and with statistics made anew."""
    if part == "MS-SSIM":
        scales = scales_of(one), scales_of(other)
        return lambda: ms_ssim(one, other, scales=scales), lambda: ms_ssim(one, other)
    window = PARTS[part]
    statistics = local_statistics(one, window), local_statistics(other, window)
    return lambda: ssim(one, other, window, statistics=statistics), lambda: ssim(one, other, window)


def peers(part: str, one: np.ndarray, other: np.ndarray) -> Iterator[Peer]:
    """Those that are installed and have this part in 3D."""
    calls = {"scikit-image": of_skimage, "MONAI": of_monai, "torchmetrics": of_torchmetrics}
    for name, make in (calls | {"pytorch-msssim": of_pytorch_msssim}).items():
        try:
            title = f"{name} {version(name)}"
            peer = make(part, one, other)
        except (PackageNotFoundError, ImportError):
            continue
        if peer is not None:
            yield Peer(title, *peer)


Made = tuple[Call, float, str] | None


def of_skimage(part: str, one: np.ndarray, other: np.ndarray) -> Made:
    from skimage.metrics import structural_similarity

    if part == "MS-SSIM":
        return None
    published = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    options = published if part == "SSIM gaussian" else {}
    return lambda: float(structural_similarity(one, other, data_range=1.0, **options)), 1e-5, ""


def of_monai(part: str, one: np.ndarray, other: np.ndarray) -> Made:
    from monai.metrics.regression import MultiScaleSSIMMetric, SSIMMetric

    a, b = tensors(one, other)
    if part == "MS-SSIM":
        scales = MultiScaleSSIMMetric(3, weights=weights_of(one))
        return lambda: float(scales(a, b)), 1e-4, ""
    metric = SSIMMetric(3, kernel_type=PARTS[part], win_size=SIDES[PARTS[part]])
    tolerance, note = (1e-5, "") if part == "SSIM gaussian" else (1e-3, POPULATION)
    return lambda: float(metric(a, b)), tolerance, note


def of_torchmetrics(part: str, one: np.ndarray, other: np.ndarray) -> Made:
    from torchmetrics.functional import image

    a, b = tensors(one, other)
    if part == "MS-SSIM":
        multiscale, betas = image.multiscale_structural_similarity_index_measure, weights_of(one)
        return lambda: float(multiscale(a, b, data_range=1.0, betas=betas)), 0.02, BORDER
    gaussian = part == "SSIM gaussian"
    single: Callable[..., Any] = image.structural_similarity_index_measure
    options = {"gaussian_kernel": gaussian, "kernel_size": SIDES[PARTS[part]], "data_range": 1.0}
    note = BORDER if gaussian else f"{POPULATION}; {BORDER}"
    return lambda: float(single(a, b, **options)), 0.02, note


def of_pytorch_msssim(part: str, one: np.ndarray, other: np.ndarray) -> Made:
    import pytorch_msssim

    a, b = tensors(one, other)
    if part == "SSIM uniform":
        return None
    if part == "SSIM gaussian":
        return lambda: float(pytorch_msssim.ssim(a, b, data_range=1.0)), 1e-5, ""
    weights = weights_of(one)
    return lambda: float(pytorch_msssim.ms_ssim(a, b, data_range=1.0, weights=weights)), 1e-4, ""


def tensors(*images: np.ndarray) -> list[Any]:
    """(1, 1, z, y, x) each."""
    import torch

    return [torch.from_numpy(image)[None, None] for image in images]


def weights_of(image: np.ndarray) -> tuple[float, ...]:
    """Weights of the scales that ours takes."""
    count = len(scales_of(image) or ())
    total = sum(SCALE_WEIGHTS[:count]) if count < len(SCALE_WEIGHTS) else 1
    return tuple(weight / total for weight in SCALE_WEIGHTS[:count])
