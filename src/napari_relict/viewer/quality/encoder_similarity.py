"""What the study's first encoder sees of an altered volume. No Qt, no napari; slow: call it in a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_relict.encoders import open_encoder
from napari_relict.encoders.embeddings import stored_vectors
from napari_relict.measures.feature import centre_of, cosine

if TYPE_CHECKING:
    from napari_relict.study import Study


class FeatureEye:
    """Cosine of two volumes, as in the last match.

    Attributes
    ----------
    name, title : of the measure; empty where the last match used no encoder, or its embeddings are not there.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._encoder: Any = None
        self._last: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None = None
        measure = next((one for one in study.measures() if one.level == "feature"), None)
        self.name: str = "" if measure is None else measure.name
        self.title: str = "" if measure is None else measure.title
        self._training: npt.NDArray[Any] | None = None
        if measure is not None:
            contents = study.contents()
            mine = list(contents.loc[contents["cohort"] == "training", "content"])
            self._training = stored_vectors(study.folder / "volumes" / "embeddings.sqlite", measure.name, mine)
        if self._training is None:
            self.name = self.title = ""

    def compare(
        self, before: npt.NDArray[np.float32], after: npt.NDArray[np.float32], spacing: tuple[float, float, float]
    ) -> float:
        """Cosine of two volumes (z, y, x), 0 to 1; the first one's vector is kept for the next time.

        Raises
        ------
        DataError, UsageError : the encoder's weights cannot be had, or it is defined no more.
        """
        if self._encoder is None:
            settings = self._study.settings
            self._encoder = open_encoder(
                self.name, settings.encoders.get(self.name, {}), folder=self._study.folder,
                ct_window=settings.hounsfield,
            )  # fmt: skip
        if self._last is None or self._last[0] is not before:
            self._last = before, self._encoder.encode(before, spacing)
        known = self._last[1]
        other = known if after is before else self._encoder.encode(after, spacing)
        assert self._training is not None, "without vectors there is no name, and nothing to compare"
        centre = centre_of(self._training, self._encoder.centred)
        return float(cosine(known[None], other[None], centre)[0, 0])
