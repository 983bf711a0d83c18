"""The figures of an opened Stable Diffusion, from its configurations and what its folder says of itself."""

from __future__ import annotations

from collections.abc import Sequence

from engines.api.errors import ModelError
from engines.diffusion.contracts import BackboneInfo
from engines.diffusion.folders import Opened
from engines.diffusion.hints import Hints
from engines.diffusion.objective import NoiseSchedule


def info_of(
    opened: Opened, source: str, *, family: str, version: str, guidance: float, usual_size: float
) -> BackboneInfo:
    """Put the figures together.

    Args:
        opened: as it was loaded.
        source: how it was asked for.
        family: registered name.
        version: layout in the words of adapter metadata.
        guidance: what suits the family where the folder says nothing.
        usual_size: weights of the family's published denoiser, for which 1e-4 is a good rate for adapters.

    Raises:
        ModelError: its denoiser is not one of text to image, or predicts something unknown.
    """
    unet, vae = opened.unet.config, opened.vae.config
    if unet.in_channels != vae.latent_channels:
        title = "This base model cannot be taught here"
        what = f"Its denoiser takes {unet.in_channels} channels where pictures have {vae.latent_channels}; it may be made for inpainting."
        raise ModelError(title, what, "Choose its text-to-image version.")
    factor = 2 ** (len(vae.block_out_channels) - 1)
    parameters = sum(weight.numel() for weight in opened.unet.parameters())
    hints: Hints = opened.hints
    lengths = [
        *(tokenizer.model_max_length for tokenizer in opened.tokenizers.values()),
        *(encoder.config.max_position_embeddings for encoder in opened.texts.values()),
    ]
    return BackboneInfo(
        family=family,
        version=version,
        title=opened.title,
        source=source,
        base_hash=opened.base_hash,
        encoder_hash=opened.encoder_hash,
        text_hash=opened.text_hash,
        resolution=hints.resolution or _side(unet.sample_size) * factor,
        latent_channels=vae.latent_channels,
        latent_factor=factor,
        side_multiple=factor * 2 ** (len(unet.block_out_channels) - 1),
        text_length=min(lengths),
        parameters=parameters,
        prediction=NoiseSchedule.from_config(opened.scheduler_config).prediction,
        inference_steps=hints.inference_steps or 25,
        guidance=hints.guidance or guidance,
        guidance_rescale=hints.guidance_rescale,
        learning_rate=hints.learning_rate or suggested_learning_rate(parameters, usual_size),
        notes=opened.notes,
    )


def suggested_learning_rate(parameters: int, usual_size: float) -> float:
    """A rate for adapters by the denoiser's size: 1e-4 at the family's usual size, growing with the inverse square root of the size."""
    return float(f"{1e-4 * (usual_size / max(parameters, 1)) ** 0.5:.2g}")


def _side(sample_size: int | Sequence[int]) -> int:
    return sample_size if isinstance(sample_size, int) else max(sample_size)
