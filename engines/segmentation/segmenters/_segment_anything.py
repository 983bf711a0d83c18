"""A loaded Segment Anything model: encoding with gradients and saved memory, decoding of many prompts of many pictures at once.

The networks are the reference implementation's own (`segment_anything.modeling`); its `forward` functions work without gradients and one picture
at a time, so the parts are called here.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from engines.api.errors import ModelError
from engines.core.devices import Device
from engines.core.weights import read_weights, sha256_of
from engines.segmentation.attention import fuse
from engines.segmentation.contracts import Prompts, SegmenterInfo
from engines.segmentation.drawing import ImplicitDrawing, enlarged
from engines.segmentation.frames import Frame, frame_of
from engines.segmentation.sizes import build_sam, sizes_of

_TITLES = {768: "ViT-B", 1024: "ViT-L", 1280: "ViT-H"}
_PREPROCESSING = ("pixel_mean", "pixel_std")


class SegmentAnything:
    """See `engines.segmentation.contracts.Segmenter`."""

    drawing: ImplicitDrawing | None = None
    together = 1

    def __init__(self, sam: Any, info: SegmenterInfo, device: torch.device) -> None:  # noqa: ANN401 - segment_anything has no types
        self._sam, self.info, self.device = sam, info, device

    @property
    def encoder(self) -> Any:  # noqa: ANN401 - likewise
        """The image encoder."""
        return self._sam.image_encoder

    @property
    def prompter(self) -> Any:  # noqa: ANN401 - likewise
        """The prompt encoder."""
        return self._sam.prompt_encoder

    @property
    def decoder(self) -> Any:  # noqa: ANN401 - likewise
        """The mask decoder."""
        return self._sam.mask_decoder

    @property
    def network(self) -> torch.nn.Module:
        """All of it, with Meta's names."""
        whole: torch.nn.Module = self._sam
        return whole

    @property
    def drawn_side(self) -> int:
        """Side of masks as they are given to people."""
        return self.info.sizes.mask_side * (self.drawing.finer if self.drawing is not None else 1)

    def frame(self, width: int, height: int) -> Frame:
        """How a picture of this size lies in the model's square."""
        return frame_of((width, height), self.info.sizes.image_side, self.info.sizes.mask_side)

    def encode(self, pixels: torch.Tensor, *, together: int = 1) -> torch.Tensor:
        """Embeddings (N, C, g, g) of pixels (N, 3, S, S); see `Segmenter.encode`."""
        self.together = together
        # Called as a whole, so that hooks on the encoder see the pixels.
        found: torch.Tensor = self.encoder(pixels.to(self.device))
        return found

    def save_memory(self) -> None:
        """Compute the encoder's blocks again in the backward pass instead of storing what happens inside them."""
        for block in self.encoder.blocks:
            block.forward = functools.partial(checkpoint, block.forward, use_reentrant=False)

    def decode(
        self, embeddings: torch.Tensor, prompts: Prompts, *, several: bool, side: int = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (P, M, side, side) and expected IoU (P, M) for prompts; see `Segmenter.decode`."""
        sparse, dense = self.embed(prompts)
        masks, scores, known = self._answers(embeddings, sparse, dense)
        chosen = slice(1, None) if several else slice(0, 1)
        return self._drawn(masks[:, chosen], known, side), scores[:, chosen]

    def embed(self, prompts: Prompts) -> tuple[torch.Tensor, torch.Tensor]:
        """Sparse (P, K, C) and dense (P, C, g, g) embeddings of prompts."""
        count = prompts.points.shape[0]
        pieces = [prompts.points.new_zeros(count, 0, self.info.sizes.out_chans)]
        if prompts.points.shape[1]:
            pieces.append(self._points(prompts.points, prompts.labels))
        if prompts.tokens is not None:
            pieces.append(prompts.tokens)
        if prompts.masks is None:
            side = self.info.sizes.token_side
            dense = self.prompter.no_mask_embed.weight.reshape(1, -1, 1, 1).expand(count, -1, side, side)
        else:
            dense = self.prompter.mask_downscaling(enlarged(prompts.masks, self.info.sizes.mask_side))
        return torch.cat(pieces, dim=1), dense

    def masks(
        self, embeddings: torch.Tensor, sparse: torch.Tensor, dense: torch.Tensor, *, side: int = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """All masks of the decoder (P, M, side, side) and their expected IoU (P, M); the first is the one for a clear prompt."""
        masks, scores, known = self._answers(embeddings, sparse, dense)
        return self._drawn(masks, known, side), scores

    def _drawn(self, masks: torch.Tensor, known: torch.Tensor, side: int) -> torch.Tensor:
        side = side or self.info.sizes.mask_side
        return self.drawing(masks, known, side) if self.drawing is not None else enlarged(masks, side)

    def _answers(
        self, embeddings: torch.Tensor, sparse: torch.Tensor, dense: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Masks (P, M, m, m), their expected IoU (P, M), and what the decoder knows of each place (P, C / 8, m, m)."""
        decoder = self.decoder
        queries = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
        tokens = torch.cat([queries.expand(sparse.shape[0], -1, -1), sparse], dim=1)
        source = embeddings + dense
        place = self.prompter.get_dense_pe().expand(source.shape[0], -1, -1, -1)
        answers, source_after = decoder.transformer(source, place, tokens)
        grown = decoder.output_upscaling(source_after.transpose(1, 2).reshape(source.shape))
        count = decoder.num_mask_tokens
        weights = torch.stack(
            [mlp(answers[:, 1 + number]) for number, mlp in enumerate(decoder.output_hypernetworks_mlps)], dim=1
        )
        masks = (weights @ grown.flatten(2)).unflatten(2, grown.shape[2:])
        scores: torch.Tensor = decoder.iou_prediction_head(answers[:, 0])
        return masks[:, :count], scores, grown

    def _points(self, points: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Embeddings (P, K, C) of points by their labels; the meaning of -1 to 3 is that of the reference's exported decoder."""
        prompter, side = self.prompter, self.info.sizes.image_side
        places = prompter.pe_layer.forward_with_coords(points + 0.5, (side, side))
        known = labels.unsqueeze(-1)
        embedded = torch.where(known == -1, prompter.not_a_point_embed.weight.expand_as(places), places)
        for number, kind in enumerate(prompter.point_embeddings):
            embedded = embedded + kind.weight * (known == number)
        return embedded


def load(path: Path, source: str, device: Device) -> SegmentAnything:
    """Load a checkpoint onto a device, frozen.

    Raises:
        ModelError: damaged, truncated, or not (all of) a Segment Anything model.
    """
    weights = {name: tensor for name, tensor in read_weights(path).items() if name not in _PREPROCESSING}
    sizes = sizes_of({name: tuple(tensor.shape) for name, tensor in weights.items()})
    with torch.device("meta"):
        sam = build_sam(sizes)
    wanted = {name: tuple(tensor.shape) for name, tensor in sam.state_dict().items()}
    odd = [name for name, shape in wanted.items() if name not in weights or tuple(weights[name].shape) != shape]
    if odd or any(not bool(torch.isfinite(weights[name]).all()) for name in wanted):
        what = f"“{odd[0]}” is missing or of another size." if odd else "Some of its numbers are not finite."
        title = "The segmentation model is damaged"
        raise ModelError(title, f"“{path.name}”: {what}", "Fetch the file again.")
    sam.load_state_dict({name: weights[name].float() for name in wanted}, assign=True)
    for name in _PREPROCESSING:  # no weights, and `Frame` knows them
        setattr(sam, name, torch.zeros(3, 1, 1))
    sam.to(device.torch_device).eval().requires_grad_(False)
    fuse(sam.image_encoder)
    title = "Starter" if source == "starter" else _TITLES.get(sizes.embed_dim, path.stem)
    info = SegmenterInfo("segment-anything", title, source, sha256_of(path), sizes)
    return SegmentAnything(sam, info, device.torch_device)
