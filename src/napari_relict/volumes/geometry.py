"""How arrays lie, by what they show: geometry as evidence, where files have lost it or never had it.

Generators write volumes with the axes of their arrays, exchanged or turned, and with a spacing of one. The body's
centre and its spread along each axis bring any array into a small canonical cube, whatever its header says; the 48
exchanges and flips of the axes are compared with the mean cube of the training volumes, and the spread says how large
the voxels are. What shows less than the training volumes do, a crop above all, agrees with them too little to be
judged: it lies as its file says. A spacing is only estimated where the file has none, or says one millimetre and knows
no place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from skimage.filters import threshold_otsu

from napari_relict.volumes.orientation import Orientation, orientation_in, orientations

SIDE = 32  # voxels of a canonical cube
REACH = 2.2  # SD of the body from its centre to the cube's faces
WORKING_SIDE = 64  # voxels a side, at most, from which a cube is made
MARGIN = 0.03  # by which another orientation has to agree better where a file knows no place in the world
SURE_MARGIN = 0.15  # and where it does: software that loses the axes rarely keeps the place
SHARE = 0.7  # of a cohort's volumes that have to vote alike
FEWEST = 3  # volumes that make a vote
LEEWAY = 1.25  # factor by which a cohort's voxels may seem larger or smaller than its files say
SLACK = 0.08
ALIKE = 1.1  # factor within which a spacing is taken for the training volumes' own, or for the same along all axes


@dataclass(frozen=True)
class Cube:
    """A volume whatever its geometry: the body at a standard place and size.

    Attributes
    ----------
    values : ndarray of float32, (2, SIDE, SIDE, SIDE)
        Smoothed brightness above the background, and its gradient's magnitude, each with mean 0 and norm 1; along
        the array's own axes.
    spread : ndarray of float64, (3,)
        SD of the body along each axis, voxels.
    """

    values: np.ndarray
    spread: np.ndarray


def canonical_cube(values: np.ndarray) -> Cube | None:
    """The cube of an array.

    Parameters
    ----------
    values : ndarray, (z, y, x)

    Returns
    -------
    Cube or None
        None where no body stands out from the background.
    """
    factors = [max(1, int(np.ceil(side / WORKING_SIDE))) for side in values.shape]
    small = _shrunk(values, factors)
    faces = np.concatenate([small[[0, -1]].ravel(), small[:, [0, -1]].ravel(), small[..., [0, -1]].ravel()])
    # Distance from the background: also of a volume turned over with its air.
    apart = np.abs(small - np.median(faces))
    brightest = float(np.quantile(apart, 0.99))
    if brightest <= 0:
        return None
    apart = np.clip(apart / brightest, 0, 1)
    body = ndimage.binary_fill_holes(ndimage.binary_opening(apart > 0.5 * threshold_otsu(apart)))
    parts, count = ndimage.label(body)
    if not count:
        return None
    body = parts == 1 + int(np.bincount(parts.ravel())[1:].argmax())
    places = np.argwhere(body)
    centre, spread = places.mean(0), places.std(0)
    if min(spread) < 0.5:
        return None
    steps = np.linspace(-REACH, REACH, SIDE)
    grid = np.meshgrid(*(centre[axis] + spread[axis] * steps for axis in range(3)), indexing="ij")
    seen = ndimage.gaussian_filter(ndimage.map_coordinates(np.where(body, apart, 0), grid, order=1), 1)
    edges = np.sqrt(sum(np.gradient(seen, axis=axis) ** 2 for axis in range(3)))
    return Cube(np.stack([_standard(seen), _standard(edges)]), spread * factors)


def _shrunk(values: np.ndarray, factors: Sequence[int]) -> np.ndarray:
    a, b, c = factors
    z, y, x = values.shape[0] // a, values.shape[1] // b, values.shape[2] // c
    whole = np.asarray(values[: z * a, : y * b, : x * c], np.float32)
    return np.asarray(whole.reshape(z, a, y, b, x, c).mean((1, 3, 5)), np.float32)


def _standard(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean()
    norm = float(np.sqrt((centred * centred).sum()))
    return np.asarray(centred / norm if norm > 0 else centred, np.float32)


@dataclass(frozen=True)
class Norm:
    """What the training volumes look like, and how large they are.

    Attributes
    ----------
    cube : ndarray of float32, (2, SIDE, SIDE, SIDE)
        Their mean cube along the patient's axes.
    spread : ndarray of float64, (3,)
        Median SD of the body along the patient's z, y, x, mm.
    spacing : ndarray of float64, (3,)
        Median of their voxels along the patient's z, y, x, mm.
    least : float
        Agreement with the mean cube that nine in ten of them have, less `SLACK`: below it, nothing is concluded.
    """

    cube: np.ndarray
    spread: np.ndarray
    spacing: np.ndarray
    least: float

    def agreement(self, cube: Cube) -> np.ndarray:
        """How well a volume agrees in each of `orientations()`: mean of two correlations, float64 (48,)."""
        return np.array(
            [
                sum(float((one.turned(own) * mean).sum()) for own, mean in zip(cube.values, self.cube, strict=True)) / 2
                for one in orientations()
            ]
        )


@dataclass(frozen=True)
class Evidence:
    """What one volume shows of how it lies, and what its file claims.

    Attributes
    ----------
    cube : Cube
    claimed : Orientation
    spacing : ndarray of float64, (3,)
        mm along the file's z, y, x, as claimed.
    placed : bool
        The file knows a place in the world: its first voxel is not at zero.
    """

    cube: Cube
    claimed: Orientation
    spacing: np.ndarray
    placed: bool

    @property
    def lost(self) -> bool:
        """The file says what software writes that knows no geometry: voxels of 1 mm, the first one at zero."""
        return not self.placed and bool((self.spacing == 1.0).all())

    @property
    def margin(self) -> float:
        """By how much another orientation has to agree better."""
        return SURE_MARGIN if self.placed else MARGIN


def evidence_of(image: sitk.Image) -> Evidence | None:
    """Evidence of one volume; None where it shows no body."""
    cube = canonical_cube(sitk.GetArrayViewFromImage(image))
    if cube is None:
        return None
    return Evidence(cube, orientation_in(image), np.array(image.GetSpacing())[::-1], any(image.GetOrigin()))


def norm_of(volumes: Sequence[Evidence]) -> Norm | None:
    """Of training volumes, as their files have them; None without any."""
    if not volumes:
        return None
    cubes = [np.stack([one.claimed.turned(values) for values in one.cube.values]) for one in volumes]
    spacings = [one.spacing[list(one.claimed.axes)] for one in volumes]
    spreads = [(one.cube.spread * one.spacing)[list(one.claimed.axes)] for one in volumes]
    mean = np.stack([_standard(values) for values in np.mean(cubes, axis=0)])
    agreement = [float((values * mean).sum()) / 2 for values in cubes]
    least = float(np.quantile(agreement, 0.1)) - SLACK
    return Norm(mean, np.median(spreads, axis=0), np.median(spacings, axis=0), least)


@dataclass(frozen=True)
class Vote:
    """How a cohort's arrays lie.

    Attributes
    ----------
    orientation : Orientation or None
        None: as the files say.
    spacing : tuple of float or None
        mm along the file's z, y, x; None: as the files say.
    share : float
        Of the volumes that agree with it; of those that stand by their files where that is None.
    volumes : int
        How many voted.
    """

    orientation: Orientation | None
    spacing: tuple[float, float, float] | None
    share: float
    volumes: int


def vote(volumes: Sequence[Evidence], norm: Norm, *, told: bool) -> Vote:
    """Whether a cohort lies otherwise than its files say.

    Left and right cannot be told in most bodies, so an orientation and its mirror image count as one; the files'
    own is kept unless another agrees better in most volumes, and on average by a margin.

    Parameters
    ----------
    volumes : sequence of Evidence
        Of some of the cohort's volumes.
    norm : Norm
    told : bool
        Somebody said how large the voxels are: the person, or files that have not lost their geometry.
    """
    ways = orientations()
    if len(volumes) < FEWEST:
        return Vote(None, None, 0.0, len(volumes))
    agreements = np.array([norm.agreement(one.cube) for one in volumes])
    claimed = [ways.index(one.claimed) for one in volumes]
    mirrored = np.array([ways.index(way.mirrored) for way in ways])
    either = np.maximum(agreements, agreements[:, mirrored])
    of_claimed = either[np.arange(len(volumes)), claimed]
    best = int(either.mean(0).argmax())
    better = (either[:, best] > of_claimed) & (either[:, best] > norm.least)
    margin = float(np.median([one.margin for one in volumes]))
    chosen: Orientation | None = None
    if better.mean() >= SHARE and (either[:, best] - of_claimed).mean() > margin:
        chosen = ways[int(max((best, int(mirrored[best])), key=lambda way: agreements[:, way].mean()))]
    share = float((better if chosen is not None else of_claimed >= either.max(1) - MARGIN).mean())
    said = [one.spacing[list((chosen or one.claimed).axes)] for one in volumes]
    sizes = [norm.spread / one.cube.spread[list((chosen or one.claimed).axes)] for one in volumes]
    size, ratio = np.median(sizes, axis=0), np.median(np.divide(sizes, said), axis=0)
    if told or (np.abs(np.log(ratio)) < np.log(LEEWAY)).all() or (either.max(1) > norm.least).mean() < SHARE:
        return Vote(chosen, _header_spacing(said, chosen), share, len(volumes))
    likely = _along_file(_likely(size, norm.spacing), chosen or volumes[0].claimed)
    return Vote(chosen, likely, share, len(volumes))


def _header_spacing(said: Sequence[np.ndarray], chosen: Orientation | None) -> tuple[float, float, float] | None:
    """What the files say, where that needs saying anew because their axes are called otherwise."""
    return None if chosen is None else _along_file(np.median(said, axis=0), chosen)


def _likely(size: np.ndarray, training: np.ndarray) -> np.ndarray:
    """The training volumes' own spacing where it is about that; else the same along all axes where it is about so."""
    if (np.abs(np.log(size / training)) < np.log(ALIKE)).all():
        return training
    if size.max() / size.min() < ALIKE**2:
        return np.full(3, float(np.exp(np.log(size).mean())))
    return size


def _along_file(world: np.ndarray, way: Orientation) -> tuple[float, float, float]:
    """mm along the patient's axes -> along the file's, to three digits."""
    along = [0.0, 0.0, 0.0]
    for place, axis in enumerate(way.axes):
        along[axis] = float(f"{world[place]:.3g}")
    return along[0], along[1], along[2]


def turned_otherwise(image: sitk.Image, norm: Norm) -> Orientation | None:
    """The orientation that one volume lies in, where that is clearly another than its file's; else None."""
    seen = evidence_of(image)
    if seen is None:
        return None
    ways, agreement = orientations(), norm.agreement(seen.cube)
    best = int(agreement.argmax())
    kept = max(agreement[ways.index(seen.claimed)], agreement[ways.index(seen.claimed.mirrored)])
    return ways[best] if agreement[best] > max(kept + seen.margin, norm.least) else None
