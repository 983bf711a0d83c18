"""Compiles a network for the steps of a training (torch.compile), block by block.

Blocks of one class and shape share what was compiled, so a large network takes hardly longer than a small one. It serves exactly what
was tried here; everything else, such as measurements and sample pictures, goes the ordinary way instead of being compiled in the
middle of a run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch

from engines.api.places import cache_home
from engines.core.contracts import NOTE, ProgressHook
from engines.core.devices import Device, release_cache

BACKEND = "inductor"
_VARIANTS = 256
"""A class is compiled at most so often: for every size its blocks have, every shape of picture, and with and without the adapter."""


def compile_blocks(
    network: torch.nn.Module,
    classes: Collection[str],
    trials: Sequence[Callable[[], None]],
    device: Device,
    progress: ProgressHook,
) -> bool:
    """Compile what the trials ask of a network's blocks; where that cannot be done, say why and leave it as it is.

    Args:
        network: with its adapter in place.
        classes: names of the blocks' classes.
        trials: each does what a step on one shape of pictures does, and leaves no trace.
        device: where it lies.
        progress: hears how far it is.

    Returns:
        Whether it is compiled.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_home() / "compiled"))
    whole: Any = network
    blocks: list[Any] = [part for part in network.modules() if type(part).__name__ in classes]
    for block in blocks:
        block.forward = torch.compile(  # type: ignore[call-overload]  # torch's overloads leave the limit out
            block.forward, dynamic=False, backend=BACKEND, recompile_limit=_VARIANTS
        )
    try:
        for number, trial in enumerate(trials):
            progress("compiling", "Compiling the model, which can take minutes", number, len(trials))
            trial()
    except (RuntimeError, OSError, ImportError) as error:
        for block in blocks:
            del block.forward
        release_cache(device)
        progress(NOTE, f"The model could not be compiled. The run goes on without: {_reason(error)}", 0, 0)
        return False
    whole.forward = torch.compiler.set_stance("eager_on_recompile")(whole.forward)
    return True


def _reason(error: Exception) -> str:
    """The line of an error that says most."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    said = lines[1] if lines[0].endswith("raised:") and len(lines) > 1 else lines[0]
    return f"{said[:200].rstrip('.')}."
