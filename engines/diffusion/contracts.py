"""What a base model offers to a method and to the data path, and what a method is.

    Backbone    the network side: where adapters can sit, and a prediction that can be differentiated
    Codec       the encoder side: pictures to latents and back, words to text states; may be given back to save memory
    Base        both, as `engines.diffusion.backbones.open_base` returns it
    Method      settings of one way to teach; `attach` returns the running half, a `Trainable`

Torch is not loaded by this file: what a method or a family of bases is can be told without it.

Shapes: N pictures, C latent channels, h x w the latent grid, H x W pixels, L tokens, D width of the text states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias

from engines.api.job import JobConcept
from engines.core.contracts import Trainable

if TYPE_CHECKING:
    import torch

    from engines.diffusion.exchange.adapter import Adapter
    from engines.diffusion.objective import NoiseSchedule

TextStates: TypeAlias = "dict[str, torch.Tensor]"
"""What the denoiser is told, by name; the first axis counts captions.

`hidden` (N, L, D) states; `tokens` (N, L) the token numbers, those of several tokenizers side by side (N, T L). Larger models also have `pooled`
(N, P), the captions as a whole, and `frame` (N, 6), see `DenoisingBatch`; without one a picture counts as whole and of the asked size.
"""

Ability = Literal[
    "attention_linears", "context_linears", "feed_forward_linears", "projections", "text_linears", "word_vectors"
]


@dataclass(frozen=True)
class BackboneInfo:
    """What is known of a base model without touching its weights.

    Attributes:
        family: registered name of the family, `stable-diffusion`.
        version: layout in the words of adapter metadata, `sd_v1`, `sd_v2`, `sd_v2_v`.
        title: name for people.
        source: how it was asked for (`starter`, `file:...`); a base from a hub with its commit (`hub:owner/name@commit`).
        base_hash: sha256 over the weight files.
        encoder_hash: sha256 over the autoencoder's weights and configuration; `text_hash` the same of the text encoder.
        resolution: its own picture size, pixels.
        latent_factor: pixels a latent cell, along one side.
        side_multiple: sides of training pictures are multiples of this many pixels.
        text_length: tokens of a caption at most, start and end included.
        parameters: weights of the denoiser.
        inference_steps: denoising steps that suit it; `guidance` and `guidance_rescale` likewise.
        learning_rate: a rate for adapters that suits its size.
    """

    family: str
    version: str
    title: str
    source: str
    base_hash: str
    encoder_hash: str
    text_hash: str
    resolution: int
    latent_channels: int
    latent_factor: int
    side_multiple: int
    text_length: int
    parameters: int
    prediction: Literal["epsilon", "v_prediction"]
    inference_steps: int = 25
    guidance: float = 7.5
    guidance_rescale: float = 0.0
    learning_rate: float = 1e-4
    notes: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Site:
    """One layer an adapter can sit on, linear or a convolution: `network` is a name of `networks()`, `path` the dotted path inside it."""

    network: str
    path: str


@dataclass(frozen=True)
class DenoisingBatch:
    """One training batch, on the training device.

    Attributes:
        mean: posterior mean of the latents, scaled as the denoiser expects them (N, C, h, w); `std` its deviation.
        text: text states, or None when the text encoder trains; then `tokens` (N, L) stand in.
        weight: weight of every latent cell (N, 1, h, w) with mean 1 a picture, or None for all ones.
        subjects: the first so many rows are the subject.
        held: the last so many rows are held to the base model's answer; rows between are class pictures.
        frame: how each picture was cut (N, 6): height and width of the file, top and left of the crop, height and width
            learned, in pixels, the crop after scaling (SDXL, Podell et al. 2023); families that are not told it ignore it.
    """

    mean: torch.Tensor
    std: torch.Tensor
    text: TextStates | None
    tokens: torch.Tensor | None
    weight: torch.Tensor | None
    subjects: int
    held: int = 0
    frame: torch.Tensor | None = None


class Backbone(Protocol):
    """The half a method sees. Networks are frozen, on the training device, and may be changed in place by `attach`."""

    @property
    def info(self) -> BackboneInfo:
        """Its figures."""
        ...

    @property
    def abilities(self) -> frozenset[Ability]:
        """Which of the questions below it can answer."""
        ...

    @property
    def schedule(self) -> NoiseSchedule:
        """How noise is added, and what the denoiser predicts."""
        ...

    def networks(self) -> Mapping[str, torch.nn.Module]:
        """The networks adapters can sit in, by name (`unet`, `text_encoder`, and `text_encoder_2` where there is a second)."""
        ...

    def attention_linears(self) -> Sequence[Site]:
        """Query, key, value and output projections of every attention of the denoiser, in order."""
        ...

    def feed_forward_linears(self) -> Sequence[Site]:
        """Linear layers of every feed-forward of the denoiser, in order."""
        ...

    def projections(self) -> Sequence[Site]:
        """Layers that lead into and out of every transformer of the denoiser, in order; linear, or convolutions of one cell."""
        ...

    def text_linears(self) -> Sequence[Site]:
        """Linear layers of the text encoders' attention that the denoiser hears of, in order."""
        ...

    def context_linears(self) -> Sequence[Site]:
        """Key and value projections of every cross-attention of the denoiser: what works on the words."""
        ...

    @property
    def told(self) -> TextStates:
        """What `predict` was told last."""
        ...

    def word_places(self, text: TextStates, word: str) -> torch.Tensor:
        """Where the pieces of a word stand in text states: (N, L) bool."""
        ...

    def word_vectors(self, word: str) -> Sequence[torch.Tensor]:
        """What each text encoder's table holds for the k pieces of a word: (k, D) fp32 each; k = 0 where it cannot be spelt."""
        ...

    def near_words(self, word: str, count: int) -> Sequence[str]:
        """Whole words of the first text encoder's vocabulary whose vectors lie nearest to a word's, nearest first; at most `count`."""
        ...

    def shift_words(self, shifts: Mapping[str, Sequence[torch.Tensor]]) -> None:
        """Add shifts (k, D), one tensor for each text encoder, to the vectors of words from now on; of exactly these words."""
        ...

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: TextStates) -> torch.Tensor:
        """What the denoiser says of noisy latents (N, C, h, w) at timesteps (N,): noise or velocity, same shape."""
        ...


