"""Is any of these synthetic volumes a copy of a patient?

from napari_relict import Study
study = Study.create("my-study", training="training", synthetic="synthetic", holdout="holdout")
study.match()
print(study.verdicts())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_relict.version import __version__

__all__ = ["DataError", "RelictError", "Study", "UsageError", "__version__", "find_copies"]

if TYPE_CHECKING:
    from napari_relict.errors import DataError, RelictError, UsageError
    from napari_relict.study import Study
    from napari_relict.study.arrays import find_copies


def __getattr__(name: str) -> Any:
    # Loaded when asked for: napari imports every plugin's package at start.
    if name == "Study":
        from napari_relict.study import Study

        return Study
    if name == "find_copies":
        from napari_relict.study.arrays import find_copies

        return find_copies
    if name in ("DataError", "RelictError", "UsageError"):
        from napari_relict import errors

        return getattr(errors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
