"""What an adapter file says about itself: kohya's `ss_*`, Stability's ModelSpec 1.0.1, and our own `lorikeet.*`. All values are strings.

Nothing in it depends on the moment of writing, so equal runs give equal files. Captions are never written here; see `tag_frequency`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from engines.api.erase_job import EraseJob
from engines.api.job import Job
from engines.diffusion.contracts import BackboneInfo

_ARCHITECTURES = {
    "sd_v1": "stable-diffusion-v1/lora",
    "sd_v2": "stable-diffusion-v2-512/lora",
    "sd_v2_v": "stable-diffusion-v2-768-v/lora",
    "sdxl_base_v1-0": "stable-diffusion-xl-v1-base/lora",
}
_IMPLEMENTATIONS = {"sdxl_base_v1-0": "https://github.com/Stability-AI/generative-models"}  # as ModelSpec 1.0.1 asks


def metadata_of(
    job: Job, info: BackboneInfo, method: Mapping[str, str], *, step: int, pictures: int, side: int
) -> dict[str, str]:
    """Everything about a taught adapter.

    Args:
        job: as it was started.
        info: the base it was taught on.
        method: `Trainable.metadata()`.
        step: optimiser steps done.
        pictures: how many photos it learned from.
        side: picture size, pixels.
    """
    trigger = {"modelspec.trigger_phrase": job.concept.trigger} if job.concept.trigger else {}
    return {**_kohya(job, info, step, pictures, side), **method, **_spec(job, info, side), **trigger, **_own(job, info)}


def eraser_metadata_of(job: EraseJob, info: BackboneInfo, method: Mapping[str, str], *, step: int) -> dict[str, str]:
    """Everything about an eraser; arguments as in `metadata_of`."""
    steps = {"ss_steps": str(step), "ss_network_args": "{}", "ss_seed": str(job.recipe.loop.seed)}
    return {**_base(info, job.title), **steps, **method, **_spec(job, info, info.resolution), **_made(job, info)}


def _base(info: BackboneInfo, title: str) -> dict[str, str]:
    return {
        "ss_base_model_version": info.version,
        "ss_v2": str(info.version.startswith("sd_v2")),
        "ss_sd_model_name": info.title,
        "ss_new_sd_model_hash": info.base_hash,
        "ss_output_name": title,
    }


def _kohya(job: Job, info: BackboneInfo, step: int, pictures: int, side: int) -> dict[str, str]:
    loop, objective = job.recipe.loop, job.recipe.objective
    rate = loop.learning_rate or info.learning_rate
    return {
        **_base(info, job.title),
        "ss_network_args": "{}",
        "ss_steps": str(step),
        "ss_max_train_steps": str(loop.steps),
        "ss_unet_lr": f"{rate:g}",
        "ss_learning_rate": f"{rate:g}",
        "ss_text_encoder_lr": f"{loop.text_encoder_learning_rate or rate / 10:g}",
        "ss_lr_scheduler": loop.schedule,
        "ss_lr_warmup_steps": str(loop.warmup),
        "ss_optimizer": "torch.optim.AdamW",
        "ss_seed": str(loop.seed),
        "ss_gradient_accumulation_steps": str(loop.accumulate),
        "ss_min_snr_gamma": f"{objective.min_snr_gamma:g}" if objective.min_snr_gamma else "None",
        "ss_noise_offset": f"{objective.noise_offset:g}" if objective.noise_offset else "None",
        "ss_prior_loss_weight": f"{objective.class_weight:g}",
        "ss_num_train_images": str(pictures),
        "ss_num_reg_images": str(objective.class_pictures),
        "ss_resolution": f"({side}, {side})",
        "ss_training_started_at": f"{job.created:.0f}",
    }


def _spec(job: Job | EraseJob, info: BackboneInfo, side: int) -> dict[str, str]:
    return {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": _ARCHITECTURES.get(info.version, f"{info.family}/lora"),
        "modelspec.implementation": _IMPLEMENTATIONS.get(info.version, "diffusers"),
        "modelspec.title": job.title,
        "modelspec.resolution": f"{side}x{side}",
        "modelspec.date": datetime.fromtimestamp(job.created, UTC).isoformat(timespec="seconds"),
        "modelspec.prediction_type": "v" if info.prediction == "v_prediction" else "epsilon",
    }


def _own(job: Job, info: BackboneInfo) -> dict[str, str]:
    recipe = job.recipe.model_dump(mode="json")
    recipe["samples"]["prompts"] = []  # prompts may say private things, and other people get this file
    return {
        **_made(job, info),
        "lorikeet.recipe": json.dumps(recipe, sort_keys=True),
        "lorikeet.trigger": job.concept.trigger,
        "lorikeet.class_noun": job.concept.class_noun,
    }


def _made(job: Job | EraseJob, info: BackboneInfo) -> dict[str, str]:
    return {
        "lorikeet.version": job.app_version,
        "lorikeet.method": job.method.name,
        "lorikeet.settings": json.dumps(job.method.settings, sort_keys=True),
        "lorikeet.base": info.title if job.base.startswith("file:") else job.base,
        "lorikeet.base_hash": info.base_hash,
        "lorikeet.created": f"{job.created:.0f}",
    }
