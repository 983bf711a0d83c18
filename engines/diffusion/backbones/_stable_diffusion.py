"""The running half of Stable Diffusion 1.x and 2.x: its networks, opened. What the family is, without torch: `stable_diffusion.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from engines.api.errors import ModelError
from engines.core.devices import Device
from engines.diffusion.backbones.stable_diffusion import ABILITIES, NAME
from engines.diffusion.contracts import Ability, BackboneInfo, Site, TextStates
from engines.diffusion.folders import Opened
from engines.diffusion.hints import Hints
from engines.diffusion.objective import NoiseSchedule
from engines.diffusion.sampling import make_sampler
from engines.diffusion.words import places

_ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
_CONTEXT = ("attn2.to_k", "attn2.to_v")
_FEED_FORWARD = ("ff.net.0.proj", "ff.net.2")
_TEXT = ("q_proj", "k_proj", "v_proj", "out_proj")
_SD15_PARAMETERS = 860e6


class StableDiffusion:
    """A resident Stable Diffusion; see `engines.diffusion.contracts.Base` for what each method gives."""

    def __init__(self, opened: Opened, source: str, device: Device) -> None:
        self.device = device
        self.unet = opened.unet
        self.vae = opened.vae
        self.tokenizer = opened.tokenizer
        self.scheduler_config: Mapping[str, Any] = opened.scheduler_config
        self._text_encoder: nn.Module | None = opened.text_encoder
        self._reopen_text = opened.reopen_text
        self._reopen_vae = opened.reopen_vae
        self._schedule = NoiseSchedule.from_config(opened.scheduler_config)
        self._sites = _Sites.of(opened.unet, opened.text_encoder)
        self._info = _info(opened, source, self._schedule)
        self._encoder_gone = False
        self._told: TextStates = {}
        self._pieces: dict[str, tuple[int, ...]] = {}
        for network in (self.unet, self.vae, opened.text_encoder):
            network.requires_grad_(False)
            network.eval()

    @property
    def info(self) -> BackboneInfo:
        """See `Backbone`."""
        return self._info

    @property
    def abilities(self) -> frozenset[Ability]:
        """See `Backbone`."""
        return frozenset(ABILITIES)

    @property
    def schedule(self) -> NoiseSchedule:
        """See `Backbone`."""
        return self._schedule

    @property
    def text_encoder(self) -> nn.Module:
        """The text encoder, opened again when it was released."""
        if self._text_encoder is None:
            self._text_encoder = self._reopen_text()
            self._text_encoder.requires_grad_(False)
            self._text_encoder.eval()
        return self._text_encoder

    def networks(self) -> Mapping[str, nn.Module]:
        """See `Backbone`."""
        return {"unet": self.unet, "text_encoder": self.text_encoder}

    def attention_linears(self) -> Sequence[Site]:
        """See `Backbone`."""
        return self._sites.attention

    def feed_forward_linears(self) -> Sequence[Site]:
        """See `Backbone`."""
        return self._sites.feed_forward

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
        if word not in self._pieces:
            pieces = self.tokenizer(word, add_special_tokens=False).input_ids
            marks = set(self.tokenizer.all_special_ids)  # among them what stands for the unknown, and for padding
            self._pieces[word] = () if marks.intersection(pieces) else tuple(pieces)
        return places(text["tokens"], self._pieces[word])

    def predict(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: TextStates) -> torch.Tensor:
        """See `Backbone`."""
        self._told = text
        dtype = self.device.dtype
        hidden = text["hidden"].to(dtype)
        predicted: torch.Tensor = self.unet(noisy.to(dtype), timesteps, hidden, return_dict=False)[0]
        return predicted

    @torch.no_grad()
    def encode_pixels(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Codec`."""
        if self._encoder_gone:
            self.vae = self._reopen_vae()
            self._encoder_gone = False
        vae = self.vae
        posterior = vae.encode(pixels.to(self.device.torch_device, _dtype_of(vae))).latent_dist
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        scale = vae.config.scaling_factor
        return (posterior.mean.float() - shift) * scale, posterior.std.float() * scale

    @torch.no_grad()
    def decode_latents(self, latents: torch.Tensor) -> torch.Tensor:
        """See `Codec`."""
        vae = self.vae
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        scaled = latents.to(self.device.torch_device, _dtype_of(vae)) / vae.config.scaling_factor + shift
        pixels = torch.cat([vae.decode(one, return_dict=False)[0].float().cpu() for one in scaled.split(1)])
        return (pixels / 2 + 0.5).clamp(0, 1)

    def tokenize(self, captions: Sequence[str]) -> torch.Tensor:
        """See `Codec`."""
        tokens: torch.Tensor = self.tokenizer(
            list(captions),
            padding="max_length",
            max_length=self._info.text_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        return tokens

    def encode_tokens(self, tokens: torch.Tensor) -> TextStates:
        """See `Codec`."""
        encoder = self.text_encoder
        numbers = tokens.to(self.device.torch_device)
        hidden: torch.Tensor = encoder(numbers, return_dict=False)[0]
        return {"hidden": hidden, "tokens": numbers}

    @torch.no_grad()
    def encode_prompts(self, prompts: Sequence[str]) -> TextStates:
        """See `Codec`."""
        return self.encode_tokens(self.tokenize(prompts))

    def sampler(self) -> Any:  # noqa: ANN401 - diffusers is untyped
        """See `Codec`."""
        return make_sampler(self.scheduler_config)

    def resident(self) -> Sequence[nn.Module]:
        """See `Codec`."""
        return [self.unet, self.vae, *([] if self._text_encoder is None else [self._text_encoder])]

    def release_encoders(self, *, keep_text: bool = False) -> None:
        """See `Codec`."""
        if not keep_text:
            self._text_encoder = None
        self.vae.encoder = nn.Identity()
        self._encoder_gone = True
        if self.device.kind == "cuda":
            torch.cuda.empty_cache()


@dataclass(frozen=True)
class _Sites:
    attention: tuple[Site, ...]
    context: tuple[Site, ...]
    feed_forward: tuple[Site, ...]
    text: tuple[Site, ...]

    @classmethod
    def of(cls, unet: nn.Module, text_encoder: nn.Module) -> _Sites:
        return cls(
            _linears("unet", unet, _ATTENTION),
            _linears("unet", unet, _CONTEXT),
            _linears("unet", unet, _FEED_FORWARD),
            _linears("text_encoder", text_encoder, _TEXT),
        )


def _linears(network: str, module: nn.Module, endings: tuple[str, ...]) -> tuple[Site, ...]:
    suffixes = tuple("." + ending for ending in endings)
    return tuple(
        Site(network, path)
        for path, part in module.named_modules()
        if isinstance(part, nn.Linear) and path.endswith(suffixes)
    )


def _info(opened: Opened, source: str, schedule: NoiseSchedule) -> BackboneInfo:
    unet, vae = opened.unet.config, opened.vae.config
    if unet.in_channels != vae.latent_channels:
        title = "This base model cannot be taught here"
        what = f"Its denoiser takes {unet.in_channels} channels where pictures have {vae.latent_channels}; it may be made for inpainting."
        raise ModelError(title, what, "Choose its text-to-image version.")
    factor = 2 ** (len(vae.block_out_channels) - 1)
    parameters = sum(weight.numel() for weight in opened.unet.parameters())
    hints: Hints = opened.hints
    two = unet.cross_attention_dim == 1024
    return BackboneInfo(
        family=NAME,
        version=("sd_v2_v" if schedule.prediction == "v_prediction" else "sd_v2") if two else "sd_v1",
        title=opened.title,
        source=source,
        base_hash=opened.base_hash,
        encoder_hash=opened.encoder_hash,
        text_hash=opened.text_hash,
        resolution=hints.resolution or _side(unet.sample_size) * factor,
        latent_channels=vae.latent_channels,
        latent_factor=factor,
        side_multiple=factor * 2 ** (len(unet.block_out_channels) - 1),
        text_length=min(opened.tokenizer.model_max_length, opened.text_encoder.config.max_position_embeddings),
        parameters=parameters,
        prediction=schedule.prediction,
        inference_steps=hints.inference_steps or 25,
        guidance=hints.guidance or 7.5,
        guidance_rescale=hints.guidance_rescale,
        learning_rate=hints.learning_rate or suggested_learning_rate(parameters),
        notes=opened.notes,
    )


def suggested_learning_rate(parameters: int) -> float:
    """A rate for adapters by the denoiser's size: 1e-4 at 860 M weights, growing with the inverse square root of the size."""
    return float(f"{1e-4 * (_SD15_PARAMETERS / max(parameters, 1)) ** 0.5:.2g}")


def _side(sample_size: int | Sequence[int]) -> int:
    return sample_size if isinstance(sample_size, int) else max(sample_size)


def _dtype_of(module: nn.Module) -> torch.dtype:
    return next(module.parameters()).dtype
