"""An opened Stable Diffusion of any size: its networks, how they are asked, and how memory is given back.

What sets one family apart from another, what the denoiser is told beside the noisy picture, is a `Dialect`; everything else is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import nn

from engines.core.devices import Device
from engines.diffusion.contracts import Ability, BackboneInfo, Site, TextStates
from engines.diffusion.folders import Opened
from engines.diffusion.objective import NoiseSchedule
from engines.diffusion.sampling import make_sampler
from engines.diffusion.sites import Sites
from engines.diffusion.words import nearest_words, places, shifted


class Dialect(Protocol):
    """How one family puts words, and what else it is told, to its denoiser."""

    def states(self, encoders: Sequence[Any], tokens: Sequence[torch.Tensor]) -> TextStates:
        """Text states from each text encoder and its token numbers (N, L)."""
        ...

    def conditions(self, noisy: torch.Tensor, text: TextStates) -> Mapping[str, Any]:
        """Further arguments of the denoiser for noisy latents (N, C, h, w), which are of the precision it computes in."""
        ...


class Resident:
    """A resident Stable Diffusion; see `engines.diffusion.contracts.Base` for what each method gives."""

    def __init__(
        self,
        opened: Opened,
        info: BackboneInfo,
        sites: Sites,
        dialect: Dialect,
        device: Device,
        *,
        abilities: Sequence[Ability],
        vae_in_full: bool = False,
    ) -> None:
        """Take over what was opened.

        Args:
            opened: networks on the device.
            info: its figures.
            sites: where adapters can sit.
            dialect: how its denoiser is told.
            device: where it computes.
            abilities: what it can be asked.
            vae_in_full: whether the autoencoder computes in full precision whatever the device's is.
        """
        self.device = device
        self._info, self._sites, self._dialect, self._abilities = info, sites, dialect, frozenset(abilities)
        self._tokenizers = opened.tokenizers
        self._scheduler_config = opened.scheduler_config
        self._reopen = opened.reopen
        self._vae_dtype = torch.float32 if vae_in_full else device.dtype
        self._schedule = NoiseSchedule.from_config(opened.scheduler_config).on(device.torch_device)
        self.unet = _laid(_frozen(opened.unet), device)
        self.vae = self._taken(opened.vae)
        self._texts: dict[str, Any] = {name: _frozen(network) for name, network in opened.texts.items()}
        self._encoder_gone = False
        self._told: TextStates = {}
        self._pieces: dict[str, tuple[tuple[int, ...], ...]] = {}
        self._shifts: dict[str, Sequence[torch.Tensor]] = {}
        self._listen()

    @property
    def info(self) -> BackboneInfo:
        """See `Backbone`."""
        return self._info

    @property
    def abilities(self) -> frozenset[Ability]:
        """See `Backbone`."""
        return self._abilities

    @property
    def schedule(self) -> NoiseSchedule:
        """See `Backbone`."""
        return self._schedule

    def networks(self) -> Mapping[str, nn.Module]:
        """See `Backbone`."""
        return {"unet": self.unet, **self._encoders()}

    def attention_linears(self) -> Sequence[Site]:
        """See `Backbone`."""
        return self._sites.attention

    def feed_forward_linears(self) -> Sequence[Site]:
        """See `Backbone`."""
        return self._sites.feed_forward

    def projections(self) -> Sequence[Site]:
        """See `Backbone`."""
        return self._sites.projections

    def text_linears(self) -> Sequence[Site]:
        """See `Backbone`."""
        return self._sites.text

    def context_linears(self) -> Sequence[Site]:
        """See `Backbone`."""
        return self._sites.context

    @property
    def told(self) -> TextStates:
        """See `Backbone`."""
        return self._told

    def word_places(self, text: TextStates, word: str) -> torch.Tensor:
        """See `Backbone`."""
        rows = text["tokens"].chunk(len(self._tokenizers), dim=1)
        found = [places(row, pieces) for row, pieces in zip(rows, self._pieces_of(word), strict=True)]
        return torch.stack(found).any(dim=0)

    def word_vectors(self, word: str) -> list[torch.Tensor]:
        """See `Backbone`."""
        tables = [encoder.get_input_embeddings().weight for encoder in self._encoders().values()]
        return [
            table[list(pieces)].detach().float() for table, pieces in zip(tables, self._pieces_of(word), strict=True)
        ]

    def near_words(self, word: str, count: int) -> list[str]:
        """See `Backbone`."""
        vectors, table = self.word_vectors(word)[0], next(iter(self._encoders().values())).get_input_embeddings().weight
        return nearest_words(next(iter(self._tokenizers.values())), table, vectors, count) if len(vectors) else []

    def shift_words(self, shifts: Mapping[str, Sequence[torch.Tensor]]) -> None:
        """See `Backbone`."""
        self._shifts = dict(shifts)

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: TextStates) -> torch.Tensor:
        """See `Backbone`."""
        self._told = text
        noisy = noisy.to(self.device.dtype)
        hidden = text["hidden"].to(self.device.dtype)
        conditions = self._dialect.conditions(noisy, text)
        predicted: torch.Tensor = self.unet(noisy, timesteps, hidden, return_dict=False, **conditions)[0]
        return predicted

    @torch.no_grad()
    def encode_pixels(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Codec`."""
        if self._encoder_gone:
            self.vae = self._taken(self._reopen("vae"))
            self._encoder_gone = False
        vae = self.vae
        posterior = vae.encode(pixels.to(self.device.torch_device, self._vae_dtype)).latent_dist
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        scale = vae.config.scaling_factor
        return (posterior.mean.float() - shift) * scale, posterior.std.float() * scale

    @torch.no_grad()
    def decode_latents(self, latents: torch.Tensor) -> torch.Tensor:
        """See `Codec`."""
        vae = self.vae
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        scaled = latents.to(self.device.torch_device, self._vae_dtype) / vae.config.scaling_factor + shift
        pixels = torch.cat([vae.decode(one, return_dict=False)[0].float().cpu() for one in scaled.split(1)])
        return (pixels / 2 + 0.5).clamp(0, 1)

    def tokenize(self, captions: Sequence[str]) -> torch.Tensor:
        """See `Codec`."""
        rows = [
            tokenizer(
                list(captions),
                padding="max_length",
                max_length=self._info.text_length,
                truncation=True,
                return_tensors="pt",
            ).input_ids
            for tokenizer in self._tokenizers.values()
        ]
        return torch.cat(rows, dim=1)

    def encode_tokens(self, tokens: torch.Tensor) -> TextStates:
        """See `Codec`."""
        numbers = tokens.to(self.device.torch_device)
        rows = [row.contiguous() for row in numbers.chunk(len(self._tokenizers), dim=1)]
        return {**self._dialect.states(list(self._encoders().values()), rows), "tokens": numbers}

    @torch.no_grad()
    def encode_prompts(self, prompts: Sequence[str]) -> TextStates:
        """See `Codec`."""
        return self.encode_tokens(self.tokenize(prompts))

    def sampler(self) -> Any:  # noqa: ANN401 - diffusers is untyped
        """See `Codec`."""
        return make_sampler(self._scheduler_config)

    def resident(self) -> Sequence[nn.Module]:
        """See `Codec`."""
        return [self.unet, self.vae, *self._texts.values()]

    def release_encoders(self, *, keep_text: bool = False) -> None:
        """See `Codec`."""
        if not keep_text:
            self._texts.clear()
        self.vae.encoder = nn.Identity()
        self._encoder_gone = True
        if self.device.kind == "cuda":
            torch.cuda.empty_cache()

    def _taken(self, vae: Any) -> Any:  # noqa: ANN401 - diffusers is untyped
        return _laid(_frozen(vae if vae.dtype == self._vae_dtype else vae.float()), self.device)

    def _encoders(self) -> dict[str, Any]:
        """The text encoders in order, opened again when they were released."""
        if not self._texts:
            self._texts = {name: _frozen(self._reopen(name)) for name in self._tokenizers}
            self._listen()
        return self._texts

    def _listen(self) -> None:
        """Let every text encoder's embeddings be shifted where a taught word stands."""
        for number, encoder in enumerate(self._texts.values()):
            encoder.get_input_embeddings().register_forward_hook(self._shifting(number))

    def _shifting(self, number: int) -> Callable[..., torch.Tensor]:
        def shift(_table: nn.Module, inputs: tuple[torch.Tensor, ...], embedded: torch.Tensor) -> torch.Tensor:
            for word, shifts in self._shifts.items():
                embedded = shifted(embedded, inputs[0], self._pieces_of(word)[number], shifts[number])
            return embedded

        return shift

    def _pieces_of(self, word: str) -> tuple[tuple[int, ...], ...]:
        """A word's token numbers for each tokenizer."""
        if word not in self._pieces:
            self._pieces[word] = tuple(_pieces(tokenizer, word) for tokenizer in self._tokenizers.values())
        return self._pieces[word]


def _frozen(network: Any) -> Any:  # noqa: ANN401 - diffusers and transformers are untyped
    network.requires_grad_(False)
    return network.eval()


def _laid(network: Any, device: Device) -> Any:  # noqa: ANN401 - as above
    """Channels last, as convolutions read fastest on cards and on several cores; on one core it is all the same. Apple graphics: the usual way."""
    return network if device.kind == "mps" else network.to(memory_format=torch.channels_last)


def _pieces(tokenizer: Any, word: str) -> tuple[int, ...]:  # noqa: ANN401 - transformers is untyped
    """Token numbers of a word; none where the tokenizer does not know it."""
    pieces = tokenizer(word, add_special_tokens=False).input_ids
    marks = set(tokenizer.all_special_ids)  # among them what stands for the unknown, and for padding
    return () if marks.intersection(pieces) else tuple(pieces)
