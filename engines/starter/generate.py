"""Pictures from a saved diffusion folder through the ordinary Stable Diffusion pipeline, one fixed seed a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from tqdm import tqdm

from engines.starter.augment import Pictures
from engines.starter.training import autocast, half_precision


def load_pipeline(folder: Path, device: torch.device) -> StableDiffusionPipeline:
    """The pipeline of ``folder`` in single precision, without its progress bar."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device)


def generate(
    pipeline: StableDiffusionPipeline,
    captions: list[str],
    *,
    seed: int,
    steps: int = 25,
    guidance: float = 4.0,
    batch: int = 25,
    title: str = "generate",
) -> Pictures:
    """Pictures (n, h, w, 3) uint8, picture i from seed ``seed`` + i."""
    parts = []
    half = half_precision(pipeline.device)
    for first in tqdm(range(0, len(captions), batch), desc=title, mininterval=2.0):
        texts = captions[first : first + batch]
        draws = [torch.Generator().manual_seed(seed + first + index) for index in range(len(texts))]
        with torch.inference_mode(), autocast(pipeline.device, half=half):
            images = pipeline(
                texts, num_inference_steps=steps, guidance_scale=guidance, generator=draws, output_type="np"
            ).images
        parts.append((np.clip(images, 0, 1) * 255).round().astype(np.uint8))
    return np.concatenate(parts)
