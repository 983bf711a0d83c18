"""Forecasts: counted when nothing is known, measured once something was, and a remedy when it does not fit."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from engines.api.catalog import DeviceEntry
from engines.api.job import JobConcept, JobMethod
from engines.api.places import resources
from engines.api.recipe import DataSettings, LoopSettings, ObjectiveSettings, Recipe, SampleSettings
from engines.core.devices import Device
from engines.diffusion.backbones import open_base
from engines.diffusion.contracts import Base, LearningRates
from engines.diffusion.methods.lora import Lora
from engines.launch import forecast, speeds
from engines.launch.figures import (
    STABLE_DIFFUSION_1,
    STABLE_DIFFUSION_XL,
    BackboneFigures,
    count,
    count_text,
    figures_of,
)

GIB = 2**30


def device(kind: str = "cpu", free: float = 64.0) -> DeviceEntry:
    return DeviceEntry(
        kind=kind, title=kind, memory_bytes=int(free * GIB), memory_free_bytes=int(free * GIB), precisions=("fp32",)
    )


def recipe(**loop: object) -> Recipe:
    return Recipe(loop=LoopSettings(**{"steps": 100, "validate_every": 25, **loop}), samples=SampleSettings(every=50))


def lora(**settings: int | bool) -> JobMethod:
    return JobMethod(settings=settings)


def keeping_the_class(pictures: int, **loop: object) -> Recipe:
    return recipe(**loop).model_copy(update={"objective": ObjectiveSettings(class_pictures=pictures)})


def speed(**other: object) -> speeds.Speed:
    values = {
        "device": forecast.device_name("cpu", "cpu"),
        "precision": "fp32",
        "base": "starter",
        "work": forecast.work_key(recipe(), lora()),
        "step_flops": forecast.step_flops(figures_of("starter"), recipe(), lora()),
        "step_s": 0.5,
        "validation_s": 1.0,
        "samples_s": 2.0,
        "around_s": 10.0,
        "memory_bytes": GIB,
    }
    return speeds.Speed.model_validate({**values, **other})


def counted_flops(base: Base) -> float:
    """Of one pass over one picture and its caption."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        text = base.encode_prompts(["a dog"])
        latents = torch.randn(1, base.info.latent_channels, 8, 8)
        base.predict(latents, torch.tensor([3]), text)
    return float(counter.get_total_flops())


def test_a_folder_is_counted_from_its_headers(tiny_sd: Path) -> None:
    from diffusers import UNet2DConditionModel

    figures = figures_of(f"file:{tiny_sd}")
    network = UNet2DConditionModel.from_pretrained(tiny_sd, subfolder="unet")
    assert figures.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert (figures.resolution, figures.latent_factor) == (32, 4)
    sides = sum(
        module.in_features + module.out_features
        for name, module in network.named_modules()
        if ".attn" in name and hasattr(module, "in_features")
    )
    assert figures.attention_sides == sides


@pytest.mark.parametrize(
    ("name", "usual"), [("stable-diffusion-1", STABLE_DIFFUSION_1), ("stable-diffusion-xl", STABLE_DIFFUSION_XL)]
)
def test_the_usual_figures_are_those_of_the_published_architecture(name: str, usual: BackboneFigures) -> None:
    """Counted from the names and shapes of the networks built on torch's meta device from the shipped configurations, as a folder is."""
    import diffusers
    import transformers

    layout = resources() / "layouts" / name
    shapes: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
    for part, kind in json.loads((layout / "model_index.json").read_text(encoding="utf-8")).items():
        config = layout / part / "config.json"
        if config.is_file():
            settings = json.loads(config.read_text(encoding="utf-8"))
            with torch.device("meta"):
                if kind[0] == "diffusers":
                    network = getattr(diffusers, kind[1]).from_config(settings)
                else:
                    network = getattr(transformers, kind[1])(transformers.CLIPTextConfig.from_dict(settings))
            shapes[part] = [(label, tuple(one.shape)) for label, one in network.named_parameters()]
    unet = json.loads((layout / "unet" / "config.json").read_text(encoding="utf-8"))
    text = [shape for part, found in shapes.items() if part.startswith("text_encoder") for shape in found]
    counted = count(
        shapes["unet"],
        count_text(text),
        levels=len(unet["block_out_channels"]),
        resolution=8 * unet["sample_size"],
        latent_factor=8,
        other_parameters=sum(math.prod(shape) for _, shape in (*text, *shapes["vae"])),
    )
    assert counted == usual


