"""Who judges pictures: a CLIP model, which also reads words (Radford et al. 2021), or a DINOv2 (Oquab et al. 2023), which looks closer but reads none.

Figures of different encoders cannot be compared, so an encoder's name and hash go into every report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from engines.api.errors import ModelError
from engines.api.places import starter
from engines.core.devices import Device
from engines.core.weights import plain_failures, sha256_of
from engines.diffusion.weights import read_config, weight_files

_BATCH = 16


class Encoder:
    """A model as a judge.

    Attributes:
        name: how it was asked for; `sha256` of its weights.
        reads: whether it can tell how well a picture follows words.
    """

    def __init__(
        self,
        look: Callable[[torch.Tensor], Any],
        read: Callable[[Sequence[str]], Any] | None,
        processor: Any,  # noqa: ANN401 - transformers is untyped
        device: torch.device,
        *,
        name: str,
        sha256: str,
    ) -> None:
        self._look, self._read, self._processor, self._device = look, read, processor, device
        self.name, self.sha256, self.reads = name, sha256, read is not None

    @torch.no_grad()
    def images(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """Unit vectors (N, D), fp32 on the CPU."""
        rows = []
        for start in range(0, len(pictures), _BATCH):
            part = [picture.convert("RGB") for picture in pictures[start : start + _BATCH]]
            pixels = self._processor(images=part, return_tensors="pt")["pixel_values"].to(self._device)
            rows.append(_unit(self._look(pixels)))
        return torch.cat(rows)

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Unit vectors (N, D), fp32 on the CPU.

        Raises:
            ModelError: it does not read.
        """
        if self._read is None:
            title = "This judge reads no words"
            raise ModelError(title, f"“{self.name}” looks at pictures only.", "Choose a CLIP model.")
        return _unit(self._read(texts))


def open_encoder(device: Device, source: str = "starter") -> Encoder:
    """Load a CLIP or DINOv2 folder: `starter`, `hub:owner/name`, or `file:` and a folder.

    Raises:
        ModelError: it is not there or cannot be read.
    """
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    folder = encoder_folder(source)
    files, _ = weight_files(folder)
    with plain_failures(folder.name, "encoder"):
        look, read, processor = _KINDS[_kind(folder)](folder, device.torch_device)
    name = "starter CLIP" if source == "starter" else source.partition(":")[2]
    return Encoder(look, read, processor, device.torch_device, name=name, sha256=sha256_of(files[0]))


def encoder_folder(source: str) -> Path:
    """Where an encoder lies; raises ModelError when there is none."""
    kind, _, rest = source.partition(":")
    if source == "starter":
        folder = starter("clip")
    elif kind == "hub":
        from engines.diffusion.hub import fetch_encoder

        folder = fetch_encoder(rest)
    else:
        folder = Path(rest)
    if _kind(folder) not in _KINDS:
        title = "This is neither a CLIP nor a DINOv2 model"
        raise ModelError(title, f"“{folder.name}”.", "Choose the folder of one of these.")
    return folder


def _kind(folder: Path) -> str:
    return str(read_config(folder / "config.json").get("model_type", ""))


def _clip(folder: Path, device: torch.device) -> tuple[Any, Any, Any]:
    from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizer

    model: Any = _ready(CLIPModel.from_pretrained(str(folder), local_files_only=True, use_safetensors=True), device)
    tokenizer: Any = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
    length = model.config.text_config.max_position_embeddings

    def look(pixels: torch.Tensor) -> Any:  # noqa: ANN401 - a tensor in older transformers, an output object in newer
        return model.get_image_features(pixel_values=pixels)

    def read(texts: Sequence[str]) -> Any:  # noqa: ANN401 - likewise
        tokens = tokenizer(
            list(texts), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).to(device)
        return model.get_text_features(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])

    return look, read, CLIPImageProcessor.from_pretrained(str(folder), local_files_only=True)


def _dino(folder: Path, device: torch.device) -> tuple[Any, None, Any]:
    from transformers import BitImageProcessor, Dinov2Model

    model: Any = _ready(Dinov2Model.from_pretrained(str(folder), local_files_only=True, use_safetensors=True), device)

    def look(pixels: torch.Tensor) -> torch.Tensor:
        first: torch.Tensor = model(pixel_values=pixels).last_hidden_state[:, 0]
        return first

    return look, None, BitImageProcessor.from_pretrained(str(folder), local_files_only=True)


_KINDS: dict[str, Callable[[Path, torch.device], tuple[Any, Any, Any]]] = {"clip": _clip, "dinov2": _dino}


def _ready(model: Any, device: torch.device) -> Any:  # noqa: ANN401 - transformers is untyped
    return model.float().to(device).eval().requires_grad_(False)


def _unit(found: Any) -> torch.Tensor:  # noqa: ANN401 - see `_clip`
    tensor: torch.Tensor = found if isinstance(found, torch.Tensor) else found.pooler_output
    return torch.nn.functional.normalize(tensor.float(), dim=-1).cpu()
