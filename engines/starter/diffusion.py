"""The starter's diffusion model: a small Stable Diffusion in every respect, taught the clay world from scratch.

Text encoder and UNet learn together on cached latents: v-prediction (Salimans and Ho 2022) on a noise schedule that ends in
pure noise (Lin et al. 2023), 10 % empty captions for classifier-free guidance, averaged weights. Object cells count more
than background cells: a small model has no budget to spend on grass.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from engines.starter.captions import random_caption
from engines.starter.dataset import Shard
from engines.starter.tokenizer import MAX_TOKENS, encode
from engines.starter.training import Schedule, Trained, autocast, averaged, half_precision, train

_OBJECT_WEIGHT = 3.0
_EMPTY_SHARE = 0.1
_WORDINGS = 4
_UNIFORM_SHARE = 0.25
_SCHEDULE = Schedule(steps=5000, rate=8e-4, seed=23, warmup=200, average=0.998, save_every=125, betas=(0.9, 0.99))


@dataclass(frozen=True)
class DiffusionRecipe:
    """Sizes of UNet and text encoder, and of their training."""

    channels: tuple[int, ...] = (96, 192)
    layers: int = 1
    heads: int = 4
    groups: int = 32
    text_width: int = 192
    text_layers: int = 4
    text_heads: int = 6
    batch: int = 32
    schedule: Schedule = _SCHEDULE


class Denoiser(torch.nn.Module):
    """UNet and text encoder as the one module that is trained."""

    def __init__(self, unet: UNet2DConditionModel, text: CLIPTextModel) -> None:
        super().__init__()
        self.unet = unet
        self.text = text

    def forward(self, noisy: torch.Tensor, t: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Predicted velocity (n, c, h, w) for noisy latents, time steps (n,) and token ids (n, length)."""
        context = self.text(tokens)[0]
        predicted: torch.Tensor = self.unet(noisy, t, encoder_hidden_states=context).sample
        return predicted


@dataclass(frozen=True)
class Lessons:
    """What the denoiser learns from: scaled latents, object share of each latent cell, and captions as token ids."""

    latents: torch.Tensor
    objects: torch.Tensor
    tokens: torch.Tensor
    empty: torch.Tensor


def build(recipe: DiffusionRecipe, tokenizer: CLIPTokenizer, *, latent_channels: int, latent_size: int) -> Denoiser:
    """A fresh denoiser with fixed initial weights."""
    torch.manual_seed(recipe.schedule.seed)
    depth = len(recipe.channels)
    unet = UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        down_block_types=["CrossAttnDownBlock2D"] * depth,
        up_block_types=["CrossAttnUpBlock2D"] * depth,
        block_out_channels=recipe.channels,
        layers_per_block=recipe.layers,
        attention_head_dim=recipe.heads,
        norm_num_groups=recipe.groups,
        cross_attention_dim=recipe.text_width,
    )
    text = CLIPTextModel(text_config(tokenizer, recipe.text_width, recipe.text_layers, recipe.text_heads))
    return Denoiser(unet, text)


def go_on_from(denoiser: Denoiser, folder: Path) -> None:
    """Load UNet and text encoder of a saved pipeline of the same sizes into ``denoiser``."""
    denoiser.unet.load_state_dict(
        UNet2DConditionModel.from_pretrained(folder / "unet", local_files_only=True).float().state_dict()
    )
    denoiser.text.load_state_dict(
        CLIPTextModel.from_pretrained(folder / "text_encoder", local_files_only=True).float().state_dict()
    )


def text_config(tokenizer: CLIPTokenizer, width: int, layers: int, heads: int) -> CLIPTextConfig:
    """Configuration of a small CLIP text encoder for our vocabulary."""
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        projection_dim=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=MAX_TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def scheduler() -> DDIMScheduler:
    """Stable Diffusion's noise schedule, rescaled to end in pure noise, for DDIM with trailing steps."""
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        num_train_timesteps=1000,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
    )


def lessons(data: Shard, latents: torch.Tensor, tokenizer: CLIPTokenizer, *, scaling: float) -> Lessons:
    """Pair every picture's scaled latents with several wordings of its caption."""
    rng = random.Random(17)
    texts = [random_caption(spec, rng) for spec in data.specs for _ in range(_WORDINGS)]
    tokens = encode(tokenizer, texts).to(torch.int32).view(len(data.specs), _WORDINGS, -1)
    factor = data.labels.shape[1] // latents.shape[-1]
    cover = torch.from_numpy(data.labels > 0).half()[:, None]
    objects = torch.nn.functional.avg_pool2d(cover, factor)
    return Lessons((latents * scaling).half(), objects, tokens, encode(tokenizer, [""])[0].to(torch.int32))


