"""Stable Diffusion pipelines of a few hundred kB with random weights, for tests of everything that only needs real classes."""

from __future__ import annotations

import json
import string
import tempfile
from pathlib import Path
from typing import Any

EDGE = 32
"""Native picture edge of the tiny pipeline, pixels."""
MAX_TOKENS = 32


def make_tiny_sd(folder: Path, *, prediction_type: str = "epsilon") -> Path:
    """Write a complete diffusers folder (tokenizer, text encoder, autoencoder, UNet, scheduler) and return it.

    The weights are random but the same every time. Pictures are 32 x 32 pixels, latents 4 x 8 x 8. No global random state is
    touched.

    Args:
        folder: where to write; made when missing.
        prediction_type: `epsilon` or `v_prediction`.
    """
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    tokenizer = _tokenizer("<|endoftext|>")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = _networks(tokenizer)
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type=prediction_type,
    )
    pipeline = StableDiffusionPipeline(
        **networks,
        tokenizer=tokenizer,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def make_tiny_sdxl(folder: Path) -> Path:
    """Write a complete diffusers folder in the shape of Stable Diffusion XL and return it.

    Two tokenizers that pad differently, two text encoders of different widths, and a denoiser with its three levels of two layers, so that
    the names of its layers are those of the full size. Otherwise as `make_tiny_sd`.
    """
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    tokenizers = {"tokenizer": _tokenizer("<|endoftext|>"), "tokenizer_2": _tokenizer("!")}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = _larger_networks(tokenizers["tokenizer"], tokenizers["tokenizer_2"])
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, timestep_spacing="leading"
    )
    pipeline = StableDiffusionXLPipeline(**networks, **tokenizers, scheduler=scheduler, add_watermarker=False)
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def _networks(tokenizer: Any) -> dict[str, Any]:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel

    text_encoder = CLIPTextModel(_text_config(tokenizer, width=32))
    vae = _autoencoder()
    unet = UNet2DConditionModel(
        sample_size=EDGE // 4,
        in_channels=4,
        out_channels=4,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=8,
        norm_num_groups=4,
    )
    return {"text_encoder": text_encoder, "vae": vae, "unet": unet}


def _larger_networks(tokenizer: Any, tokenizer_2: Any) -> dict[str, Any]:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    unet = UNet2DConditionModel(
        sample_size=EDGE // 4,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16, 32),
        layers_per_block=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 2),
        attention_head_dim=(1, 2, 4),
        cross_attention_dim=16 + 24,
        use_linear_projection=True,
        norm_num_groups=4,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=20 + 6 * 8,
    )
    return {
        "text_encoder": CLIPTextModel(_text_config(tokenizer, width=16)),
        "text_encoder_2": CLIPTextModelWithProjection(_text_config(tokenizer_2, width=24, projection=20)),
        "vae": _autoencoder(),
        "unet": unet,
    }


def _text_config(tokenizer: Any, *, width: int, projection: int = 32) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=MAX_TOKENS,
        projection_dim=projection,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _autoencoder() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(8, 16, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=EDGE,
        scaling_factor=0.5,
    )


def _tokenizer(pad_token: str) -> Any:
    from transformers import CLIPTokenizer

    with tempfile.TemporaryDirectory() as scratch:
        return CLIPTokenizer(**_vocabulary(Path(scratch)), model_max_length=MAX_TOKENS, pad_token=pad_token)


def _vocabulary(folder: Path) -> dict[str, str]:
    """Write a byte-pair vocabulary of single characters, so that any ASCII word can be spelt."""
    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    tokens = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    vocabulary.write_text(json.dumps({token: index for index, token in enumerate(tokens)}), encoding="utf-8")
    merges.write_text("#version: 0.2\n", encoding="utf-8")
    return {"vocab": str(vocabulary), "merges": str(merges)}
