"""What changes a whole image: noise, blur, bias field, motion, contrast. Through MONAI where it has it; labels stay."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_relict.quality.alterations.subject import Subject


def noise(subject: Subject, spread: float, rng: np.random.Generator) -> Subject:
    """Add Rician noise, as magnitude images have it.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    spread : float
        Standard deviation as a share of the brightness range.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Subject
        The altered volume.
    """
    from monai.transforms import RandRicianNoise

    transform = RandRicianNoise(prob=1.0, std=spread, channel_wise=False, sample_std=False)
    transform.set_random_state(int(rng.integers(2**31)))
    return subject.with_image(_plain(transform(subject.image[None])))


def blur(subject: Subject, mm: float) -> Subject:
    """Blur by a Gaussian.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    mm : float
        Its standard deviation.

    Returns
    -------
    Subject
        The altered volume.
    """
    from monai.transforms import GaussianSmooth

    transform = GaussianSmooth(sigma=[mm / step for step in subject.spacing])
    return subject.with_image(_plain(transform(subject.image[None])))


def bias_field(subject: Subject, strength: float, rng: np.random.Generator) -> Subject:
    """Multiply by a smooth factor: the exponential of a cubic polynomial.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    strength : float
        Its coefficients are up to so much either way.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Subject
        The altered volume.
    """
    from monai.transforms import RandBiasField

    transform = RandBiasField(prob=1.0, degree=3, coeff_range=(-strength, strength))
    transform.set_random_state(int(rng.integers(2**31)))
    return subject.with_image(_plain(transform(subject.image[None])))


def contrast(subject: Subject, more: float) -> Subject:
    """Take brightness to the power of 1 + `more`.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    more : float
        0 changes nothing.

    Returns
    -------
    Subject
        The altered volume.
    """
    from monai.transforms import AdjustContrast

    return subject.with_image(_plain(AdjustContrast(gamma=1 + more)(subject.image[None])))


def motion(subject: Subject, mm: float, rng: np.random.Generator) -> Subject:
    """Let the patient move twice while k-space is filled along y.

    MONAI has spikes and truncation of k-space, but no motion.

    Parameters
    ----------
    subject : Subject
        The volume that is altered.
    mm : float
        Up to so much an axis, and as many degrees about z.
    rng : numpy.random.Generator
        Where draws come from.

    Returns
    -------
    Subject
        The altered volume.
    """
    lines = np.fft.fftfreq(subject.image.shape[1])
    order = np.argsort(np.argsort(lines))  # lowest line first
    moments = np.sort(rng.uniform(0.15, 0.85, 2)) * len(lines)
    spectrum = np.fft.fft(subject.image, axis=1)
    for moment in moments:
        turned = ndimage.rotate(
            subject.image, float(rng.uniform(-mm, mm)), axes=(1, 2), reshape=False, order=1, mode="nearest"
        )
        moved = ndimage.shift(turned, rng.uniform(-mm, mm, 3) / subject.spacing, order=1, mode="nearest")
        late = order >= moment
        spectrum[:, late] = np.fft.fft(moved, axis=1)[:, late]
    return subject.with_image(np.abs(np.fft.ifft(spectrum, axis=1)))


def _plain(values: object) -> np.ndarray:
    (image,) = np.asarray(values, np.float32)
    return np.asarray(image)