def test_the_larger_kind_is_known_by_its_header_or_its_name(tiny_sdxl: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"conditioner.embedders.0.x": torch.ones(1)}, file)
    for base in (f"file:{file}", "hub:somebody/stable-diffusion-XL-base"):
        assert figures_of(base) == STABLE_DIFFUSION_XL
    save_file({"model.diffusion_model.input_blocks.0.0.weight": torch.ones(1)}, file)
    assert figures_of(f"file:{file}") == STABLE_DIFFUSION_1
    folder = figures_of(f"file:{tiny_sdxl}")
    base = open_base(f"file:{tiny_sdxl}", Device("cpu", torch.device("cpu")))
    assert (folder.parameters, folder.resolution) == (base.info.parameters, 32)
    networks = base.networks()
    linears = [networks[site.network].get_submodule(site.path) for site in base.attention_linears()]
    assert folder.attention_sides == sum(sum(linear.weight.shape) for linear in linears)
    assert counted_flops(base) == pytest.approx(folder.forward_flops(32) + folder.text_flops(), rel=0.2)


def test_the_larger_kind_fits_where_people_say_it_does() -> None:
    """Its own size, 1024 px, one picture a step: a card of 24 GB as it is, one of 12 GB when memory is saved."""
    base = "hub:a/xl"
    usual, saving = (
        forecast.outlook(
            base, Recipe(loop=LoopSettings(batch_size=1, gradient_checkpointing=lean)), lora(rank=16), device("cuda")
        )
        for lean in (False, True)
    )
    assert 14 < usual.forecast.memory_bytes / GIB < 24
    assert 7 < saving.forecast.memory_bytes / GIB < 12
    assert STABLE_DIFFUSION_XL.forward_flops(1024) == pytest.approx(6.0e12, rel=0.15)


def test_a_step_is_the_networks_and_the_pairs(tiny_sd: Path) -> None:
    """Against a count of every product of matrices by torch itself."""
    base = open_base(f"file:{tiny_sd}", Device("cpu", torch.device("cpu")))
    figures = figures_of(f"file:{tiny_sd}")
    method = Lora(rank=4, feed_forward=True, text_encoder=True)
    plain = figures.forward_flops(32) + figures.text_flops()
    pairs = 4 * figures.adapter_flops(32, feed_forward=True, text=True)
    before = counted_flops(base)
    method.attach(base, LearningRates(1e-4, 1e-4), JobConcept(name="a", trigger="b"))
    assert counted_flops(base) - before == pytest.approx(pairs, rel=0.2)
    assert before == pytest.approx(plain, rel=0.2)


def test_pictures_of_the_class_take_time_to_make_and_to_learn() -> None:
    plain = forecast.outlook("starter", recipe(), lora(rank=8), device()).forecast
    few, many = (
        forecast.outlook("starter", keeping_the_class(count), lora(rank=8), device()).forecast for count in (10, 110)
    )
    assert few.memory_bytes == many.memory_bytes > plain.memory_bytes
    figures = figures_of("starter")
    each = (many.seconds - few.seconds) / 100
    assert each > 0
    # Ten more pictures cost what they cost; the rest is that each step has twice as many.
    learned = few.seconds - plain.seconds - 10 * each
    double = forecast.outlook("starter", recipe(batch_size=2), lora(rank=8), device()).forecast.seconds - plain.seconds
    assert learned == pytest.approx(double)
    speeds.remember(speed(work=forecast.work_key(keeping_the_class(10), lora())))
    told = forecast.outlook("starter", keeping_the_class(10), lora(), device())
    assert told.source == "measured"
    one_pass = figures.forward_flops(figures.resolution) * 0.5 / speed().step_flops
    assert told.forecast.seconds == pytest.approx(10 + 100 * 0.5 + 5 * 1.0 + 3 * 2.0 + 10 * 2 * 25 * one_pass)


@pytest.mark.parametrize("more", [{"rank": 64}, {"feed_forward": True}, {"text_encoder": True}])
def test_what_the_method_asks_for_counts(more: dict[str, int | bool]) -> None:
    base = "hub:a/b"
    less = forecast.outlook(base, recipe(), lora(rank=8), device("cuda")).forecast
    told = forecast.outlook(base, recipe(), lora(**{"rank": 8, **more}), device("cuda")).forecast
    assert told.seconds > less.seconds
    assert told.memory_bytes > less.memory_bytes
    assert forecast.work_key(recipe(), lora(**{"rank": 8, **more})) != forecast.work_key(recipe(), lora(rank=8))


@pytest.mark.parametrize("how", [{"compile": True}, {"optimiser": "adamw-8bit"}])
def test_steps_done_otherwise_are_measured_apart(how: dict[str, bool | str]) -> None:
    assert forecast.work_key(recipe(**how), lora()) != forecast.work_key(recipe(), lora())


def test_compiling_and_a_smaller_optimiser_are_told() -> None:
    told = forecast.outlook("hub:a/b", recipe(compile=True), lora(), device("cuda")).forecast
    assert told.text.endswith("Compiling comes on top.")
    usual, small = (
        forecast.outlook("hub:a/b", recipe(optimiser=name), lora(rank=64), device("cuda")).forecast
        for name in ("adamw", "adamw-8bit")
    )
    assert small.memory_bytes < usual.memory_bytes
    assert "Compiling" not in usual.text


