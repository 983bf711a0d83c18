"""Opens a Stable Diffusion of the usual folder layout (`model_index.json`, `unet/`, `vae/`, `text_encoder/`, `tokenizer/`, `scheduler/`).

No code of the folder is ever run, headers are checked before weights are loaded, and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.api.errors import ModelError
from engines.core.contracts import ProgressHook
from engines.core.devices import Device
from engines.core.guard import is_memory_shortage
from engines.diffusion.hints import Hints, read_hints
from engines.diffusion.weights import check_weights, joint_hash, read_config, sha256_of, weight_files

_LOADED = ("unet", "vae", "text_encoder")
_PICKLE_NOTE = "Part of the base model is in an old format (pickle). It was read without running any code in it."


@dataclass(frozen=True)
class Opened:
    """A loaded Stable Diffusion: networks on the device, and how to get released parts back."""

    unet: Any
    vae: Any
    text_encoder: Any
    tokenizer: Any
    scheduler_config: Mapping[str, Any]
    title: str
    hints: Hints
    base_hash: str
    encoder_hash: str
    text_hash: str
    reopen_text: Callable[[], Any]
    reopen_vae: Callable[[], Any]
    notes: tuple[str, ...] = ()


def pipeline_class(folder: Path) -> str:
    """The class named in `model_index.json`; raises ModelError when there is none."""
    return str(read_config(folder / "model_index.json").get("_class_name", ""))


def open_folder(folder: Path, device: Device, *, progress: ProgressHook) -> Opened:
    """Load all of it onto the device.

    Raises:
        ModelError: incomplete, damaged, or of another kind.
    """
    index = read_config(folder / "model_index.json")
    _check_parts(index)
    files = {name: weight_files(folder / name) for name in _LOADED}
    hashes: dict[str, str] = {}
    for position, name in enumerate(_LOADED):
        progress("loading", "Checking the base model", position, len(_LOADED))
        check_weights(files[name][0])
        hashes[name] = joint_hash(sha256_of(file) for file in files[name][0])
    networks = {}
    for position, name in enumerate(_LOADED):
        progress("loading", "Loading the base model", position, len(_LOADED))
        networks[name] = _load(folder, name, device, files[name])
    pickled = any(file.suffix == ".bin" for found, _ in files.values() for file in found)
    hints = read_hints(folder)
    return Opened(
        **networks,
        tokenizer=_tokenizer(folder),
        scheduler_config=read_config(folder / "scheduler" / "scheduler_config.json"),
        title=hints.title or _title(folder),
        hints=hints,
        base_hash=joint_hash(hashes[name] for name in sorted(hashes)),
        encoder_hash=joint_hash([hashes["vae"], config_text(folder / "vae")]),
        text_hash=joint_hash([hashes["text_encoder"], config_text(folder / "text_encoder"), vocabulary_hash(folder)]),
        reopen_text=lambda: _load(folder, "text_encoder", device, files["text_encoder"]),
        reopen_vae=lambda: _load(folder, "vae", device, files["vae"]),
        notes=(_PICKLE_NOTE,) if pickled else (),
    )


def _check_parts(index: Mapping[str, object]) -> None:
    expected = {
        "unet": {"UNet2DConditionModel"},
        "vae": {"AutoencoderKL"},
        "text_encoder": {"CLIPTextModel"},
        "tokenizer": {"CLIPTokenizer", "CLIPTokenizerFast", "TokenizersBackend"},
    }
    for name, classes in expected.items():
        found = index.get(name)
        kind = found[1] if isinstance(found, list) and len(found) == 2 else None
        if kind not in classes:
            title = "This base model cannot be taught here"
            raise ModelError(
                title, f"Its {name} is “{kind or 'missing'}”.", "Choose a Stable Diffusion 1.x or 2.x model."
            )


def _load(folder: Path, name: str, device: Device, weights: tuple[list[Path], str | None]) -> Any:  # noqa: ANN401 - three kinds of network
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # the worker's own events tell how far it is
    kind = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "text_encoder": CLIPTextModel}[name]
    files, variant = weights
    pickled = files[0].suffix == ".bin"
    options: dict[str, Any] = {"local_files_only": True, "use_safetensors": not pickled, "variant": variant}
    options["dtype" if name == "text_encoder" else "torch_dtype"] = device.dtype
    with plain_failures(folder.name, name):
        return kind.from_pretrained(str(folder / name), **options).to(device.torch_device)


@contextmanager
def plain_failures(model: str, part: str) -> Iterator[None]:
    """Turn what the libraries raise about a damaged model into a ModelError."""
    import pickle

    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError, pickle.UnpicklingError) as error:
        if is_memory_shortage(error):
            raise  # its remedy is another one
        title = "The base model could not be loaded"
        first = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise ModelError(title, f"“{model}”, part {part}: {first}", "Fetch the base model again.") from error


def _tokenizer(folder: Path) -> Any:  # noqa: ANN401 - transformers is untyped here
    from transformers import CLIPTokenizer

    with plain_failures(folder.name, "tokenizer"):
        return CLIPTokenizer.from_pretrained(str(folder / "tokenizer"), local_files_only=True)


def vocabulary_hash(folder: Path) -> str:
    """sha256 over what decides how words become numbers."""
    names = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt")
    return joint_hash(sha256_of(file) for name in names if (file := folder / "tokenizer" / name).is_file())


def config_text(folder: Path) -> str:
    """A part's configuration as it is written, for hashes."""
    return (folder / "config.json").read_text(encoding="utf-8")


def _title(folder: Path) -> str:
    """The folder's name, or the repository's when the folder lies in the hub's cache (`models--owner--name/snapshots/...`)."""
    if folder.parent.name == "snapshots":
        return folder.parent.parent.name.removeprefix("models--").replace("--", "/")
    return folder.name
