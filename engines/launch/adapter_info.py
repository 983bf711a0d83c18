"""Tells what an adapter file is from its header alone: format, rank, alpha, trigger words, base, recipe. Torch-free.

Tensors are never read here, except single alpha values of kohya files (four or fewer bytes each).
"""

from __future__ import annotations

import json
import math
import struct
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from engines.api.errors import AdapterError
from engines.launch import eraser_marks
from engines.launch.tensor_file import TensorFile, read_tensor_file

Format = Literal["diffusers", "kohya", "diffusers-old", "peft"]
FORMATS: tuple[Format, ...] = ("diffusers", "kohya", "peft")
"""The formats that can be written."""

_FOREIGN = {
    ".lokr_": "LoKr", ".hada_": "LoHa", ".ia3.": "IA3", ".oft_": "OFT", ".lora_mid.": "LoCon with a middle part",
    ".diff.": "full difference", ".diff_b.": "full difference", ".boft_": "BOFT", ".b1.weight.": "GLoRA",
}  # fmt: skip
_NETWORKS = ("unet", "text_encoder", "text_encoder_2")
_HALVES = {
    "lora_down.weight": "down", "lora_up.weight": "up", "lora_A.weight": "down", "lora_B.weight": "up",
    ".down.weight": "down", ".up.weight": "up",
}  # fmt: skip
_DAMAGED, _AGAIN = "The adapter is damaged", "Download or export it again."
_MAX_JSON = 2_000_000


@dataclass(frozen=True)
class AdapterInfo:
    """What is known of an adapter file.

    Attributes:
        format: whose naming it uses.
        rank: the rank most of its modules have; `alpha` likewise, None when the file does not say.
        modules: how many layers it changes; `text_modules` of them in the text encoder.
        trigger: the word to put into prompts; empty when the file does not say.
        base: name of the base model; `base_hash` its sha256, empty when unknown.
        method: registered name of how it was taught; `recipe` its settings as stored.
        created: seconds since the epoch, or 0.
        steps: optimiser steps, or 0.
        resolution: pixels, or 0.
        dora: whether it is weight-decomposed.
        focus: the word a token-aware adapter keeps to; empty for all others.
        erases: the concepts an eraser takes away; none for all others.
        gated: whether it is an eraser that acts only where the prompt asks for it, concept by concept.
        directions: which directions of the shared basis it keeps to (`engines.launch.lanes`), “0-15”; empty for all others.
    """

    file: str
    format: Format
    bytes: int
    rank: int
    alpha: float | None
    modules: int
    text_modules: int
    dora: bool = False
    title: str = ""
    trigger: str = ""
    class_noun: str = ""
    base: str = ""
    base_hash: str = ""
    base_version: str = ""
    method: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    created: float = 0.0
    steps: int = 0
    resolution: int = 0
    focus: str = ""
    directions: str = ""
    erases: tuple[str, ...] = ()
    gated: bool = False

    @property
    def elsewhere(self) -> str:
        """What is different in other tools, in a sentence; empty when nothing is."""
        if self.gated:
            return (
                "Other tools use it as an ordinary LoRA: there it acts on every prompt at full strength, and pictures of other things "
                "change too. For other tools erase by “Rewriting” or “Unlearning”."
            )
        if not self.focus:
            return ""
        return (
            f"Other tools use it as an ordinary LoRA: there it does not keep to the word “{self.focus}”, changes other things too, "
            "and cannot be added up with others. For other tools teach a Mergeable one."
        )

    def as_data(self) -> dict[str, object]:
        """All of it as plain data for a message or JSON."""
        return {**vars(self), "recipe": dict(self.recipe)}


def describe(path: Path) -> AdapterInfo:
    """Read the header of an adapter file or of a folder as peft writes it.

    Raises:
        AdapterError: missing, damaged, or not an adapter.
    """
    if path.is_dir():
        return _describe_folder(path)
    header = read_tensor_file(path)
    refuse_foreign(header.tensors)
    kind = format_of(header.tensors)
    alpha = _kohya_alpha(path, header) if kind == "kohya" else _stored_alpha(header)
    return _info(path, kind, path.stat().st_size, header, alpha)


def format_of(names: Collection[str]) -> Format:
    """The format by tensor names.

    Raises:
        AdapterError: none of the known ones.
    """
    if any(name.startswith(("lora_unet_", "lora_te")) for name in names):
        return "kohya"
    if any(".lora_A." in name and name.partition(".")[0] in _NETWORKS for name in names):
        return "diffusers"
    if any("lora.down." in name or "_lora.down." in name or "lora_linear_layer.down." in name for name in names):
        return "diffusers-old"
    title = "The file is not an adapter"
    if any(name.startswith("model.diffusion_model.") for name in names):
        raise AdapterError(title, "It is a whole base model.", "Choose it as a base instead.")
    if any(".lora_A." in name for name in names):
        raise AdapterError(
            title, "It holds low-rank pairs, but of another kind of model.", "Choose one for Stable Diffusion."
        )
    raise AdapterError(title, "It holds no low-rank pairs.", "Choose a LoRA file.")


def refuse_foreign(names: Collection[str]) -> None:
    """Raise AdapterError when the file is a LyCORIS or other kind that is not a plain LoRA."""
    for part, kind in _FOREIGN.items():
        if any(part in f".{name}." for name in names):
            title = "This kind of adapter is not known here"
            raise AdapterError(
                title, f"The file is a {kind} adapter (LyCORIS), not a LoRA.", "Export it as LoRA first."
            )


