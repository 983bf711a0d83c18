"""Writes a graph as ONNX and does not believe it: what onnxruntime answers is held to what torch answers before the file is handed out."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from engines.api.errors import ModelError
from engines.segmentation.runtime import Floats, Graph

OPSET = 17
LARGEST_DIFFERENCE = 1e-3
_ONE_FILE_BYTES = 1_900_000_000
"""A file of this format holds at most 2^31 bytes; larger weights lie in a file beside it."""
_SMALL_TENSOR_BYTES = 1024


@dataclass(frozen=True)
class Drawing:
    """A graph to be written.

    Attributes:
        network: gives the outputs for the inputs.
        inputs: names, in order; `outputs` likewise.
        trials: inputs that it is tried with; it is traced with the first, so the others must differ in whatever may differ.
        dynamic: names of the sizes that may differ, by input or output and axis.
    """

    network: nn.Module
    inputs: Sequence[str]
    outputs: Sequence[str]
    trials: Sequence[tuple[torch.Tensor, ...]]
    dynamic: Mapping[str, Mapping[int, str]] = field(default_factory=dict)


def write_graph(drawing: Drawing, path: Path, *, one_file_bytes: int = _ONE_FILE_BYTES) -> float:
    """Write a graph and check it.

    Args:
        drawing: what to write.
        path: the file; large weights lie beside it as `<name>.data`, a name the file holds.
        one_file_bytes: weights of more than this lie apart.

    Returns:
        The largest difference between its answers and torch's, in units of the largest answer (or of 1, whichever is larger).

    Raises:
        ModelError: it cannot be written, or answers differently; then there is no file.
    """
    drawing.network.eval()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".tracing-") as scratch:
        traced = Path(scratch) / path.name
        _trace(drawing, traced)
        _put_together(traced, path, one_file_bytes)
    try:
        return checked(drawing, Graph(path))
    except ModelError:
        remove_graph(path)
        raise


def checked(drawing: Drawing, graph: Graph) -> float:
    """The largest difference between a graph's answers and torch's; raises ModelError when it is more than a thousandth."""
    largest = 0.0
    for trial in drawing.trials:
        with torch.no_grad():
            found = drawing.network(*trial)
        expected = [one.numpy() for one in (found if isinstance(found, tuple) else (found,))]
        answers = graph(*(one.numpy() for one in trial))
        largest = max([largest, *(_difference(*pair) for pair in zip(answers, expected, strict=True))])
    if not largest <= LARGEST_DIFFERENCE:
        raise ModelError(
            "The exported file answers differently",
            f"Its answers are off by {largest:.2g}, more than {LARGEST_DIFFERENCE:g}, so it was not kept.",
            "Export a merged checkpoint instead, or choose another way to adapt.",
        )
    return largest


def remove_graph(path: Path) -> None:
    """Remove a graph and what lies beside it."""
    for file in (path, data_of(path)):
        file.unlink(missing_ok=True)


def data_of(path: Path) -> Path:
    """Where the weights of a graph lie when they lie apart."""
    return path.with_name(f"{path.name}.data")


def _difference(answer: Floats, expected: Floats) -> float:
    if answer.shape != expected.shape:
        return float("inf")
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    return float(np.abs(answer - expected).max(initial=0.0)) / scale


def _trace(drawing: Drawing, path: Path) -> None:
    """Follow the network through its first trial; what depends on other sizes is found out by the check."""
    # The newer exporter cannot follow sizes that are inputs, such as the picture's.
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                drawing.network,
                tuple(drawing.trials[0]),
                path,
                dynamo=False,
                opset_version=OPSET,
                input_names=list(drawing.inputs),
                output_names=list(drawing.outputs),
                dynamic_axes={name: dict(axes) for name, axes in drawing.dynamic.items()},
            )
    except torch.onnx.errors.OnnxExporterError as error:
        title = "This model cannot be written as ONNX"
        first = str(error).strip().splitlines()[0][:200]
        raise ModelError(title, first, "Export a merged checkpoint instead, or choose another way to adapt.") from error


def _put_together(traced: Path, path: Path, one_file_bytes: int) -> None:
    """Move a traced graph to its place, with large weights in one file beside it (the exporter puts each into its own)."""
    import onnx

    pieces = [file for file in traced.parent.iterdir() if file != traced]
    if not pieces and traced.stat().st_size <= one_file_bytes:
        shutil.move(traced, path)
        return
    graph: Any = onnx.load(traced)
    onnx.save_model(
        graph,
        path,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=data_of(path).name,
        size_threshold=_SMALL_TENSOR_BYTES,
    )
