"""What segmentation is made of: what a Segment Anything model offers to tuners, and what a tuner is.

    Segmenter   the network side: pictures to embeddings, prompts to masks, and the places where tuners can sit
    Tuner       settings of one way to adapt it; `attach` returns the running half, a `Tuned`

Torch is not loaded by this file.

Shapes: N pictures, P prompts, K points of a prompt, C channels of an embedding, g its side, m the side of a mask (4 g), S the side of the
square a picture is padded to, D width of the encoder's tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from engines.core.contracts import Trainable
from engines.launch.sam_sizes import SamSizes

if TYPE_CHECKING:
    import torch

    from engines.segmentation.drawing import ImplicitDrawing
    from engines.segmentation.frames import Frame


@dataclass(frozen=True)
class SegmenterInfo:
    """What is known of a model without asking its weights.

    Attributes:
        family: registered name of the family.
        title: name for people, `ViT-B` or the file's name.
        source: how it was asked for (`starter`, `file:...`).
        base_hash: sha256 over its weight file.
        sizes: all of its sizes.
    """

    family: str
    title: str
    source: str
    base_hash: str
    sizes: SamSizes


@dataclass(frozen=True)
class Prompts:
    """What is asked of pictures, one row a mask; torch tensors on the model's device, coordinates in the padded square's pixels.

    Attributes:
        points: (P, K, 2) x, y.
        labels: (P, K) 1 belongs, 0 does not, 2 and 3 corners of a box, -1 nothing.
        masks: (P, 1, m, m) logits of an earlier answer, or None.
        tokens: (P, T, C) learned tokens that stand for a class, or None.
    """

    points: torch.Tensor
    labels: torch.Tensor
    masks: torch.Tensor | None = None
    tokens: torch.Tensor | None = None


class Segmenter(Protocol):
    """A Segment Anything model on a device. Frozen; tuners change it in place."""

    @property
    def info(self) -> SegmenterInfo:
        """Its figures."""
        ...

    @property
    def encoder(self) -> Any:  # noqa: ANN401 - segment_anything has no types
        """The image encoder: `patch_embed`, `pos_embed`, `blocks` (norm1, attn.qkv, attn.proj, norm2, mlp), `neck`."""
        ...

    @property
    def prompter(self) -> Any:  # noqa: ANN401 - likewise
        """The prompt encoder."""
        ...

    @property
    def decoder(self) -> Any:  # noqa: ANN401 - likewise
        """The mask decoder."""
        ...

    @property
    def network(self) -> torch.nn.Module:
        """All of it; its parameters have the names of Meta's checkpoints."""
        ...

    @property
    def drawing(self) -> ImplicitDrawing | None:
        """What a tuner put after the decoder to draw masks of any side; None where they are read off between the decoder's points."""
        ...

    @property
    def drawn_side(self) -> int:
        """Side of masks as they are given to people: m, or finer where something draws finer."""
        ...

    def frame(self, width: int, height: int) -> Frame:
        """How a picture of this size lies in the model's square."""
        ...

    def save_memory(self) -> None:
        """Compute the encoder's blocks again in the backward pass instead of storing what happens inside them."""
        ...

    @property
    def together(self) -> int:
        """Of what is being encoded, so many rows are neighbouring slices of one volume; 1 for pictures by themselves."""
        ...

    def encode(self, pixels: torch.Tensor, *, together: int = 1) -> torch.Tensor:
        """Embeddings (N, C, g, g) of pixels (N, 3, S, S); with gradient where something in the encoder trains.

        Args:
            pixels: pictures, or slices in their order, `together` of each volume.
            together: see the property; what a tuner put into the encoder may look from slice to slice.
        """
        ...

    def decode(
        self, embeddings: torch.Tensor, prompts: Prompts, *, several: bool, side: int = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks for prompts: logits (P, M, side, side) and the IoU the model expects of each (P, M).

        Args:
            embeddings: (P, C, g, g), one row a prompt, or (1, C, g, g) for all.
            prompts: P of them; an earlier mask may have any side.
            several: M masks of different extent for an ambiguous prompt, else the one for a clear prompt (M = 1).
            side: of the masks; 0 takes the decoder's own, m.
        """
        ...

    def embed(self, prompts: Prompts) -> tuple[torch.Tensor, torch.Tensor]:
        """Sparse (P, K, C) and dense (P, C, g, g) embeddings of prompts; the first half of `decode`."""
        ...

    def masks(
        self, embeddings: torch.Tensor, sparse: torch.Tensor, dense: torch.Tensor, *, side: int = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """All masks of the decoder (P, M, side, side) and their expected IoU (P, M), the one for a clear prompt first; the second half."""
        ...


class Tuned(Trainable, Protocol):
    """The running half of a tuner."""

    @property
    def encoder_changes(self) -> bool:
        """Whether embeddings depend on what trains; if not, they can be computed once and kept."""
        ...

    @property
    def passes(self) -> int:
        """How often a picture is answered in one step, where answers differ by lot; they are drawn together."""
        ...

    @property
    def reach(self) -> int:
        """How many slices on either side the encoder looks at too, where pictures are slices of a volume; 0 for pictures by themselves."""
        ...

    def learning(self, on: bool) -> None:
        """Switch what only belongs to learning (dropout, drawing lots) on or off."""
        ...

    def detach(self) -> None:
        """Take everything out again; the model answers as it did before, to the last bit."""
        ...

    def merge(self) -> None:
        """Put what was learned into the model's own weights, for good; raises AdapterError where the tuner cannot."""
        ...


class Tuner(Protocol):
    """One way to adapt a model: a frozen `Settings` class whose fields are its settings; nothing in it holds weights.

    A tuner is one file in `engines.segmentation.tuners` that registers one class. `tag` is one word on its card, `paper` its source, `rate` a
    learning rate that suits it, `merges` whether what it learned can be put into the model's own weights.
    """

    title: ClassVar[str]
    sentence: ClassVar[str]
    tag: ClassVar[str]
    paper: ClassVar[str]
    rate: ClassVar[float]
    merges: ClassVar[bool]

    def model_dump(self) -> dict[str, Any]:
        """All settings as plain data."""
        ...

    def attach(self, model: Segmenter, *, rate: float = 0.0) -> Tuned:
        """Place what is learned in the model and return its running half.

        Args:
            model: changed in place.
            rate: learning rate; 0 takes the tuner's own.

        Raises:
            SettingsError: the model has no such place.
        """
        ...
