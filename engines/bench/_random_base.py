"""Writes a base model of a published architecture with random weights, for measuring where nothing may be fetched.

`python -m engines.bench._random_base LAYOUT FOLDER`, in a process of its own, so that its memory is gone afterwards.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch


def write(layout: Path, folder: Path, device: torch.device, dtype: torch.dtype) -> Path:
    """Make the networks of a layout (see `resources/layouts`) on a device and write them as a diffusers folder; returns it."""
    from engines.diffusion.folders import network_class, tokenizer_of
    from engines.diffusion.single_file import clip_tokenizer

    shutil.copytree(layout, folder, dirs_exist_ok=True)
    texts = [path.name for path in sorted(layout.glob("text_encoder*"))]
    for part in ("unet", "vae", *texts):
        with torch.device(device), _default(dtype):
            made(network_class(part), layout / part).save_pretrained(str(folder / part), safe_serialization=True)
    for text in texts:
        place = tokenizer_of(text)
        clip_tokenizer(layout / place).save_pretrained(str(folder / place))
    return folder


def made(kind: Any, layout: Path) -> Any:  # noqa: ANN401 - diffusers and transformers are untyped
    """A network of a class by its configuration, with random weights."""
    if hasattr(kind, "load_config"):
        return kind.from_config(kind.load_config(layout))
    return kind(kind.config_class.from_pretrained(str(layout)))


@contextmanager
def _default(dtype: torch.dtype) -> Iterator[None]:
    """New tensors are of this type, so that a large network is never there in full precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def main(arguments: list[str]) -> None:
    """Write the layout named first into the folder named second."""
    from engines.api.places import resources
    from engines.core.devices import pick

    torch.manual_seed(0)
    device = pick("auto")
    write(resources() / "layouts" / arguments[0], Path(arguments[1]), device.torch_device, device.dtype)


if __name__ == "__main__":
    main(sys.argv[1:])
