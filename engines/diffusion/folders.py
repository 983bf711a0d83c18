"""Opens a Stable Diffusion of the usual folder layout (`model_index.json`, `unet/`, `vae/`, `text_encoder/`, `tokenizer/`, `scheduler/`).

Larger ones have a second text encoder with its tokenizer (`text_encoder_2/`, `tokenizer_2/`).

No code of the folder is ever run, headers are checked before weights are loaded, and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.api.errors import ModelError
from engines.core.contracts import ProgressHook
from engines.core.devices import Device
from engines.core.weights import joint_hash, plain_failures, sha256_of
from engines.diffusion.hints import Hints, read_hints
from engines.diffusion.weights import check_weights, read_config, weight_files

_CLASSES = {
    "unet": {"UNet2DConditionModel"},
    "vae": {"AutoencoderKL"},
    "text_encoder": {"CLIPTextModel"},
    "text_encoder_2": {"CLIPTextModelWithProjection"},
    "tokenizer": {"CLIPTokenizer", "CLIPTokenizerFast", "TokenizersBackend"},
    "tokenizer_2": {"CLIPTokenizer", "CLIPTokenizerFast", "TokenizersBackend"},
}
_PICKLE_NOTE = "Part of the base model is in an old format (pickle). It was read without running any code in it."


@dataclass(frozen=True)
class Opened:
    """A loaded Stable Diffusion: networks on the device, and how to get released parts back.

    Attributes:
        unet: the denoiser; `vae` the autoencoder; `texts` the text encoders by their folders' names, in order.
        tokenizers: by the text encoder each serves, in order.
        index: what `model_index.json` says.
        reopen: a part anew, by its folder's name.
    """

    unet: Any
    vae: Any
    texts: Mapping[str, Any]
    tokenizers: Mapping[str, Any]
    index: Mapping[str, object]
    scheduler_config: Mapping[str, Any]
    title: str
    hints: Hints
    base_hash: str
    encoder_hash: str
    text_hash: str
    reopen: Callable[[str], Any]
    notes: tuple[str, ...] = ()


def pipeline_class(folder: Path) -> str:
    """The class named in `model_index.json`; raises ModelError when there is none."""
    return str(read_config(folder / "model_index.json").get("_class_name", ""))


def open_folder(folder: Path, device: Device, *, texts: Sequence[str], progress: ProgressHook) -> Opened:
    """Load all of it onto the device.

    Args:
        folder: with `model_index.json`.
        device: where the networks shall lie.
        texts: folders of its text encoders.
        progress: hears about it.

    Raises:
        ModelError: incomplete, damaged, or of another kind.
    """
    index = read_config(folder / "model_index.json")
    parts = ("unet", "vae", *texts)
    _check_parts(index, (*parts, *(tokenizer_of(name) for name in texts)))
    files = {name: weight_files(folder / name) for name in parts}
    hashes: dict[str, str] = {}
    for position, name in enumerate(parts):
        progress("loading", "Checking the base model", position, len(parts))
        check_weights(files[name][0])
        hashes[name] = joint_hash(sha256_of(file) for file in files[name][0])
    networks = {}
    for position, name in enumerate(parts):
        progress("loading", "Loading the base model", position, len(parts))
        networks[name] = _load(folder, name, device, files[name])
    pickled = any(file.suffix == ".bin" for found, _ in files.values() for file in found)
    hints = read_hints(folder)
    return Opened(
        unet=networks["unet"],
        vae=networks["vae"],
        texts={name: networks[name] for name in texts},
        tokenizers={name: _tokenizer(folder, tokenizer_of(name)) for name in texts},
        index=index,
        scheduler_config=read_config(folder / "scheduler" / "scheduler_config.json"),
        title=hints.title or _title(folder),
        hints=hints,
        base_hash=joint_hash(hashes[name] for name in sorted(hashes)),
        encoder_hash=joint_hash([hashes["vae"], config_text(folder / "vae")]),
        text_hash=joint_hash(part for name in texts for part in (hashes[name], *how_words_are_read(folder, name))),
        reopen=lambda name: _load(folder, name, device, files[name]),
        notes=(_PICKLE_NOTE,) if pickled else (),
    )


def tokenizer_of(text_encoder: str) -> str:
    """The folder of the tokenizer that serves a text encoder."""
    return text_encoder.replace("text_encoder", "tokenizer")


def _check_parts(index: Mapping[str, object], parts: Sequence[str]) -> None:
    for name in parts:
        found = index.get(name)
        kind = found[1] if isinstance(found, list) and len(found) == 2 else None
        if kind not in _CLASSES[name]:
            title = "This base model cannot be taught here"
            raise ModelError(
                title, f"Its {name} is “{kind or 'missing'}”.", "Choose a Stable Diffusion 1.x, 2.x or XL model."
            )


def _load(folder: Path, name: str, device: Device, weights: tuple[list[Path], str | None]) -> Any:  # noqa: ANN401 - three kinds of network
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # the worker's own events tell how far it is
    kind = network_class(name)
    files, variant = weights
    pickled = files[0].suffix == ".bin"
    options: dict[str, Any] = {"local_files_only": True, "use_safetensors": not pickled, "variant": variant}
    options["dtype" if name.startswith("text_encoder") else "torch_dtype"] = device.dtype
    with plain_failures(folder.name, name):
        return kind.from_pretrained(str(folder / name), **options).to(device.torch_device)


def network_class(part: str) -> Any:  # noqa: ANN401 - diffusers and transformers are untyped
    """The class of a part by its folder's name."""
    import diffusers
    import transformers

    (name,) = _CLASSES[part]
    return getattr(transformers if part.startswith("text_encoder") else diffusers, name)


def _tokenizer(folder: Path, name: str) -> Any:  # noqa: ANN401 - transformers is untyped here
    from transformers import CLIPTokenizer

    with plain_failures(folder.name, name):
        return CLIPTokenizer.from_pretrained(str(folder / name), local_files_only=True)


def how_words_are_read(folder: Path, text_encoder: str) -> tuple[str, str]:
    """For hashes: a text encoder's configuration, and sha256 over what decides how words become numbers."""
    names = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt")
    place = folder / tokenizer_of(text_encoder)
    vocabulary = joint_hash(sha256_of(file) for name in names if (file := place / name).is_file())
    return config_text(folder / text_encoder), vocabulary


def config_text(folder: Path) -> str:
    """A part's configuration as it is written, for hashes."""
    return (folder / "config.json").read_text(encoding="utf-8")


def _title(folder: Path) -> str:
    """The folder's name, or the repository's when the folder lies in the hub's cache (`models--owner--name/snapshots/...`)."""
    if folder.parent.name == "snapshots":
        return folder.parent.parent.name.removeprefix("models--").replace("--", "/")
    return folder.name
