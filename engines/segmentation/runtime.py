"""Exported graphs at work: onnxruntime on the processor, without torch.

The graphs that answer clicks are small, and a processor answers them without waiting for anybody; nothing here takes a graphics card's memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

from engines.api.errors import ModelError
from engines.launch.hardware import cores

Floats = npt.NDArray[np.float32]


def threads() -> int:
    """How many threads a graph is run with: one for each real core that this process may use; more would wait for each other."""
    return min(cores(), psutil.cpu_count(logical=False) or 1)


class Graph:
    """One graph, loaded."""

    def __init__(self, path: Path) -> None:
        """Load it.

        Raises:
            ModelError: missing or damaged, or the weights that belong to it are.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what it says of damage is said in words below
        options.intra_op_num_threads = threads()
        # Threads that spin while they wait for the next click would slow everything else down.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        failures: tuple[type[Exception], ...] = (ValueError, RuntimeError, *_failures())
        try:
            self._session: Any = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except failures as error:
            title = "The exported model cannot be opened"
            raise ModelError(title, f"“{path.name}” is missing or damaged.", "Export it again.") from error
        self.inputs: tuple[str, ...] = tuple(one.name for one in self._session.get_inputs())
        self.outputs: tuple[str, ...] = tuple(one.name for one in self._session.get_outputs())

    def __call__(self, *given: Floats) -> list[Floats]:
        """Its outputs for inputs, both in order."""
        found: list[Floats] = self._session.run(None, dict(zip(self.inputs, given, strict=True)))
        return found


def _failures() -> tuple[type[Exception], ...]:
    """What onnxruntime raises; its exceptions have no common parent of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception))
