"""How families that come as a diffusers folder or as one checkpoint file recognise and open themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engines.core.contracts import ProgressHook
from engines.core.devices import Device
from engines.diffusion import folders, single_file
from engines.diffusion.folders import Opened


def recognises(path: Path, pipeline: str, *, larger: bool) -> bool:
    """Whether a folder names this pipeline, or a file is a checkpoint of the smaller or the larger kind."""
    if path.is_dir():
        return folders.pipeline_class(path) == pipeline
    return single_file.is_checkpoint(path, larger=larger)


def opened(path: Path, device: Device, texts: Sequence[str], progress: ProgressHook) -> Opened:
    """Load a folder or a file onto the device; raises ModelError."""
    open_it = folders.open_folder if path.is_dir() else single_file.open_file
    return open_it(path, device, texts=texts, progress=progress)