def _describe_folder(folder: Path) -> AdapterInfo:
    places = [
        place
        for place in (folder, *(folder / network for network in _NETWORKS))
        if (place / "adapter_config.json").is_file()
    ]
    if not places:
        title = "The folder is not an adapter"
        raise AdapterError(
            title, f"“{folder.name}” holds no adapter_config.json.", "Choose the folder that peft wrote."
        )
    headers = [read_tensor_file(place / "adapter_model.safetensors") for place in places]
    tensors = {
        f"{place.name if place.name in _NETWORKS else 'unet'}.{name}": entry
        for place, header in zip(places, headers, strict=True)
        for name, entry in header.tensors.items()
    }
    settings = _json(_small_text(places[0] / "adapter_config.json"))
    alpha = settings.get("lora_alpha")
    joined = TensorFile(tensors, headers[0].metadata, 0)
    size = sum((place / "adapter_model.safetensors").stat().st_size for place in places)
    return _info(folder, "peft", size, joined, float(alpha) if isinstance(alpha, int | float) else None)


def _info(path: Path, kind: Format, size: int, header: TensorFile, alpha: float | None) -> AdapterInfo:
    downs = _downs(header)
    rank = Counter(shape[0] for shape in downs.values()).most_common(1)[0][0]
    data = header.metadata
    recipe = _json(data.get("lorikeet.recipe", ""))
    marks = eraser_marks.unpack(data)
    return AdapterInfo(
        file=path.name,
        format=kind,
        bytes=size,
        rank=rank,
        alpha=alpha,
        modules=len(downs),
        text_modules=sum(name.startswith(("text_encoder", "lora_te")) for name in downs),
        dora=any("dora_scale" in name or "lora_magnitude_vector" in name for name in header.tensors),
        title=data.get("modelspec.title") or data.get("ss_output_name") or path.stem,
        trigger=data.get("lorikeet.trigger") or data.get("modelspec.trigger_phrase", ""),
        class_noun=data.get("lorikeet.class_noun", ""),
        base=data.get("lorikeet.base") or data.get("ss_sd_model_name", ""),
        base_hash=data.get("lorikeet.base_hash") or data.get("ss_new_sd_model_hash", ""),
        base_version=data.get("ss_base_model_version", ""),
        method=data.get("lorikeet.method", ""),
        recipe=recipe,
        created=_number(data.get("lorikeet.created") or data.get("ss_training_finished_at")) or 0.0,
        steps=int(_number(data.get("ss_steps")) or 0),
        focus=data.get("lorikeet.focus", "").strip(),
        erases=tuple(mark.target for mark in marks),
        gated=bool(marks) and all(mark.floor is not None for mark in marks),
        directions=data.get("lorikeet.directions", ""),
        resolution=int(_number((data.get("modelspec.resolution") or "").partition("x")[0]) or 0),
    )


def check_halves(name: str, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """See that a pair is whole and its halves meet.

    Args:
        name: of the layer.
        shapes: of its halves, by `down` (r, in) and `up` (out, r), or with two more axes for a convolution.

    Raises:
        AdapterError: a half is missing or empty, or they do not meet.
    """
    for half in ("down", "up"):
        if half not in shapes:
            raise AdapterError(_DAMAGED, f"“{name}” lacks its {half} half.", _AGAIN)
    down, up = shapes["down"], shapes["up"]
    if len(down) not in {2, 4} or len(up) != len(down) or down[0] == 0 or up[1] != down[0]:
        raise AdapterError(_DAMAGED, f"The halves of “{name}” do not meet: {up} and {down}.", _AGAIN)
    if 0 in up or 0 in down:
        raise AdapterError(_DAMAGED, f"“{name}” is empty.", _AGAIN)
    if math.prod(up[2:]) != 1:
        raise AdapterError("The adapter holds something unknown", f"“{name}” is a convolution of an unusual form.")


def _downs(header: TensorFile) -> dict[str, tuple[int, ...]]:
    """The shape of every pair's lower half, by name, after a look at both halves."""
    halves: dict[str, dict[str, tuple[int, ...]]] = {}
    downs = {}
    for name, entry in header.tensors.items():
        for ending, half in _HALVES.items():
            if name.endswith(ending):
                halves.setdefault(name.removesuffix(ending).rstrip("."), {})[half] = entry.shape
                if half == "down":
                    downs[name] = entry.shape
                break
    if not halves:
        title = "The file is not an adapter"
        raise AdapterError(title, "It holds no low-rank pairs.", "Choose a LoRA file.")
    for name, shapes in halves.items():
        check_halves(name, shapes)
    return downs


def _stored_alpha(header: TensorFile) -> float | None:
    said = _number(header.metadata.get("lorikeet.alpha"))
    if said is not None:
        return said
    settings = _json(header.metadata.get("lora_adapter_metadata", ""))
    alpha = settings.get("unet.lora_alpha", settings.get("text_encoder.lora_alpha"))
    return float(alpha) if isinstance(alpha, int | float) else None


def _kohya_alpha(path: Path, header: TensorFile) -> float | None:
    """The alpha of the first module that has one; four or fewer bytes are read."""
    codes = {"F32": "<f", "F16": "<e", "F64": "<d"}
    for name, entry in header.tensors.items():
        if not name.endswith(".alpha") or entry.end - entry.start > 8:
            continue
        with path.open("rb") as file:
            file.seek(header.data_start + entry.start)
            raw = file.read(entry.end - entry.start)
        if entry.dtype == "BF16" and len(raw) == 2:
            return float(struct.unpack("<f", b"\0\0" + raw)[0])
        if entry.dtype in codes and len(raw) == struct.calcsize(codes[entry.dtype]):
            return float(struct.unpack(codes[entry.dtype], raw)[0])
    return None


def _json(text: str) -> dict[str, Any]:
    if not text or len(text) > _MAX_JSON:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _small_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= _MAX_JSON else ""
    except (OSError, ValueError):
        return ""


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None
