"""Weights from a file: loaded without running any code in it, refused in one line when they are the wrong ones."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

from napari_relict.errors import DataError


def load_state_dict(path: Path, expected: str) -> dict[str, Any]:
    """Parameter name -> tensor, on the CPU.

    A checkpoint that holds its parameters under `state_dict` or `model` is unwrapped.

    Raises
    ------
    DataError : missing, damaged, or not a state dict.
    """
    import torch

    state = load_checkpoint(path, expected)
    for key in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise wrong_file(path, expected)
    return state


def load_checkpoint(path: Path, expected: str) -> Any:
    """What a file written by torch holds, on the CPU.

    Raises
    ------
    DataError : missing or damaged, or it would run code.
    """
    import torch

    if not path.is_file():
        raise DataError(path, "no such weights file", "check the path under [encoders] in study.toml")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError) as error:
        raise wrong_file(path, expected) from error


def wrong_file(path: Path, expected: str) -> DataError:
    return DataError(path, f"does not hold the weights of {expected}", "check which model the file belongs to")


def sha256(path: Path) -> str:
    """SHA-256 of a weights file.

    Raises
    ------
    DataError : there is no such file.
    """
    if not path.is_file():
        raise DataError(path, "no such weights file", "check the path under [encoders] in study.toml")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
