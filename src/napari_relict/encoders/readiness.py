"""Whether an encoder could be opened here and now, without opening it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from napari_relict.encoders.contract import EncoderKind
from napari_relict.files.package_files import is_fetched

READY = "ready"


def readiness(kind: EncoderKind, weights: Path | None) -> str:
    """`READY`, or what is lacking and what to do about it."""
    for module, extra in kind.packages:
        if importlib.util.find_spec(module) is None:
            return f"needs the package {module}: pip install 'napari-relict[{extra}]'"
    if weights is not None:
        return READY if weights.is_file() else f"there is no file {weights}"
    if not kind.fetched:
        return "needs your weights"
    return READY if all(map(is_fetched, kind.fetched)) else "its weights are fetched when it is first used"
