"""Weights from a file: loaded without running any code in it, refused in one line when they are the wrong ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_relict.errors import DataError

WRAPPERS = ("state_dict", "model", "model_state_dict", "net", "network")


def load_state_dict(path: Path, expected: str) -> dict[str, Any]:
    """Load the parameters of a checkpoint onto the CPU.

    A checkpoint that holds its parameters under `state_dict`, `model` or the like is unwrapped, and the prefix
    `module.` of networks that were trained on several GPUs is taken off.

    Parameters
    ----------
    path : pathlib.Path
        The checkpoint.
    expected : str
        What it should hold the weights of, for errors.

    Returns
    -------
    dict of str to torch.Tensor
        By name.

    Raises
    ------
    DataError
        Missing, damaged, or not a state dict.
    """
    import torch

    state = load_checkpoint(path, expected)
    for key in WRAPPERS:
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not state or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise wrong_file(path, expected, "it is a checkpoint, but holds no table of parameters")
    while all(str(key).startswith("module.") for key in state):
        state = {str(key).removeprefix("module."): value for key, value in state.items()}
    return {str(key): value for key, value in state.items()}


def load_checkpoint(path: Path, expected: str) -> Any:
    """Load what a file written by torch, or as .safetensors, holds; without running code of it.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    expected : str
        What it should hold the weights of, for errors.

    Returns
    -------
    object
        On the CPU.

    Raises
    ------
    DataError
        It is no such file, or a damaged one.
    """
    import torch

    try:
        return _safetensors(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except DataError:
        raise
    except Exception as error:  # of any class: torch reads whatever bytes there are as if they were a checkpoint
        raise wrong_file(path, expected, "it is no checkpoint of torch, or a damaged one") from error


def _safetensors(path: Path) -> dict[str, Any]:
    """Tensors of a .safetensors file: a table of names, types and places, then the numbers."""
    try:
        from safetensors.torch import load_file
    except ImportError as error:
        raise DataError(path, "needs the package safetensors", "run: pip install safetensors") from error
    from safetensors import SafetensorError

    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def load_into(net: Any, state: Mapping[str, Any], path: Path, expected: str) -> None:
    """Give a torch network these parameters; every one of them, and no other.

    Parameters
    ----------
    net : torch.nn.Module
        The network.
    state : mapping of str to torch.Tensor
        Parameters by name.
    path : pathlib.Path
        Where they are from, for errors.
    expected : str
        What the file should hold the weights of, for errors.

    Raises
    ------
    DataError
        They are another network's; it says which are missing, unexpected or of another shape.
    """
    wanted = net.state_dict()
    missing = [key for key in wanted if key not in state and not key.endswith("num_batches_tracked")]
    unexpected = [key for key in state if key not in wanted]
    shapes = [key for key in state if key in wanted and state[key].shape != wanted[key].shape]
    if missing or unexpected or shapes:
        said = [_said("missing", missing), _said("unexpected", unexpected)]
        if shapes:
            first = shapes[0]
            given, due = (tuple(parameters[first].shape) for parameters in (state, wanted))
            said.append(f"{len(shapes)} of another shape ({first} is {given}, not {due})")
        raise wrong_file(path, expected, ", ".join(part for part in said if part))
    net.load_state_dict(dict(state), strict=False)  # old checkpoints count no batches; all else was compared


def _said(what: str, keys: list[str]) -> str:
    if not keys:
        return ""
    return f"{len(keys)} parameter{'s' if len(keys) > 1 else ''} {what} ({keys[0]}{', ...' if len(keys) > 1 else ''})"


def wrong_file(path: Path, expected: str, why: str = "") -> DataError:
    """Word the error of a file that holds something else.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    expected : str
        What it should hold the weights of.
    why : str, default: ''
        How that is known.

    Returns
    -------
    DataError
        To be raised.
    """
    wrong = f"does not hold the weights of {expected}" + (f": {why}" if why else "")
    return DataError(path, wrong, "check which model the file belongs to")


def sha256(path: Path) -> str:
    """Hash a weights file.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    str
        In hexadecimal.

    Raises
    ------
    DataError
        There is no such file.
    """
    if not path.is_file():
        raise DataError(path, "no such weights file", "check the path under [encoders] in study.toml")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
