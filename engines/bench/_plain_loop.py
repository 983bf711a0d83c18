"""The loop to beat: diffusers and peft put together in the plainest way, encoding pictures and words anew in every step.

It reads the same pictures and captions, trains the same low-rank pairs on the same base with the same batch size and loss, and does nothing
else: no caches, no measuring, no checkpoints, no events.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional


@dataclass(frozen=True)
class PlainSettings:
    """What both loops share; `gamma` is that of min-SNR, `edge` the picture's side in pixels."""

    rank: int
    batch: int
    rate: float
    gamma: float
    edge: int
    clip: float
    seed: int = 0


class PlainLoop:
    """One training that can be continued step by step."""

    def __init__(
        self, base: Path, examples: Sequence[tuple[Path, str]], settings: PlainSettings, device: torch.device
    ) -> None:
        from diffusers import DDPMScheduler, StableDiffusionPipeline
        from peft import LoraConfig

        pipeline: Any = StableDiffusionPipeline.from_pretrained(str(base), dtype=torch.float32)
        self._vae, self._text, self._unet = (
            part.to(device).requires_grad_(False) for part in (pipeline.vae, pipeline.text_encoder, pipeline.unet)
        )
        self._tokenizer = pipeline.tokenizer
        self._noise = DDPMScheduler.from_config(pipeline.scheduler.config)
        targets = ["to_q", "to_k", "to_v", "to_out.0"]
        self._unet.add_adapter(
            LoraConfig(r=settings.rank, lora_alpha=settings.rank, init_lora_weights="gaussian", target_modules=targets)
        )
        self._unet.train()
        self._trained = [parameter for parameter in self._unet.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(self._trained, lr=settings.rate)
        self._examples, self._settings, self._device = list(examples), settings, device
        self._order = random.Random(settings.seed)

    @property
    def trained_count(self) -> int:
        """How many numbers are learned."""
        return sum(parameter.numel() for parameter in self._trained)

    def run(self, steps: int) -> float:
        """Do some steps; returns the seconds they took."""
        began = time.perf_counter()
        for _ in range(steps):
            loss = self._loss()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self._trained, self._settings.clip)
            self._optimizer.step()
            self._optimizer.zero_grad()
            loss.item()
        return time.perf_counter() - began

    def _loss(self) -> torch.Tensor:
        chosen = self._order.sample(self._examples, min(self._settings.batch, len(self._examples)))
        pixels = torch.stack([self._pixels(file) for file, _ in chosen]).to(self._device)
        with torch.no_grad():
            latents = self._vae.encode(pixels).latent_dist.sample() * self._vae.config.scaling_factor
            tokens = self._tokenizer(
                [caption for _, caption in chosen],
                padding="max_length",
                max_length=self._tokenizer.model_max_length,
                truncation=True,
                return_tensors="pt",
            ).input_ids.to(self._device)
            words = self._text(tokens)[0]
        noise = torch.randn_like(latents)
        timesteps = torch.randint(0, self._noise.config.num_train_timesteps, (len(chosen),), device=self._device)
        noisy = self._noise.add_noise(latents, noise, timesteps)
        predicted = self._unet(noisy, timesteps, words).sample
        velocity = self._noise.config.prediction_type == "v_prediction"
        target = self._noise.get_velocity(latents, noise, timesteps) if velocity else noise
        error = functional.mse_loss(predicted.float(), target.float(), reduction="none").mean(dim=(1, 2, 3))
        return (error * self._weights(timesteps, velocity=velocity)).mean()

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
