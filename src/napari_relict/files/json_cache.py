"""What a long job has finished, kept as small files of JSON, each with a key of all that it depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_relict.errors import disk_faults


def read_kept(file: Path, key: str) -> dict[str, Any] | None:
    """What an earlier run kept; None where there is nothing, or it is of another key or damaged."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) and document.get("key") == key else None


def keep(file: Path, key: str, **content: Any) -> Mapping[str, Any]:
    """Put `content` there under its key, all of it or nothing; it is returned with the key.

    Raises
    ------
    DataError : the disk is full or at fault.
    """
    document = {"key": key, **content}
    unfinished = file.with_suffix(".part")
    with disk_faults(file):
        unfinished.write_text(json.dumps(document), encoding="utf-8")
        unfinished.replace(file)
    return document