def moments(count: int, steps: int, draw: torch.Generator) -> torch.Tensor:
    """Time steps (count,) in 0..steps-1, spread evenly over their distribution: a quarter uniform, the rest logit-normal.

    The middle of the noise range decides shapes, so it is drawn more often (Esser et al. 2024); even spread lowers the
    variance of a batch (Kingma et al. 2021).
    """
    even = (torch.arange(count) + torch.rand(count, generator=draw)) / count
    middle = torch.special.expit(torch.special.ndtri(even.clamp(1e-6, 1 - 1e-6)))
    uniform = torch.rand(count, generator=draw) < _UNIFORM_SHARE
    share = torch.where(uniform, even, middle)[torch.randperm(count, generator=draw)]
    return (share * steps).long().clamp(max=steps - 1)


def fit(
    recipe: DiffusionRecipe,
    denoiser: Denoiser,
    data: Lessons,
    *,
    checkpoint: Path,
    device: torch.device,
    compiled: bool = False,
    stop_after: int | None = None,
) -> Trained:
    """Train (resuming from ``checkpoint``) and leave the averaged weights in ``denoiser``; ``compiled`` as for the autoencoder."""
    denoiser.to(device).to(memory_format=torch.channels_last)
    half = half_precision(device)
    if device.type == "cpu":  # the fused attention's backward pass is slower there than plain matrix products
        denoiser.unet.set_attn_processor(AttnProcessor())
        denoiser.text.set_attn_implementation("eager")
    network = torch.compile(denoiser, dynamic=False) if compiled else denoiser
    alphas = scheduler().alphas_cumprod.to(device)

    def loss(_step: int, draw: torch.Generator) -> torch.Tensor:
        count = recipe.batch
        index = torch.randint(len(data.latents), (count,), generator=draw)
        wording = torch.randint(data.tokens.shape[1], (count,), generator=draw)
        tokens = data.tokens[index, wording].long()
        tokens[torch.rand(count, generator=draw) < _EMPTY_SHARE] = data.empty.long()
        clean = data.latents[index].float().to(device, memory_format=torch.channels_last)
        noise = torch.randn(clean.shape, generator=draw).to(device, memory_format=torch.channels_last)
        t = moments(count, len(alphas), draw).to(device)
        signal, spread = alphas[t].sqrt()[:, None, None, None], (1 - alphas[t]).sqrt()[:, None, None, None]
        with autocast(device, half=half):
            predicted = network(signal * clean + spread * noise, t, tokens.to(device))
        weight = 1 + (_OBJECT_WEIGHT - 1) * data.objects[index].float().to(device)
        error = (predicted.float() - (signal * noise - spread * clean)) ** 2
        value: torch.Tensor = (weight * error).mean() / weight.mean()
        return value

    trained = train(denoiser, loss, recipe.schedule, checkpoint=checkpoint, title="diffusion", stop_after=stop_after)
    averaged(denoiser, trained)
    return trained


def save_pipeline(denoiser: Denoiser, vae: AutoencoderKL, tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write an ordinary Stable Diffusion folder in half precision; it loads in single precision unless asked otherwise."""
    denoiser.text.set_attn_implementation("sdpa")
    pipeline = StableDiffusionPipeline(
        vae=vae.cpu().half(),
        text_encoder=denoiser.text.cpu().half(),
        tokenizer=tokenizer,
        unet=denoiser.unet.cpu().half(),
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    declare_single_precision(folder / "text_encoder" / "config.json")
    make_portable(folder)
    hints = {
        "title": "Lorikeet starter",
        "inference_steps": 20,
        "guidance": 4.0,
        "learning_rate": 4e-3,
    }  # see docs/formats.md
    (folder / "lorikeet.json").write_text(json.dumps(hints, indent=2) + "\n", encoding="utf-8")


def make_portable(folder: Path) -> None:
    """Forget where the parts were loaded from on this computer, and let everybody read the weights."""
    for config in folder.rglob("config.json"):
        settings = json.loads(config.read_text(encoding="utf-8"))
        if settings.pop("_name_or_path", None) is not None:
            config.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    for weights in folder.rglob("*.safetensors"):
        weights.chmod(0o644)


def declare_single_precision(config: Path) -> None:
    """Make transformers load half-precision weights in single precision by default, as diffusers does with its own."""
    settings = json.loads(config.read_text(encoding="utf-8"))
    settings["dtype"] = "float32"
    config.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