def test_a_forecast_says_what_it_counts() -> None:
    told = forecast.in_words(keeping_the_class(24, batch_size=2), lora(rank=32, feed_forward=True, text_encoder=True))
    assert told == (
        "Counted: 100 steps of 2 pictures and 2 of the class, at rank 32 on attention and feed-forward layers and text encoder; "
        "24 pictures of the class to be made; 5 measurements; 3 rounds of sample pictures."
    )
    assert forecast.outlook("starter", recipe(), lora(rank=8), device()).forecast.text == (
        "Counted: 100 steps of 1 picture, at rank 8 on attention; 5 measurements; 3 rounds of sample pictures."
    )


def test_what_cannot_be_counted_is_taken_for_the_usual(tmp_path: Path) -> None:
    for base in ("hub:somebody/something", f"file:{tmp_path}", "file:/nowhere"):
        assert figures_of(base) == STABLE_DIFFUSION_1
    assert STABLE_DIFFUSION_1.forward_flops(512) == pytest.approx(0.77e12, rel=0.02)


def test_more_work_takes_longer_and_more_memory() -> None:
    base = forecast.outlook("starter", recipe(), lora(rank=8), device()).forecast
    for more in (recipe(steps=200), recipe(batch_size=2), recipe(gradient_checkpointing=True)):
        assert forecast.outlook("starter", more, lora(rank=8), device()).forecast.seconds > base.seconds
    larger = Recipe(data=DataSettings(resolution=768), loop=recipe().loop, samples=recipe().samples)
    assert forecast.outlook("starter", larger, lora(), device()).forecast.memory_bytes > base.memory_bytes
    lean = forecast.outlook("starter", recipe(gradient_checkpointing=True), lora(rank=8), device()).forecast
    assert lean.memory_bytes < base.memory_bytes


def test_stable_diffusion_fits_where_people_say_it_does() -> None:
    usual = Recipe(data=DataSettings(resolution=512))
    needed = forecast.outlook("hub:a/b", usual, lora(rank=16), device("cuda")).forecast.memory_bytes / GIB
    assert 3.5 < needed < 8.0


def test_what_was_measured_here_beats_counting() -> None:
    assert forecast.outlook("starter", recipe(), lora(), device()).source == "counted"
    speeds.remember(speed())
    told = forecast.outlook("starter", recipe(), lora(), device())
    assert told.source == "measured"
    assert told.forecast.seconds == pytest.approx(10 + 100 * 0.5 + 5 * 1.0 + 3 * 2.0)
    assert told.forecast.memory_bytes == GIB
    twice = forecast.outlook("starter", recipe(batch_size=2), lora(), device())
    assert twice.source == "scaled"
    assert twice.forecast.seconds == pytest.approx(10 + 100 * 1.0 + 5 * 1.0 + 3 * 2.0)
    assert forecast.outlook("starter", recipe(), lora(), device("cuda")).source == "counted"


def test_a_remedy_is_named_when_it_does_not_fit() -> None:
    small = device("cuda", free=2.0)
    first = forecast.outlook("hub:a/b", recipe(batch_size=4), lora(), small)
    assert not first.fits
    assert first.remedy == "Take 2 pictures a step instead of 4."
    assert "Save memory" in forecast.outlook("hub:a/b", recipe(), lora(), small).remedy
    lean = recipe(gradient_checkpointing=True)
    assert "smaller pictures (384 px)" in forecast.outlook("hub:a/b", lean, lora(), small).remedy
    tiny = Recipe(data=DataSettings(resolution=256), loop=lean.loop)
    assert "Close other programs" in forecast.remedy_for(tiny)
    assert forecast.outlook("hub:a/b", recipe(), lora(), device("cuda", free=80)).fits


def test_measurements_are_kept_and_replaced() -> None:
    assert speeds.recall() == ()
    speeds.remember(speed(step_s=0.5))
    speeds.remember(speed(step_s=0.7))
    speeds.remember(speed(base="hub:a/b"))
    assert [(one.base, one.step_s) for one in speeds.recall()] == [("starter", 0.7), ("hub:a/b", 0.5)]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"speeds": [{"step_s": -1}]}', '{"speeds": 3}'])
def test_a_damaged_file_of_measurements_is_no_measurement(text: str) -> None:
    from engines.api.places import cache_home

    cache_home().mkdir(parents=True, exist_ok=True)
    (cache_home() / "speeds.json").write_text(text)
    assert speeds.recall() == ()
    speeds.remember(speed())
    assert len(speeds.recall()) == 1


def test_the_device_is_the_one_asked_for() -> None:
    both = (device("cuda"), device("cpu"))
    assert forecast.best_device(both, recipe()) == both[0]
    assert forecast.best_device(both, recipe(device="cpu")) == both[1]
    assert forecast.best_device(both, recipe(device="mps")) is None
    assert forecast.best_device((), recipe()) is None
