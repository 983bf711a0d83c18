"""Builds the starter models step by step in a work folder; every step is skipped when done and resumed when interrupted.

The work folder holds rendered shards (``world``), checkpoints, the trained autoencoder and cached latents. The output folder
only ever receives a complete model.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file
from transformers import CLIPTokenizer

from engines.api.errors import UserError
from engines.starter import autoencoder, clip, diffusion, sam
from engines.starter.augment import Pictures
from engines.starter.dataset import SCENES, SPLITS, Shard, Split, joined, load_parts, load_split, render_split
from engines.starter.tokenizer import load_tokenizer, train_tokenizer
from engines.starter.training import Schedule, Trained, half_precision

_ROUND_TRIPS = 8_000
_VIEW_ROUND_TRIPS = 4_000


def render_world(work: Path, *, size: int, workers: int) -> None:
    """Render all splits that are not there yet."""
    for split in SPLITS.values():
        render_split(split, work / "world", size=size, workers=workers)


def build_diffusion(
    work: Path,
    out: Path,
    *,
    device: torch.device,
    size: int = 64,
    compiled: bool = False,
    steps: int | None = None,
    start: Path | None = None,
    stop_after: int | None = None,
) -> Trained:
    """Autoencoder, tokenizer, cached latents, UNet and text encoder; then the pipeline folder ``out``.

    ``start`` is a pipeline folder of the same sizes to go on from where the work folder holds nothing yet: its autoencoder and
    tokenizer are kept as they are, its UNet and text encoder are trained further.
    """
    _need_world(work, size)
    if start is not None:
        _adopt(work, start)
    vae = _autoencoder(work, device=device, size=size, compiled=compiled)
    tokenizer = _tokenizer(work)
    train = _load(work, "train")
    latents = _latents(work, vae, train, device=device)
    recipe = diffusion.DiffusionRecipe()
    recipe = replace(recipe, schedule=_with_steps(recipe.schedule, steps))
    if start is not None:  # other draws than those that trained the start
        recipe = replace(recipe, schedule=replace(recipe.schedule, seed=recipe.schedule.seed + 1))
    denoiser = diffusion.build(
        recipe, tokenizer, latent_channels=vae.config.latent_channels, latent_size=latents.shape[-1]
    )
    if start is not None and not (work / "diffusion.pt").exists():
        diffusion.go_on_from(denoiser, start)
    data = diffusion.lessons(train, latents, tokenizer, scaling=vae.config.scaling_factor)
    trained = diffusion.fit(
        recipe,
        denoiser,
        data,
        checkpoint=work / "diffusion.pt",
        device=device,
        compiled=compiled,
        stop_after=stop_after,
    )
    with _replaced(out) as fresh:
        diffusion.save_pipeline(denoiser, vae, tokenizer, fresh)
        _write_record(fresh, recipe.schedule, trained, device, size=size, start=start)
    return trained


def build_clip(work: Path, out: Path, *, device: torch.device, size: int = 64, steps: int | None = None) -> Trained:
    """The CLIP folder ``out``; it also learns from pictures that went through the autoencoder, so that is trained first."""
    _need_world(work, size)
    vae = _autoencoder(work, device=device, size=size, compiled=False)
    tokenizer = _tokenizer(work)
    train, views = _load(work, "train"), _load(work, "views")
    recipe = clip.ClipRecipe()
    recipe = replace(recipe, schedule=_with_steps(recipe.schedule, steps))
    trips = [
        _round_trips(work, vae, shard.pictures[:count], name=name, device=device)
        for name, shard, count in (("train", train, _ROUND_TRIPS), ("views", views, _VIEW_ROUND_TRIPS))
    ]
    data = clip.gallery(train, views, tokenizer, autoencoded=trips[0], views_autoencoded=trips[1])
    judge = clip.build(recipe, tokenizer, size=size)
    trained = clip.fit(recipe, judge, data, checkpoint=work / "clip.pt", device=device)
    with _replaced(out) as fresh:
        clip.save_clip(judge, tokenizer, fresh)
        _write_record(fresh, recipe.schedule, trained, device, size=size)
    return trained


def build_sam(work: Path, out: Path, *, device: torch.device, steps: int | None = None) -> Trained:
    """The folder ``out`` with the checkpoint ``sam.safetensors``; it learns from scenes of its own, drawn larger than the others."""
    for split in SCENES:
        render_split(split, work / "world", size=sam.SCENE_SIDE, workers=os.cpu_count() or 1)
    scenes = joined([load_split(split, work / "world") for split in SCENES])
    parts = np.concatenate([load_parts(split, work / "world") for split in SCENES])
    recipe = sam.SamRecipe()
    recipe = replace(recipe, schedule=_with_steps(recipe.schedule, steps))
    learner = sam.build(recipe)
    trained = sam.fit(recipe, learner, scenes, parts, checkpoint=work / "sam.pt", device=device)
    with _replaced(out) as fresh:
        sam.save_sam(learner, fresh / "sam.safetensors")
        _write_record(fresh, recipe.schedule, trained, device, size=sam.SCENE_SIDE)
    return trained


def _adopt(work: Path, start: Path) -> None:
    """Take autoencoder and tokenizer from the pipeline folder ``start`` unless the work folder has its own."""
    for part in ("vae", "tokenizer"):
        if not (work / part).exists():
            with _replaced(work / part) as fresh:
                shutil.copytree(start / part, fresh, dirs_exist_ok=True)


def _need_world(work: Path, size: int) -> None:
    render_world(work, size=size, workers=os.cpu_count() or 1)
    found = _load(work, "held_views").pictures.shape[1]
    if found != size:
        raise UserError(
            "The rendered pictures have another size",
            f"{work} holds pictures of {found} pixels, but {size} were asked for.",
            "Choose another work folder, or ask for the size that is there.",
        )


def _load(work: Path, name: str) -> Shard:
    split: Split = SPLITS[name]
    return load_split(split, work / "world")


def _with_steps(schedule: Schedule, steps: int | None) -> Schedule:
    return schedule if steps is None else replace(schedule, steps=steps)


def _autoencoder(work: Path, *, device: torch.device, size: int, compiled: bool) -> AutoencoderKL:
    folder = work / "vae"
    if not (folder / "config.json").exists():
        train, views = _load(work, "train"), _load(work, "views")
        recipe = autoencoder.AutoencoderRecipe()
        model, trained = autoencoder.fit(
            recipe, joined([train, views]), checkpoint=work / "autoencoder.pt", device=device, compiled=compiled
        )
        with _replaced(folder) as fresh:
            model.save_pretrained(fresh)
            _write_record(fresh, recipe.schedule, trained, device, size=size)
    model = AutoencoderKL.from_pretrained(folder, local_files_only=True)
    return model.to(device, memory_format=torch.channels_last).eval()


def _tokenizer(work: Path) -> CLIPTokenizer:
    folder = work / "tokenizer"
    return load_tokenizer(folder) if (folder / "tokenizer_config.json").exists() else train_tokenizer(folder)


def _latents(work: Path, vae: AutoencoderKL, data: Shard, *, device: torch.device) -> torch.Tensor:
    path = work / "latents.safetensors"
    if not path.exists():
        half = half_precision(device)
        encoded = autoencoder.encode(vae, data.pictures, device=device, half=half, title="latents").half()
        save_file({"latents": encoded.contiguous()}, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)
    return load_file(path)["latents"].float()


def _round_trips(work: Path, vae: AutoencoderKL, pictures: Pictures, *, name: str, device: torch.device) -> Pictures:
    """Pictures through the autoencoder and back, with a little noise on their latents as a generator would leave."""
    path = work / f"round-trips-{name}.npy"
    if not path.exists():
        half = half_precision(device)
        latents = autoencoder.encode(vae, pictures, device=device, half=half, title=f"round trips {name}")
        draw = torch.Generator().manual_seed(41)
        strength = torch.rand(len(latents), 1, 1, 1, generator=draw) * 0.35 * latents.std()
        noisy = latents + strength * torch.randn(latents.shape, generator=draw)
        back = autoencoder.decode(vae, noisy, device=device, half=half)
        with path.with_suffix(".tmp").open("wb") as stream:
            np.save(stream, back)
        path.with_suffix(".tmp").replace(path)
    loaded: Pictures = np.load(path)
    return loaded


def _write_record(
    folder: Path, schedule: Schedule, trained: Trained, device: torch.device, *, size: int, start: Path | None = None
) -> None:
    """training.json beside the weights: what made them, and what made the model they went on from."""
    record: dict[str, object] = {
        "schedule": asdict(schedule),
        "steps_done": trained.step,
        "seconds": round(trained.seconds),
        "device": device.type,
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "picture_size": size,
    }
    if start is not None:
        record["went_on_from"] = json.loads((start / "training.json").read_text(encoding="utf-8"))
    (folder / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _replaced(folder: Path) -> Iterator[Path]:
    """Gives an empty sibling folder to write to, and swaps it in for ``folder`` only if nothing went wrong."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    whole = False
    try:
        yield fresh
        whole = True
    finally:
        if whole:
            shutil.rmtree(folder, ignore_errors=True)
            fresh.replace(folder)
        else:
            shutil.rmtree(fresh, ignore_errors=True)
