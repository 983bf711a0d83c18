"""Adapter files in and out, one file a format. `read_adapter`, `write_adapter`, `export`; `describe` without torch.

The formats are described in docs/formats.md.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import torch

from engines.api.errors import AdapterError
from engines.diffusion.exchange import diffusers_current, diffusers_old, kohya, peft_folder
from engines.diffusion.exchange.adapter import NETWORKS, Adapter, LoraPair, canonical, check_fit, in_memory
from engines.diffusion.exchange.taught_words import embedding
from engines.launch.adapter_info import FORMATS, AdapterInfo, describe, format_of, refuse_foreign
from engines.launch.tensor_file import order_metadata, read_tensor_file
from projects.files import atomic_path, atomic_write_json, replace, safe_name, temporary_beside

__all__ = [
    "FORMATS",
    "Adapter",
    "AdapterInfo",
    "LoraPair",
    "canonical",
    "check_fit",
    "describe",
    "export",
    "in_memory",
    "read_adapter",
    "write_adapter",
]

MAX_BYTES = 4 * 2**30
_FILES: dict[str, ModuleType] = {
    "diffusers": diffusers_current,
    "kohya": kohya,
    "diffusers-old": diffusers_old,
}


def read_adapter(path: Path) -> Adapter:
    """Read an adapter file, or a folder as peft writes it.

    Raises:
        AdapterError: missing, damaged, too large, or of a kind that is not known; says which.
    """
    if path.is_dir():
        return _read_folder(path)
    header = read_tensor_file(path)
    refuse_foreign(header.tensors)
    kind = format_of(header.tensors)
    tensors = _load(path)
    return Adapter(_FILES[kind].read(tensors, header.metadata), dict(header.metadata), kind)


def write_adapter(adapter: Adapter, path: Path, format: str = "diffusers", *, overwrite: bool = False) -> None:  # noqa: A002 - the word people know
    """Write in one of the formats `diffusers`, `kohya` (a file) or `peft` (a folder), atomically.

    Raises:
        AdapterError: the name is taken and `overwrite` is off, or it cannot be written.
    """
    title = "The adapter could not be written"
    if path.exists() and not overwrite:
        raise AdapterError(
            title, f"“{path.name}” is there already.", "Choose another name, or say that it may be replaced."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if format == "peft":
            _write_folder(adapter, path)
        elif format in {"diffusers", "kohya"}:
            tensors, extra = _FILES[format].write(adapter)
            _save(tensors, {**_lasting(adapter.metadata), **extra}, path)
        else:
            raise AdapterError(title, f"There is no format “{format}”.", "Known: diffusers, kohya, peft.")
    except OSError as error:
        raise AdapterError(title, f"{path.name}: {error.strerror or error}.", "Choose another folder.") from error


def _read_folder(folder: Path) -> Adapter:
    modules: dict[str, LoraPair] = {}
    metadata: dict[str, str] = {}
    for network, place in peft_folder.networks_in(folder).items():
        settings = peft_folder.read_config(place)
        weights = place / peft_folder.WEIGHTS
        metadata |= read_tensor_file(weights).metadata
        modules |= peft_folder.read(network, _load(weights), settings)
    return Adapter(modules, metadata, "peft")


def _lasting(metadata: Mapping[str, str]) -> dict[str, str]:
    """What is true in every format; scales told in the words of the format that was read would be wrong in another."""
    return {key: value for key, value in metadata.items() if key not in diffusers_current.OWN}


def _write_folder(adapter: Adapter, folder: Path) -> None:
    """Build the folder beside its place and swap it in whole, so that no network of an older adapter stays behind."""
    building = temporary_beside(folder)
    building.mkdir()
    try:
        for network in NETWORKS:
            if any(name.startswith(network + ".") for name in adapter.modules):
                _write_network(adapter, network, building / network)
        old = temporary_beside(folder)
        if folder.exists():
            replace(folder, old)
        replace(building, folder)
        _discard(old)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _discard(path: Path) -> None:
    """What stood where an adapter is written now: a folder as peft writes it, or a file."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _write_network(adapter: Adapter, network: str, place: Path) -> None:
    tensors, settings = peft_folder.write(adapter, network)
    place.mkdir()
    base = adapter.metadata.get("lorikeet.base", "")
    _save(tensors, _lasting(adapter.metadata), place / peft_folder.WEIGHTS)
    atomic_write_json(place / peft_folder.CONFIG, {**settings, "base_model_name_or_path": base})


def _load(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if path.stat().st_size > MAX_BYTES:
        title = "The file is too large for an adapter"
        raise AdapterError(title, f"“{path.name}” has {path.stat().st_size / 2**30:.1f} GiB.", "Is it a whole model?")
    try:
        # Copies: tensors that stay mapped would keep the file from being replaced on Windows.
        return {name: tensor.clone() for name, tensor in load_file(path).items()}
    except (SafetensorError, OSError, ValueError) as error:
        title = "The file is damaged or not a safetensors file"
        raise AdapterError(title, f"{path.name}: {error}.", "Download or export it again.") from error


def _save(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str], path: Path) -> None:
    from safetensors.torch import save_file

    plain = {name: tensor.detach().to("cpu").contiguous() for name, tensor in sorted(tensors.items())}
    with atomic_path(path) as temporary:
        save_file(plain, temporary, metadata={"format": "pt", **metadata})
        order_metadata(temporary)


def tag_frequency(captions: Mapping[str, int]) -> str:
    """Kohya's `ss_tag_frequency`: how often each caption's comma-separated parts occur, as JSON."""
    counts: dict[str, int] = {}
    for caption, times in captions.items():
        for part in caption.split(","):
            if tag := part.strip():
                counts[tag] = counts.get(tag, 0) + times
    return json.dumps({"pictures": counts}, ensure_ascii=False, sort_keys=True)


def export(
    path: Path,
    target: Path,
    format: str,  # noqa: A002 - the word people know
    *,
    overwrite: bool = False,
    captions: Mapping[str, int] | None = None,
) -> AdapterInfo:
    """Write an adapter file in another tool's format and say what was written.

    Args:
        path: the adapter, of any known format.
        target: file to write, or folder for peft.
        format: `diffusers`, `kohya` or `peft`.
        overwrite: replace what is there.
        captions: how often each caption was learned from, put into the metadata for web UIs; only when the person asked for it.

    Raises:
        AdapterError: it cannot be read or written.
    """
    adapter = read_adapter(path)
    metadata = dict(adapter.metadata)
    if captions:
        metadata["ss_tag_frequency"] = tag_frequency(captions)
    write_adapter(Adapter(adapter.modules, metadata, adapter.format), target, format, overwrite=overwrite)
    _write_embeddings(adapter, target.parent, overwrite=overwrite)
    return describe(target)


def _write_embeddings(adapter: Adapter, folder: Path, *, overwrite: bool) -> None:
    """Taught words as other tools read them: `embeddings/<word>.safetensors` beside the adapter."""
    for word, vectors in adapter.words.items():
        place = folder / "embeddings" / f"{safe_name(word)}.safetensors"
        if place.exists() and not overwrite:
            title = "The adapter's word could not be written"
            raise AdapterError(title, f"“{place.name}” is there already.", "Choose another folder.")
        place.parent.mkdir(parents=True, exist_ok=True)
        _save(embedding(vectors), {}, place)
