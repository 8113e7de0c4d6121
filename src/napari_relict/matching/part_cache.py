"""Parts of a long search, each on the disk once it is finished; all are gone when the whole is."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.errors import disk_faults

# Raise this when a part gives another answer to the same question.
RECIPE = 1


class PartCache:
    """Arrays by a key made of all they depend on, one file a part; a stopped job goes on with what is missing.

    Parameters
    ----------
    folder : of the parts; made when the first one is kept.
    preparation : key of the prepared cohorts.
    """

    def __init__(self, folder: Path, preparation: str) -> None:
        self._folder, self._preparation = folder, preparation

    def key(self, *about: Any) -> str:
        """SHA-256 of what a part depends on, beside the preparation: anything JSON or numpy can hold."""
        text = json.dumps([RECIPE, self._preparation, about], sort_keys=True, default=_plain)
        return hashlib.sha256(text.encode()).hexdigest()

    def get(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays kept by this key; None when there are none, or none that can be read."""
        try:
            with np.load(self._folder / f"{key}.npz", allow_pickle=False) as stored:
                return dict(stored)
        except (FileNotFoundError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def put(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Whole on the disk when this returns, or not at all."""
        path = self._folder / f"{key}.npz"
        unfinished = path.with_suffix(".part")
        with disk_faults(path):
            self._folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)

    def clear(self) -> None:
        """The job is done: a later one starts from what it finds then."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.shape, hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()]
    if isinstance(value, range | tuple | set | frozenset):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    raise TypeError(f"{type(value).__name__} is no part of a key")
