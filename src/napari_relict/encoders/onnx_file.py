"""ONNX networks of the user, through ONNX Runtime (extra `onnx`).

A network of unknown make can make the runtime compute whatever it likes: open only files you trust.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_relict.encoders.contract import Encoder, EncoderKind
from napari_relict.encoders.own_network import NEEDS, OPTIONS, OwnNetwork
from napari_relict.encoders.weights import sha256, wrong_file


def open_onnx(name: str, weights: Path | None, options: Mapping[str, Any], device: str) -> Encoder:
    """Open an ONNX network with one input.

    Parameters
    ----------
    name : str
        Of the encoder in this study; the column of its measure.
    weights : pathlib.Path or None
        The file of weights; None where they are fetched.
    options : mapping of str to object
        Of `[encoders.NAME]` in study.toml.
    device : str
        "cpu" or "cuda".

    Returns
    -------
    Encoder
        The encoder.

    Raises
    ------
    DataError
        ONNX Runtime cannot read the file, or it has several inputs.
    """
    import onnxruntime as runtime

    assert weights is not None
    digest = sha256(weights)
    providers = ["CPUExecutionProvider"]
    if device != "cpu" and "CUDAExecutionProvider" in runtime.get_available_providers():
        providers.insert(0, "CUDAExecutionProvider")
    try:
        session = runtime.InferenceSession(str(weights), providers=providers)
    except Exception as error:  # of classes that the runtime does not export
        raise wrong_file(weights, "an ONNX network", "ONNX Runtime cannot read it") from error
    if len(session.get_inputs()) != 1:
        raise wrong_file(weights, "an ONNX network with one input", f"it has {len(session.get_inputs())}")
    (given,) = session.get_inputs()
    named = [output.name for output in session.get_outputs()]
    chosen = options if "layers" in options or len(named) == 1 else {**options, "layers": named}

    def outputs(batch: np.ndarray) -> Sequence[np.ndarray]:
        found: Sequence[np.ndarray] = session.run(None, {given.name: batch})
        return found

    return OwnNetwork(name, KIND.title, digest, outputs, chosen)


KIND = EncoderKind("onnx", "ONNX file", NEEDS, OPTIONS, open_onnx, packages=(("onnxruntime", "onnx"),))
