"""A merged checkpoint: the plain model with the adapter in its weights, under Meta's names, for every program that opens Segment Anything."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from engines.api.errors import AdapterError, ModelError
from engines.core.devices import pick
from engines.core.weights import PICKLES
from engines.segmentation.export.adapted import open_adapted
from projects.files import atomic_path


def export_checkpoint(base: str, adapter: Path | None, out: Path, *, overwrite: bool = False) -> str:
    """Write a model with an adapter merged into it.

    Args:
        base: as in a job.
        adapter: its file; None writes the base itself.
        out: `.safetensors`, or `.pth` for programs that only read Meta's own kind of file (tensors by name, nothing that runs).
        overwrite: replace a file of this name.

    Returns:
        What is worth knowing of the file, in words; empty when nothing is.

    Raises:
        AdapterError: the adapter adds layers and cannot be merged, is damaged, or was made for another model.
        ModelError: the base cannot be opened, or what was written is not what it should be.
    """
    if out.exists() and not overwrite:
        title = "There is a file of this name"
        raise AdapterError(title, f"{out.name} was not overwritten.", "Choose another name.")
    opened = open_adapted(base, adapter, pick("cpu", "fp32"))
    if not opened.merged:
        title = "This adapter cannot be put into the model's weights"
        raise AdapterError(title, "It adds layers that the plain model does not have.", "Export it as ONNX instead.")
    weights = {name: tensor.detach().contiguous() for name, tensor in opened.model.network.state_dict().items()}
    pickled = out.suffix.lower() in PICKLES
    with atomic_path(out) as temporary:
        if pickled:
            torch.save(weights, temporary)
        else:
            save_file(weights, temporary)
        found = torch.load(temporary, weights_only=True) if pickled else load_file(temporary)
        if found.keys() != weights.keys() or any(not torch.equal(found[name], weights[name]) for name in weights):
            raise ModelError("The checkpoint is not right", "What was read back is not what was written.", "Try again.")
    if opened.tokens is None:
        return ""
    return (
        "It answers clicks and boxes. What the adapter finds by itself is not a part of such a file; ONNX holds it too."
    )
