"""What is written as ONNX: encoder, decoder and classes as modules that take and give plain tensors.

Names and meanings are those of the reference implementation's exported decoder, so that tools which read a pair of encoder and decoder
find what they look for; see `ENCODER`, `DECODER` and `CLASSES`. Batches are of one picture: the encoder's windows fix that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from engines.segmentation.contracts import Prompts, Segmenter
from engines.segmentation.frames import DEVIATION, MEAN

ENCODER = (("x",), ("image_embeddings",))
PROMPTS = ("image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input")
LOW_RES = ("low_res_masks", "iou_predictions")
IN_PICTURE = ("masks", "iou_predictions", "low_res_masks")
SIZE = "orig_im_size"

Decide = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Embeddings (1, C, g, g), sparse (1, K, C) and dense (1, C, g, g) prompts to all masks (1, M, m, m) and their expected IoU (1, M); m is the
side of masks as people get them."""


class Encoded(nn.Module):
    """A picture, resized, normalised and padded outside (`Frame.pixels`), to its embedding."""

    def __init__(self, model: Segmenter) -> None:
        super().__init__()
        self._model, self.network = model, model.network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(1, 3, S, S) to (1, C, g, g)."""
        return self._model.encode(x)


class EncodedColours(nn.Module):
    """The same for a picture as it is, colours 0 to 255, its longest side S or shorter; what tools of the AnyLabeling family hand over."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, model: Segmenter) -> None:
        super().__init__()
        self._model, self.network, self._side = model, model.network, model.info.sizes.image_side
        self.register_buffer("mean", torch.tensor(MEAN), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(height, width, 3) to (1, C, g, g)."""
        values = ((x - self.mean) / self.deviation).permute(2, 0, 1).unsqueeze(0)
        padded = functional.pad(values, (0, self._side - values.shape[3], 0, self._side - values.shape[2]))
        return self._model.encode(padded.reshape(1, 3, self._side, self._side))


class Clicked(nn.Module):
    """Prompts for a picture to all of the decoder's masks: the one for a clear prompt, then those for an ambiguous one."""

    def __init__(self, model: Segmenter, decide: Decide | None = None) -> None:
        super().__init__()
        self._model, self.decoder, self.prompter = model, model.decoder, model.prompter
        self._decide = decide or partial(model.masks, side=model.drawn_side)

    def forward(
        self,
        image_embeddings: torch.Tensor,
        point_coords: torch.Tensor,
        point_labels: torch.Tensor,
        mask_input: torch.Tensor,
        has_mask_input: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(1, C, g, g), (1, K, 2), (1, K), (1, 1, m, m) and (1,) to (1, M, m, m) and (1, M)."""
        sparse, without = self._model.embed(Prompts(point_coords, point_labels))
        nothing = point_coords[:, :0]
        _, told = self._model.embed(Prompts(nothing, nothing[..., 0], mask_input))
        # Some tools say -1 where they mean that there is none.
        known = (has_mask_input > 0).to(told.dtype)
        return self._decide(image_embeddings, sparse, told * known + without * (1 - known))


class Classes(nn.Module):
    """A picture to one mask for each class an adapter learned to find without being asked."""

    tokens: torch.Tensor

    def __init__(self, model: Segmenter, tokens: torch.Tensor) -> None:
        super().__init__()
        self._model, self.decoder, self.prompter = model, model.decoder, model.prompter
        self.register_buffer("tokens", tokens.detach().clone(), persistent=False)

    def forward(self, image_embeddings: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(1, C, g, g) to (1, K, m, m) and (1, K) for K classes."""
        nothing = self.tokens.new_zeros(len(self.tokens), 0, 2)
        asked = Prompts(nothing, nothing[..., 0], tokens=self.tokens.unsqueeze(1))
        side = self._model.drawn_side
        masks, scores = self._model.decode(image_embeddings, asked, several=False, side=side)
        return masks.transpose(0, 1), scores.transpose(0, 1)


class InPicture(nn.Module):
    """What another of these gives, and the masks in the picture's own pixels besides; takes the picture's size as its last input.

    With `best`, only the mask that answers the prompts is given: the most likely of those for an ambiguous prompt after a single click, else
    the one for a clear prompt. A mask of another side than m is brought to it.
    """

    def __init__(self, inside: nn.Module, side: int, mask_side: int, *, best: bool) -> None:
        super().__init__()
        self.inside, self._side, self._mask_side, self._best = inside, side, mask_side, best

    def forward(self, *given: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The inputs of `inside` and the picture's height and width (2,) to (1, n, height, width), (1, n) and (1, n, m, m)."""
        *asked, size = given
        if len(asked) == len(PROMPTS):
            asked[3] = functional.interpolate(asked[3], (self._mask_side, self._mask_side), mode="bilinear")
        low, scores = self.inside(*asked)
        if self._best:
            clear = (asked[2] != -1).sum() - 1.5
            first = (torch.arange(scores.shape[1], device=scores.device) == 0).to(scores.dtype)
            chosen = (scores + 1000.0 * clear * first).argmax(dim=1)
            low, scores = low.index_select(1, chosen), scores.index_select(1, chosen)
        return self._whole(low, size), scores, low

    def _whole(self, low: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        """See `Frame.whole`; nothing of the size is fixed while tracing (in double precision, as the frame rounds)."""
        square = functional.interpolate(low, (self._side, self._side), mode="bilinear", align_corners=False)
        exact = size.double()
        inner = torch.floor(exact * (self._side / exact.max()) + 0.5).clamp_min(1.0).long()
        height, width = size.long()[0], size.long()[1]
        inside = square[..., : inner[0], : inner[1]]
        return functional.interpolate(inside, (height, width), mode="bilinear", align_corners=False)  # type: ignore[arg-type] # numbers, traced