class Codec(Protocol):
    """The half that the data path and the sampler see."""

    def encode_pixels(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and deviation of the latents (N, C, h, w) of pixels (N, 3, H, W) in -1..1; no gradient."""
        ...

    def decode_latents(self, latents: torch.Tensor) -> torch.Tensor:
        """Pixels (N, 3, H, W) in 0..1, fp32 on the CPU, of latents (N, C, h, w); no gradient."""
        ...

    def tokenize(self, captions: Sequence[str]) -> torch.Tensor:
        """Token numbers (N, L) on the CPU, cut or padded to the text length; those of several tokenizers side by side (N, T L)."""
        ...

    def encode_tokens(self, tokens: torch.Tensor) -> TextStates:
        """Text states of token numbers as `tokenize` gives them, with gradient where a text encoder trains."""
        ...

    def encode_prompts(self, prompts: Sequence[str]) -> TextStates:
        """Text states of prompts; no gradient. Opens the text encoder again when it was released."""
        ...

    def sampler(self) -> Any:  # noqa: ANN401 - diffusers is untyped
        """A fresh diffusers scheduler as the base model wants it."""
        ...

    def resident(self) -> Sequence[torch.nn.Module]:
        """The networks that lie in memory now; unlike `networks()` it opens nothing again."""
        ...

    def release_encoders(self, *, keep_text: bool = False) -> None:
        """Give the memory of the autoencoder's encoder, and of the text encoder, back."""
        ...


class Base(Backbone, Codec, Protocol):
    """A whole base model."""


@dataclass(frozen=True)
class LearningRates:
    """Rates of the two kinds of network."""

    denoiser: float
    text_encoder: float

    def of(self, network: str) -> float:
        """The rate of a network by its name in `Backbone.networks`."""
        return self.denoiser if network == "unet" else self.text_encoder


class Teachable(Trainable, Protocol):
    """A running method whose result is an adapter of low-rank pairs."""

    def adapter(self) -> Adapter:
        """The pairs as they stand, fp32 on the CPU."""
        ...

    def start_from(self, adapter: Adapter) -> None:
        """Begin with the change another adapter makes; raises AdapterError when it does not fit these settings."""
        ...

    def switched_off(self) -> AbstractContextManager[None]:
        """The networks answer as the base does inside."""
        ...

    def penalty(self, text: TextStates) -> torch.Tensor | None:
        """What the method adds to the training error of a batch with these words, a scalar; None for nothing."""
        ...


class Method(Protocol):
    """One way to teach a subject: a frozen `Settings` class whose fields are its settings; nothing in it holds weights.

    A method is one file in `engines.diffusion.methods` that registers one class. `tag` is one word on its card ("Most used"), `paper` its
    source, `needs` the abilities it always asks of a backbone, `exact_elsewhere` whether other tools get the same pictures from its file.
    """

    title: ClassVar[str]
    sentence: ClassVar[str]
    tag: ClassVar[str]
    paper: ClassVar[str]
    needs: ClassVar[tuple[Ability, ...]]
    exact_elsewhere: ClassVar[bool]

    @property
    def asks(self) -> tuple[Ability, ...]:
        """Everything that these settings ask of a backbone: `needs`, and what each option that is on needs besides."""
        ...

    def model_dump(self) -> dict[str, Any]:
        """All settings as plain data, as every `Settings` gives them."""
        ...

    def attach(self, backbone: Backbone, rates: LearningRates, subject: JobConcept) -> Teachable:
        """Place the adapter in the backbone's networks and return its running half.

        Args:
            backbone: changed in place.
            rates: learning rates of the two kinds of network.
            subject: the words of what is taught.

        Raises:
            SettingsError: the backbone lacks what these settings ask for, or the subject a word they need.
        """
        ...
