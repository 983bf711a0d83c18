"""The loop to beat: diffusers and peft put together in the plainest way, encoding pictures and words anew in every step.

It reads the same pictures and captions, trains the same low-rank pairs on the same base with the same batch size, precision and loss, and does
nothing else: no measuring, no checkpoints, no events. With `cached` it encodes everything once, as its more careful users do.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

_HALF = {"fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class PlainSettings:
    """What both loops share; `gamma` is that of min-SNR, `edge` the picture's side in pixels.

    Attributes:
        precision: of the frozen weights and, through autocast, of what passes through the trained ones, which are fp32.
        spare: recompute inside the denoiser instead of storing.
        cached: encode pictures and words once, before the first step.
    """

    rank: int
    batch: int
    rate: float
    gamma: float
    edge: int
    clip: float
    seed: int = 0
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"
    spare: bool = False
    cached: bool = False


@dataclass(frozen=True)
class _Encoded:
    """Pictures and words as the denoiser takes them: mean and deviation of latents (N, C, h, w), words (N, L, D), pooled (N, P) or None."""

    mean: torch.Tensor
    std: torch.Tensor
    words: torch.Tensor
    pooled: torch.Tensor | None


class PlainLoop:
    """One training that can be continued step by step."""

    def __init__(
        self, base: Path, examples: Sequence[tuple[Path, str]], settings: PlainSettings, device: torch.device
    ) -> None:
        from diffusers import DDPMScheduler, DiffusionPipeline
        from diffusers.training_utils import cast_training_params
        from peft import LoraConfig

        self._half = _HALF.get(settings.precision)
        pipeline: Any = DiffusionPipeline.from_pretrained(str(base), dtype=self._half or torch.float32)
        self._pipeline = pipeline.to(device)
        self._vae, self._unet = pipeline.vae, pipeline.unet
        for part in pipeline.components.values():
            if isinstance(part, torch.nn.Module):
                part.requires_grad_(False)
        if settings.precision == "fp16" and self._vae.config.force_upcast:
            self._vae.float()
        self._noise = DDPMScheduler.from_config(pipeline.scheduler.config)
        targets = ["to_q", "to_k", "to_v", "to_out.0"]
        self._unet.add_adapter(
            LoraConfig(r=settings.rank, lora_alpha=settings.rank, init_lora_weights="gaussian", target_modules=targets)
        )
        cast_training_params(self._unet)
        if settings.spare:
            self._unet.enable_gradient_checkpointing()
        self._unet.train()
        self._trained = [parameter for parameter in self._unet.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(self._trained, lr=settings.rate)
        self._scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")
        self._examples, self._settings, self._device = list(examples), settings, device
        self._order = random.Random(settings.seed)
        self._known: dict[Path, _Encoded] = {}
        if settings.cached:
            self._known = {file: self._encode([(file, caption)]) for file, caption in self._examples}
            for part in ("vae", "text_encoder", "text_encoder_2"):
                if part in pipeline.components:
                    setattr(pipeline, part, None)
            del self._vae

    @property
    def trained_count(self) -> int:
        """How many numbers are learned."""
        return sum(parameter.numel() for parameter in self._trained)

    @property
    def optimiser_bytes(self) -> int:
        """What the optimiser remembers."""
        return sum(
            value.numel() * value.element_size()
            for state in self._optimizer.state.values()
            for value in state.values()
            if isinstance(value, torch.Tensor)
        )

    def save(self, folder: Path) -> Path:
        """Write the adapter as diffusers does; returns its file."""
        from diffusers.utils import convert_state_dict_to_diffusers
        from peft import get_peft_model_state_dict

        layers = convert_state_dict_to_diffusers(get_peft_model_state_dict(self._unet))
        self._pipeline.save_lora_weights(str(folder), unet_lora_layers=layers)
        return folder / "pytorch_lora_weights.safetensors"

    def run(self, steps: int) -> float:
        """Do some steps; returns the seconds they took."""
        began = time.perf_counter()
        for _ in range(steps):
            with self._computing():
                loss = self._loss()
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            self._scaler.unscale_(self._optimizer)
            torch.nn.utils.clip_grad_norm_(self._trained, self._settings.clip)
            self._scaler.step(self._optimizer)
            self._scaler.update()
            self._optimizer.zero_grad()
            loss.item()
        return time.perf_counter() - began

    def _computing(self) -> AbstractContextManager[object]:
        return nullcontext() if self._half is None else torch.autocast(self._device.type, dtype=self._half)

    def _loss(self) -> torch.Tensor:
        chosen = self._order.sample(self._examples, min(self._settings.batch, len(self._examples)))
        told = self._joined([self._known[file] for file, _ in chosen]) if self._known else self._encode(chosen)
        latents = told.mean + told.std * torch.randn_like(told.std)
        noise = torch.randn_like(latents)
        timesteps = torch.randint(0, self._noise.config.num_train_timesteps, (len(chosen),), device=self._device)
        noisy = self._noise.add_noise(latents, noise, timesteps)
        more = {"added_cond_kwargs": self._larger(told)} if told.pooled is not None else {}
        predicted = self._unet(noisy, timesteps, told.words, **more).sample
        velocity = self._noise.config.prediction_type == "v_prediction"
        target = self._noise.get_velocity(latents, noise, timesteps) if velocity else noise
        error = functional.mse_loss(predicted.float(), target.float(), reduction="none").mean(dim=(1, 2, 3))
        return (error * self._weights(timesteps, velocity=velocity)).mean()

    @torch.no_grad()
    def _encode(self, chosen: Sequence[tuple[Path, str]]) -> _Encoded:
        pixels = torch.stack([self._pixels(file) for file, _ in chosen]).to(self._device, self._vae.dtype)
        posterior, scale = self._vae.encode(pixels).latent_dist, self._vae.config.scaling_factor
        captions = [caption for _, caption in chosen]
        words, _, *pooled = self._pipeline.encode_prompt(
            captions, device=self._device, num_images_per_prompt=1, do_classifier_free_guidance=False
        )
        kind = words.dtype
        mean, std = (posterior.mean * scale).to(kind), (posterior.std * scale).to(kind)
        return _Encoded(mean, std, words, pooled[0] if pooled else None)

    @staticmethod
    def _joined(found: Sequence[_Encoded]) -> _Encoded:
        pooled = [one.pooled for one in found if one.pooled is not None]
        return _Encoded(
            torch.cat([one.mean for one in found]),
            torch.cat([one.std for one in found]),
            torch.cat([one.words for one in found]),
            torch.cat(pooled) if pooled else None,
        )

    def _larger(self, told: _Encoded) -> dict[str, torch.Tensor]:
        """What SDXL is told besides: the captions as a whole, and whole pictures of the asked size."""
        edge = self._settings.edge
        frame = torch.tensor([[edge, edge, 0, 0, edge, edge]] * told.words.shape[0], device=self._device)
        assert told.pooled is not None  # noqa: S101 - asked only where there is one
        return {"text_embeds": told.pooled, "time_ids": frame.to(told.words.dtype)}

    def _weights(self, timesteps: torch.Tensor, *, velocity: bool) -> torch.Tensor:
        """min-SNR weights (Hang et al. 2023)."""
        kept = self._noise.alphas_cumprod.to(timesteps.device)[timesteps]
        snr = (kept / (1 - kept)).clamp_min(1e-8)
        capped = snr.clamp_max(self._settings.gamma)
        weights: torch.Tensor = capped / (snr + 1) if velocity else capped / snr
        return weights

    def _pixels(self, file: Path) -> torch.Tensor:
        edge = self._settings.edge
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        picture = picture.crop((left, top, left + side, top + side)).resize((edge, edge), Image.Resampling.BILINEAR)
        values = torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float()
        return values / 127.5 - 1
