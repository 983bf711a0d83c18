"""The files of a base model's folder: its configurations, which weights there are, and whether they look right."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from engines.api.errors import ModelError
from engines.launch.tensor_file import read_tensor_file

MAX_CONFIG_BYTES = 1_000_000


def read_config(path: Path) -> dict[str, object]:
    """A model's JSON configuration.

    Raises:
        ModelError: missing, too large or not an object.
    """
    title = "The base model is not complete"
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ModelError(title, f"{path.name} is far too large for a configuration.")
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(title, f"{path.parent.name}/{path.name} is missing.", "Fetch the base model again.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(title, f"{path.parent.name}/{path.name} cannot be read.", "Fetch it again.") from error
    if not isinstance(found, dict):
        raise ModelError(title, f"{path.parent.name}/{path.name} is not a configuration.")
    return found


def weight_files(folder: Path) -> tuple[list[Path], str | None]:
    """The weights of one part of a diffusers folder, in order of name, and their variant (`fp16`) when only such ones are there.

    Safetensors are preferred; the old pickled kind (`.bin`) is taken only where there is nothing else.

    Raises:
        ModelError: no weights at all.
    """
    for suffix in ("safetensors", "bin"):
        plain = sorted(file for file in folder.glob(f"*.{suffix}") if "." not in file.stem)
        if plain:
            return plain, None
        half = sorted(folder.glob(f"*.fp16*.{suffix}"))
        if half:
            return half, "fp16"
    title = "The base model is not complete"
    raise ModelError(title, f"No weights in “{folder.name}”.", "Fetch the base model again.")


def check_weights(files: Iterable[Path]) -> None:
    """Look at every safetensors header before anything is loaded; raises ModelError."""
    for file in files:
        if file.suffix == ".safetensors":
            read_tensor_file(file, failure=ModelError)
