"""The shipped starter models load through their ordinary classes, offline, without a warning, and are finite."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.starter.subjects import SAMPLE_IDENTS, subject

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
DIFFUSION = RESOURCES / "starter" / "diffusion"
CLIP = RESOURCES / "starter" / "clip"
SAM = RESOURCES / "starter" / "sam"
SAMPLES = RESOURCES / "samples"

needs_diffusion = pytest.mark.skipif(not (DIFFUSION / "model_index.json").exists(), reason="no starter diffusion model")
needs_clip = pytest.mark.skipif(not (CLIP / "config.json").exists(), reason="no starter CLIP")

needs_sam = pytest.mark.skipif(not (SAM / "sam.safetensors").exists(), reason="no starter Segment Anything")


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


@needs_diffusion
def test_the_pipeline_loads_draws_and_takes_lora_names() -> None:
    from diffusers import StableDiffusionPipeline

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline = StableDiffusionPipeline.from_pretrained(DIFFUSION, local_files_only=True)
    assert pipeline.safety_checker is None
    pipeline.set_progress_bar_config(disable=True)
    for model in (pipeline.unet, pipeline.vae, pipeline.text_encoder):
        assert all(bool(torch.isfinite(value).all()) for value in model.state_dict().values())
        assert model.dtype == torch.float32
    assert pipeline.unet.config.cross_attention_dim == pipeline.text_encoder.config.hidden_size
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    names = [name for name, _ in pipeline.unet.named_modules()]
    for target in ("attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "attn2.to_q", "attn2.to_out.0"):
        assert any(name.endswith(target) for name in names)
    draw = torch.Generator().manual_seed(1)
    image = pipeline("a red ball on grass", num_inference_steps=4, generator=draw, output_type="np").images[0]
    size = pipeline.unet.config.sample_size * pipeline.vae_scale_factor
    assert image.shape == (size, size, 3)
    assert np.isfinite(image).all()
    assert image.std() > 0.03


@needs_diffusion
def test_the_diffusion_folder_is_small_and_safe() -> None:
    assert _megabytes(DIFFUSION) <= 30
    suffixes = {path.suffix for path in DIFFUSION.rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".txt", ".safetensors"}
    assert json.loads((DIFFUSION / "training.json").read_text(encoding="utf-8"))["steps_done"] > 0


@needs_clip
def test_clip_tells_red_from_blue() -> None:
    from engines.starter.judge import Reader
    from engines.starter.render import render
    from engines.starter.sampling import random_scene
    from engines.starter.spec import ObjectSpec

    reader = Reader(CLIP, torch.device("cpu"))
    assert all(bool(torch.isfinite(value).all()) for value in reader.model.state_dict().values())
    scene = random_scene(3, count=1)
    pictures = np.stack(
        [
            render(scene.model_copy(update={"objects": (ObjectSpec(shape="ball", colour=tone),)})).picture
            for tone in ("red", "blue")
        ]
    )
    likeness = reader.pictures(pictures) @ reader.captions(["a red ball", "a blue ball"]).t()
    assert likeness.argmax(dim=1).tolist() == [0, 1]
    assert _megabytes(CLIP) <= 12


@needs_sam
def test_a_click_or_a_box_cuts_objects_out() -> None:
    from engines.starter.sam import load_sam
    from engines.starter.sam_quality import HELD, cut_out, held_out, score

    checkpoint = SAM / "sam.safetensors"
    sam = load_sam(checkpoint, torch.device("cpu"))
    assert all(bool(torch.isfinite(value).all()) for value in sam.state_dict().values())
    assert sam.image_encoder.img_size == 256
    reached = score(cut_out(checkpoint, held_out(HELD, 8), torch.device("cpu")))
    assert reached.click > 0.8
    assert reached.box > 0.8
    assert _megabytes(SAM) <= 20
    assert json.loads((SAM / "training.json").read_text(encoding="utf-8"))["steps_done"] > 0


@pytest.mark.parametrize("ident", SAMPLE_IDENTS)
def test_samples_are_whole(ident: str) -> None:
    folder = SAMPLES / ident
    facts = json.loads((folder / "subject.json").read_text(encoding="utf-8"))
    item = subject(ident)
    assert facts == {"name": item.name, "trigger": item.trigger, "class_noun": item.class_noun}
    pictures = sorted(folder.glob("*.png"))
    assert [path.stem for path in pictures] == [f"{index:02d}" for index in range(8)]
    for path in pictures:
        assert item.trigger in path.with_suffix(".txt").read_text(encoding="utf-8")
