"""Opens a Stable Diffusion checkpoint that is one file, as most sharing sites offer it (`.safetensors`, or `.ckpt` without running code).

The file holds weights only, so the configurations come from `resources/layouts`, chosen by the shapes in the file. A folder of the usual layout
beside the file and of the same name takes precedence; so a checkpoint of unusual size can be opened too.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from engines.api.errors import ModelError
from engines.api.places import resources
from engines.core.contracts import ProgressHook
from engines.core.devices import Device
from engines.core.weights import PICKLES, joint_hash, plain_failures, read_weights, sha256_of
from engines.diffusion.folders import (
    Opened,
    config_text,
    how_words_are_read,
    network_class,
    tokenizer_of,
)
from engines.diffusion.hints import read_hints
from engines.diffusion.weights import read_config
from engines.launch.tensor_file import read_tensor_file

_FIRST = "model.diffusion_model.input_blocks.0.0.weight"
_CONTEXT = "attn2.to_k.weight"
_LARGER = ("conditioner.", "model.diffusion_model.label_emb.")
_BOTH_TEXTS = ("conditioner.embedders.0.transformer.", "conditioner.embedders.1.model.")
_LAYOUTS = {768: "stable-diffusion-1", 1024: "stable-diffusion-2", 2048: "stable-diffusion-xl"}
_MARKS = ("v_pred", "ztsnr")
_PICKLE_NOTE = "The checkpoint is in an old format (pickle). It was read without running any code in it; prefer a .safetensors file."
_VELOCITY_NOTE = (
    "The checkpoint does not say what it predicts and was taken for a velocity model (768 px). "
    "Put its .yaml file beside it if pictures come out as noise."
)


def is_checkpoint(path: Path, *, larger: bool) -> bool:
    """Whether the file looks like a checkpoint of Stable Diffusion, of the larger kind (XL) or of 1.x and 2.x.

    Pickles are taken for one of 1.x or 2.x until they are opened.
    """
    if path.suffix in PICKLES:
        return not larger
    names = read_tensor_file(path, failure=ModelError).tensors if path.suffix == ".safetensors" else {}
    return _FIRST in names and _is_larger(names) == larger


def open_file(path: Path, device: Device, *, texts: Sequence[str], progress: ProgressHook) -> Opened:
    """Load all of it onto the device.

    Args:
        path: the checkpoint.
        device: where the networks shall lie.
        texts: names of its text encoders.
        progress: hears about it.

    Raises:
        ModelError: damaged, of another kind, or of a size no layout is known for.
    """
    progress("loading", "Checking the base model", 0, 4)
    shapes, notes = _shapes(path)
    layout = _layout(path, shapes)
    digest = sha256_of(path)
    scheduler, said = _scheduler(path, layout, shapes)
    progress("loading", "Loading the base model", 1, 4)
    checkpoint = read_weights(path)
    opened = {name: _part(path, layout, checkpoint, name, device) for name in ("unet", "vae", *texts)}
    words = [part for name in texts for part in how_words_are_read(layout, name)]
    return Opened(
        unet=opened["unet"],
        vae=opened["vae"],
        texts={name: opened[name] for name in texts},
        tokenizers={name: clip_tokenizer(layout / tokenizer_of(name)) for name in texts},
        index=read_config(layout / "model_index.json"),
        scheduler_config=scheduler,
        title=path.stem,
        hints=read_hints(layout),
        base_hash=digest,
        encoder_hash=joint_hash([digest, "vae", config_text(layout / "vae")]),
        text_hash=joint_hash([digest, "text", *words]),
        reopen=lambda name: _part(path, layout, read_weights(path), name, device),
        notes=notes + said,
    )


def _shapes(path: Path) -> tuple[dict[str, tuple[int, ...]], tuple[str, ...]]:
    if path.suffix in PICKLES:
        return {name: tuple(tensor.shape) for name, tensor in read_weights(path).items()}, (_PICKLE_NOTE,)
    return {name: entry.shape for name, entry in read_tensor_file(path, failure=ModelError).tensors.items()}, ()


def _layout(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Path:
    title = "This checkpoint cannot be taught here"
    first = shapes.get(_FIRST)
    if first is None or len(first) != 4:
        raise ModelError(title, "It is not a Stable Diffusion checkpoint.", "Choose a full model file, not an adapter.")
    larger = _is_larger(shapes)
    if larger and path.suffix in PICKLES:
        raise ModelError(title, "It is a Stable Diffusion XL model in an old format.", "Choose its .safetensors file.")
    if larger and not all(any(name.startswith(start) for name in shapes) for start in _BOTH_TEXTS):
        what = "It lacks one of the two text encoders of Stable Diffusion XL; it may be a refiner."
        raise ModelError(title, what, "Choose the base model.")
    beside = path.with_suffix("")
    if (beside / "model_index.json").is_file():
        return beside
    if first[1] != 4:
        raise ModelError(
            title, "It is made for inpainting or another special use.", "Choose its text-to-image version."
        )
    widths = {shape[1] for name, shape in shapes.items() if name.endswith(_CONTEXT) and len(shape) == 2}
    known = _LAYOUTS.get(widths.pop()) if len(widths) == 1 else None
    if known is not None:
        return resources() / "layouts" / known
    hint = f"Put a folder called “{path.stem}” with its configurations beside it."
    raise ModelError(title, "Its size is not one of the usual ones.", hint)


def _is_larger(names: Collection[str]) -> bool:
    return any(name.startswith(_LARGER) for name in names)


def _part(path: Path, layout: Path, checkpoint: dict[str, torch.Tensor], name: str, device: Device) -> Any:  # noqa: ANN401 - three kinds of network
    from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm

    kind = network_class(name)
    with plain_failures(path.name, name):
        if name.startswith("text_encoder"):
            network = create_diffusers_clip_model_from_ldm(
                kind,
                dict(checkpoint),
                subfolder=name,
                config=str(layout),
                torch_dtype=device.dtype,
                local_files_only=True,
            )
        else:
            network = kind.from_single_file(
                dict(checkpoint), config=str(layout), subfolder=name, torch_dtype=device.dtype, local_files_only=True
            )
    missing = [key for key, weight in network.named_parameters() if weight.is_meta]
    if missing:
        title = "The base model is not complete"
        raise ModelError(title, f"“{path.name}” lacks {len(missing)} weights of its {name}.", "Fetch it again.")
    return network.to(device.torch_device)


def _scheduler(path: Path, layout: Path, names: Collection[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The layout's sampler, and what the file says of its prediction: empty tensors `v_pred` and `ztsnr` are how XL files do."""
    config = dict(read_config(layout / "scheduler" / "scheduler_config.json"))
    notes: tuple[str, ...] = ()
    if config.get("prediction_type") == "unknown":
        config["prediction_type"], notes = _prediction(path)
    if _MARKS[0] in names:
        config["prediction_type"] = "v_prediction"
    if _MARKS[1] in names:
        config |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return config, notes


