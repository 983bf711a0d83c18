"""Opens a Stable Diffusion checkpoint that is one file, as most sharing sites offer it (`.safetensors`, or `.ckpt` without running code).

The file holds weights only, so the configurations come from `resources/layouts`, chosen by the shapes in the file. A folder of the usual layout
beside the file and of the same name takes precedence; so a checkpoint of unusual size can be opened too.
"""

from __future__ import annotations

import functools
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from engines.api.errors import ModelError
from engines.api.places import resources
from engines.core.contracts import ProgressHook
from engines.core.devices import Device
from engines.diffusion.folders import Opened, config_text, plain_failures, vocabulary_hash
from engines.diffusion.hints import read_hints
from engines.diffusion.weights import joint_hash, read_config, sha256_of
from engines.launch.tensor_file import read_tensor_file

_FIRST = "model.diffusion_model.input_blocks.0.0.weight"
_CONTEXT = "attn2.to_k.weight"
_LARGER = ("conditioner.", "model.diffusion_model.label_emb.")
_PICKLES = {".ckpt", ".pt", ".bin"}
_PICKLE_NOTE = "The checkpoint is in an old format (pickle). It was read without running any code in it; prefer a .safetensors file."
_VELOCITY_NOTE = (
    "The checkpoint does not say what it predicts and was taken for a velocity model (768 px). "
    "Put its .yaml file beside it if pictures come out as noise."
)


def is_stable_diffusion(path: Path) -> bool:
    """Whether the file looks like a checkpoint of this family; pickles are taken on trust until they are opened."""
    if path.suffix in _PICKLES:
        return True
    return path.suffix == ".safetensors" and _FIRST in read_tensor_file(path, failure=ModelError).tensors


def open_file(path: Path, device: Device, *, progress: ProgressHook) -> Opened:
    """Load all of it onto the device.

    Raises:
        ModelError: damaged, of another kind, or of a size no layout is known for.
    """
    progress("loading", "Checking the base model", 0, 4)
    shapes, notes = _shapes(path)
    layout = _layout(path, shapes)
    digest = sha256_of(path)
    scheduler = dict(read_config(layout / "scheduler" / "scheduler_config.json"))
    if scheduler.get("prediction_type") == "unknown":
        scheduler["prediction_type"], note = _prediction(path)
        notes += note
    progress("loading", "Loading the base model", 1, 4)
    checkpoint = _read(path)
    opened = {name: _part(path, layout, checkpoint, name, device) for name in ("unet", "vae", "text_encoder")}
    return Opened(
        **opened,
        tokenizer=_tokenizer(layout),
        scheduler_config=scheduler,
        title=path.stem,
        hints=read_hints(layout),
        base_hash=digest,
        encoder_hash=joint_hash([digest, "vae", config_text(layout / "vae")]),
        text_hash=joint_hash([digest, "text", config_text(layout / "text_encoder"), vocabulary_hash(layout)]),
        reopen_text=lambda: _part(path, layout, _read(path), "text_encoder", device),
        reopen_vae=lambda: _part(path, layout, _read(path), "vae", device),
        notes=notes,
    )


def _shapes(path: Path) -> tuple[dict[str, tuple[int, ...]], tuple[str, ...]]:
    if path.suffix in _PICKLES:
        return {name: tuple(tensor.shape) for name, tensor in _read(path).items()}, (_PICKLE_NOTE,)
    return {name: entry.shape for name, entry in read_tensor_file(path, failure=ModelError).tensors.items()}, ()


def _layout(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Path:
    title = "This checkpoint cannot be taught here"
    first = shapes.get(_FIRST)
    if first is None or len(first) != 4:
        raise ModelError(title, "It is not a Stable Diffusion checkpoint.", "Choose a full model file, not an adapter.")
    if any(name.startswith(_LARGER) for name in shapes):
        raise ModelError(title, "It is a Stable Diffusion XL model, which this version does not know yet.")
    beside = path.with_suffix("")
    if (beside / "model_index.json").is_file():
        return beside
    if first[1] != 4:
        raise ModelError(
            title, "It is made for inpainting or another special use.", "Choose its text-to-image version."
        )
    widths = {shape[1] for name, shape in shapes.items() if name.endswith(_CONTEXT) and len(shape) == 2}
    for width, name in ((768, "stable-diffusion-1"), (1024, "stable-diffusion-2")):
        if widths == {width}:
            return resources() / "layouts" / name
    hint = f"Put a folder called “{path.stem}” with its configurations beside it."
    raise ModelError(title, "Its size is not one of the usual ones.", hint)


def _read(path: Path) -> dict[str, torch.Tensor]:
    with plain_failures(path.name, "weights"):
        if path.suffix not in _PICKLES:
            from safetensors.torch import load_file

            return load_file(path)
        mapped = zipfile.is_zipfile(path)  # files of before 2020 are not, and cannot be mapped
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        found = found.get("state_dict", found) if isinstance(found, dict) else found
        if not isinstance(found, dict):
            message = "it holds no weights by name"
            raise TypeError(message)
        return {str(name): tensor for name, tensor in found.items() if isinstance(tensor, torch.Tensor)}


def _part(path: Path, layout: Path, checkpoint: dict[str, torch.Tensor], name: str, device: Device) -> Any:  # noqa: ANN401 - three kinds of network
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm
    from transformers import CLIPTextModel

    with plain_failures(path.name, name):
        if name == "text_encoder":
            network = create_diffusers_clip_model_from_ldm(
                CLIPTextModel,
                dict(checkpoint),
                subfolder="text_encoder",
                config=str(layout),
                torch_dtype=device.dtype,
                local_files_only=True,
            )
        else:
            kind = {"unet": UNet2DConditionModel, "vae": AutoencoderKL}[name]
            network = kind.from_single_file(
                dict(checkpoint), config=str(layout), subfolder=name, torch_dtype=device.dtype, local_files_only=True
            )
    missing = [key for key, weight in network.named_parameters() if weight.is_meta]
    if missing:
        title = "The base model is not complete"
        raise ModelError(title, f"“{path.name}” lacks {len(missing)} weights of its {name}.", "Fetch it again.")
    return network.to(device.torch_device)


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


def _tokenizer(layout: Path) -> Any:  # noqa: ANN401 - transformers is untyped here
    from transformers import CLIPTokenizer

    if (layout / "tokenizer" / "merges.txt").is_file() or (layout / "tokenizer" / "tokenizer.json").is_file():
        return CLIPTokenizer.from_pretrained(str(layout / "tokenizer"), local_files_only=True)
    vocabulary, merges = clip_vocabulary()
    options = json.loads((layout / "tokenizer" / "tokenizer_config.json").read_text(encoding="utf-8"))
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
