"""A Stable Diffusion pipeline of a few hundred kB with random weights, for tests of everything that only needs real classes."""

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
    from transformers import CLIPTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        vocabulary = _vocabulary(Path(scratch))
        tokenizer = CLIPTokenizer(**vocabulary, model_max_length=MAX_TOKENS, pad_token="<|endoftext|>")
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


def _networks(tokenizer: Any) -> dict[str, Any]:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=MAX_TOKENS,
            projection_dim=32,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(8, 16, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=EDGE,
        scaling_factor=0.5,
    )
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


def _vocabulary(folder: Path) -> dict[str, str]:
    """Write a byte-pair vocabulary of single characters, so that any ASCII word can be spelt."""
    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    tokens = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    vocabulary.write_text(json.dumps({token: index for index, token in enumerate(tokens)}), encoding="utf-8")
    merges.write_text("#version: 0.2\n", encoding="utf-8")
    return {"vocab": str(vocabulary), "merges": str(merges)}