def _prediction(path: Path) -> tuple[str, tuple[str, ...]]:
    """What a 2.x checkpoint predicts: by its metadata, by the `.yaml` beside it, else velocity with a note."""
    if path.suffix == ".safetensors":
        said = read_tensor_file(path, failure=ModelError).metadata.get("modelspec.prediction_type", "")
        if said:
            return ("v_prediction" if said.startswith("v") else "epsilon"), ()
    beside = path.with_suffix(".yaml")
    if beside.is_file() and beside.stat().st_size < 100_000:
        text = beside.read_text(encoding="utf-8", errors="replace")
        return ("v_prediction" if 'parameterization: "v"' in text else "epsilon"), ()
    return "v_prediction", (_VELOCITY_NOTE,)


def clip_tokenizer(folder: Path) -> Any:  # noqa: ANN401 - transformers is untyped here
    """The tokenizer a folder holds, or, where that says only how it is used, CLIP's own with these options."""
    from transformers import CLIPTokenizer

    if (folder / "merges.txt").is_file() or (folder / "tokenizer.json").is_file():
        return CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    vocabulary, merges = clip_vocabulary()
    options = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    return CLIPTokenizer(vocab=dict(vocabulary), merges=list(merges), **options)


@functools.cache
def clip_vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """CLIP's byte-pair vocabulary, 49,408 tokens, from its list of merges (see `resources/tokenizers/clip`).

    The order is: printable bytes, the same at a word's end, the merges in order, start and end of text.
    """
    lines = (resources() / "tokenizers" / "clip" / "merges.txt").read_text(encoding="utf-8").split("\n")[1:]
    merges = [(left, right) for left, right in (line.split(" ") for line in lines if line)]
    letters = _byte_letters()
    tokens = [*letters, *(letter + "</w>" for letter in letters), *(left + right for left, right in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return {token: number for number, token in enumerate(tokens)}, merges


def _byte_letters() -> list[str]:
    """One printable letter for each byte; bytes that print as themselves come first (byte-level BPE, Radford et al. 2019)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in set(printable)]
    return [chr(byte) for byte in printable] + [chr(256 + place) for place in range(len(hidden))]
