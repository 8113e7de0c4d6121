"""Metric values against the libraries they are known from, slow twins, and cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import naive
from napari_relict.measures.ssim import ms_ssim
from napari_relict.quality import METRICS, appearance, diversity, frechet, kernels, manifold, novelty
from napari_relict.quality.descriptors import from_circle, partners, similar_to_next


@pytest.fixture
def sets() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.normal(size=(40, 6)), random.normal(0.3, 1.2, size=(32, 6))


def test_frechet_is_monais(sets: tuple[np.ndarray, np.ndarray]) -> None:
    import torch
    from monai.metrics.fid import get_fid_score

    real, made = sets
    theirs = float(get_fid_score(torch.from_numpy(made), torch.from_numpy(real)))
    assert frechet.frechet(real, made) == pytest.approx(theirs, rel=1e-6)


def test_frechet_by_hand() -> None:
    # One feature: means 0 and 3, standard deviations 1 and 2: 3^2 + (1 - 2)^2. The other is the same everywhere.
    real = np.array([[-1.0, 5], [1, 5], [0, 5]])
    made = np.array([[1.0, 5], [5, 5], [3, 5]])
    assert frechet.frechet(real, made) == pytest.approx(9 + 1)
    assert frechet.frechet(real, real) == pytest.approx(0, abs=1e-9)
    assert np.isnan(frechet.frechet(real, made[:1]))


def test_frechet_with_fewer_volumes_than_features_is_that_of_the_covariances() -> None:
    from scipy.linalg import sqrtm

    random = np.random.default_rng(1)
    real, made = random.normal(size=(5, 9)), random.normal(1, 2, size=(6, 9))
    a, b = np.cov(real.T), np.cov(made.T)
    trace = np.trace(a + b - 2 * sqrtm(a @ b + 1e-14 * np.eye(9)).real)
    shift = ((real.mean(0) - made.mean(0)) ** 2).sum()
    assert frechet.frechet(real, made) == pytest.approx(shift + trace, rel=1e-4)


def test_mmd_is_monais_and_kid_its_definition(sets: tuple[np.ndarray, np.ndarray]) -> None:
    import torch
    from monai.metrics import MMDMetric

    real, made = sets[0][:32], sets[1]
    theirs = float(MMDMetric()(torch.from_numpy(real), torch.from_numpy(made)))
    assert kernels.mmd_linear(real, made) == pytest.approx(theirs, rel=1e-9)
    ours, slow = kernels.kid(real, made, 6), naive.mmd(real, made, lambda x, y: (x @ y / 6 + 1) ** 3)
    assert ours == pytest.approx(slow, rel=1e-9)
    width = np.median([((a - b) ** 2).sum() for i, a in enumerate(real) for b in real[i + 1 :]])
    slow = naive.mmd(real, made, lambda x, y: np.exp(-((x - y) ** 2).sum() / (2 * width)))
    assert kernels.mmd_gaussian(real, made) == pytest.approx(slow, rel=1e-9)


@pytest.mark.parametrize("name", ["precision", "recall", "density", "coverage"])
def test_manifolds_against_slow_twins(sets: tuple[np.ndarray, np.ndarray], name: str) -> None:
    for k in (1, 3, 5):
        assert getattr(manifold, name)(*sets, k) == pytest.approx(naive.prdc(*sets, k)[name], abs=1e-12)
    assert np.isnan(getattr(manifold, name)(sets[0][:4], sets[1][:4]))


def test_vendi_by_hand() -> None:
    assert diversity.vendi(np.eye(4)) == pytest.approx(4)
    assert diversity.vendi(np.ones((5, 3))) == pytest.approx(1)
    # Two wholly unlike kinds, one three times as frequent.
    kinds = np.array([[1.0, 0], [1, 0], [2, 0], [0, 5]])
    assert diversity.vendi(kinds) == pytest.approx(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))))
    random = np.random.default_rng(2).normal(size=(30, 4))  # the smaller product of the two is taken
    cosines = random / np.linalg.norm(random, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(cosines @ cosines.T / 30)[-4:]
    assert diversity.vendi(random) == pytest.approx(np.exp(-(values * np.log(values)).sum()))


def test_pairs_of_one_patient_do_not_count_and_a_circle_meets_everyone() -> None:
    random = np.random.default_rng(3)
    images = [ndimage.gaussian_filter(random.random((24, 25, 26)), 1).astype(np.float32) for _ in range(5)]
    found = from_circle([similar_to_next(images.__getitem__, place, 5) for place in range(5)])
    assert partners(5) == 2
    for one in range(5):
        for other in range(5):
            if one != other:
                assert found[one, other] == pytest.approx(ms_ssim(images[one], images[other]), rel=1e-6)
    apart = (
        [found[0, j] for j in (2, 3, 4)] + [found[1, j] for j in (2, 3, 4)] + [found[2, 3], found[2, 4], found[3, 4]]
    )
    assert diversity.mean_of_pairs(found, np.array([0, 0, 1, 2, 3])) == pytest.approx(np.mean(apart))


def test_ms_ssim_is_monais() -> None:
    import torch
    from monai.metrics import MultiScaleSSIMMetric

    random = np.random.default_rng(4)
    one, other = (ndimage.gaussian_filter(random.random((44, 44, 44)), 1).astype(np.float32) for _ in range(2))
    weights = np.array([0.0448, 0.2856, 0.3001])
    metric = MultiScaleSSIMMetric(
        spatial_dims=3, data_range=1.0, kernel_type="gaussian", kernel_size=11, kernel_sigma=1.5,
        weights=tuple(weights / weights.sum()),
    )  # fmt: skip
    theirs = float(metric(torch.from_numpy(one[None, None]), torch.from_numpy(other[None, None])))
    assert ms_ssim(one, other) == pytest.approx(theirs, abs=1e-4)


def test_a_neighbour_of_the_same_patient_proves_nothing() -> None:
    training = np.array([[0.0], [0.1], [10.0]])
    made = np.array([[1.0]])
    # Nearest is the scan at 0.1, whose nearest of another patient is 9.9 away: no authentic volume.
    assert novelty.authentic_share(training, np.array([0, 0, 1]), made) == 0
    assert novelty.authentic_share(training, np.array([0, 1, 2]), made) == 1


def test_gaps_see_copies() -> None:
    random = np.random.default_rng(5)
    training, holdout, fresh = (random.normal(size=(60, 5)) for _ in range(3))
    copies = training[:30] + 0.01 * random.normal(size=(30, 5))
    for gap in (novelty.frechet_gap, novelty.likelihood_gap):
        assert gap(training, holdout, copies, 0) > gap(training, holdout, fresh[:30], 0)
        assert gap(training, holdout, fresh, 0) == pytest.approx(-gap(holdout, training, fresh, 0), abs=1e-9)
    assert novelty.nearer_share(training, holdout, copies, 0) == 1
    assert novelty.copying_statistic(training, holdout, copies, 0) < -3


def test_looks_by_hand() -> None:
    random = np.random.default_rng(6)
    part = 0.5 + 0.03 * random.normal(size=(200, 200))
    assert appearance.noise_of(part) == pytest.approx(0.03, rel=0.02)
    assert appearance.focus(np.full((8, 9), 0.3)) == pytest.approx(1)
    one = np.zeros((8, 9))
    one[3, 4] = 1
    assert appearance.focus(one) == pytest.approx(0)
    two = np.concatenate([random.normal(0.2, 0.01, 5000), random.normal(0.8, 0.02, 5000)])
    assert appearance.contrast_to_noise(two) == pytest.approx(0.6 / np.hypot(0.01, 0.02), rel=0.05)
    volume = np.clip(ndimage.gaussian_filter(random.random((30, 40, 40)), 1), 0, 1)
    before = dict(zip(appearance.NAMES, appearance.appearance(volume), strict=True))
    after = dict(zip(appearance.NAMES, appearance.appearance(ndimage.gaussian_filter(volume, 2)), strict=True))
    assert after["sharpness"] < before["sharpness"] and after["blur"] > before["blur"]
    assert np.isnan(appearance.appearance(np.zeros((10, 12, 12)))).all()


def test_every_metric_says_what_it_is() -> None:
    for name, metric in METRICS.items():
        assert name == metric.name and metric.source and metric.estimated_on
