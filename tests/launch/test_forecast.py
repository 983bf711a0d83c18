"""Forecasts: counted when nothing is known, measured once something was, and a remedy when it does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.api.catalog import DeviceEntry
from engines.api.recipe import DataSettings, LoopSettings, Recipe, SampleSettings
from engines.launch import forecast, speeds
from engines.launch.figures import STABLE_DIFFUSION_1, figures_of

GIB = 2**30


def device(kind: str = "cpu", free: float = 64.0) -> DeviceEntry:
    return DeviceEntry(
        kind=kind, title=kind, memory_bytes=int(free * GIB), memory_free_bytes=int(free * GIB), precisions=("fp32",)
    )


def recipe(**loop: object) -> Recipe:
    return Recipe(loop=LoopSettings(**{"steps": 100, "validate_every": 25, **loop}), samples=SampleSettings(every=50))


def speed(**other: object) -> speeds.Speed:
    values = {
        "device": forecast.device_name("cpu", "cpu"),
        "precision": "fp32",
        "base": "starter",
        "work": forecast.work_key(recipe()),
        "step_flops": forecast.step_flops(figures_of("starter"), recipe()),
        "step_s": 0.5,
        "validation_s": 1.0,
        "samples_s": 2.0,
        "around_s": 10.0,
        "memory_bytes": GIB,
    }
    return speeds.Speed.model_validate({**values, **other})


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


def test_what_cannot_be_counted_is_taken_for_the_usual(tmp_path: Path) -> None:
    for base in ("hub:somebody/something", f"file:{tmp_path}", "file:/nowhere"):
        assert figures_of(base) == STABLE_DIFFUSION_1
    assert STABLE_DIFFUSION_1.forward_flops(512) == pytest.approx(0.77e12, rel=0.02)


def test_more_work_takes_longer_and_more_memory() -> None:
    base = forecast.outlook("starter", recipe(), {"rank": 8}, device()).forecast
    for more in (recipe(steps=200), recipe(batch_size=2), recipe(gradient_checkpointing=True)):
        assert forecast.outlook("starter", more, {"rank": 8}, device()).forecast.seconds > base.seconds
    larger = Recipe(data=DataSettings(resolution=768), loop=recipe().loop, samples=recipe().samples)
    assert forecast.outlook("starter", larger, {}, device()).forecast.memory_bytes > base.memory_bytes
    lean = forecast.outlook("starter", recipe(gradient_checkpointing=True), {"rank": 8}, device()).forecast
    assert lean.memory_bytes < base.memory_bytes


def test_stable_diffusion_fits_where_people_say_it_does() -> None:
    usual = Recipe(data=DataSettings(resolution=512))
    needed = forecast.outlook("hub:a/b", usual, {"rank": 16}, device("cuda")).forecast.memory_bytes / GIB
    assert 3.5 < needed < 8.0


def test_what_was_measured_here_beats_counting() -> None:
    assert forecast.outlook("starter", recipe(), {}, device()).source == "counted"
    speeds.remember(speed())
    told = forecast.outlook("starter", recipe(), {}, device())
    assert told.source == "measured"
    assert told.forecast.seconds == pytest.approx(10 + 100 * 0.5 + 5 * 1.0 + 3 * 2.0)
    assert told.forecast.memory_bytes == GIB
    twice = forecast.outlook("starter", recipe(batch_size=2), {}, device())
    assert twice.source == "scaled"
    assert twice.forecast.seconds == pytest.approx(10 + 100 * 1.0 + 5 * 1.0 + 3 * 2.0)
    assert forecast.outlook("starter", recipe(), {}, device("cuda")).source == "counted"


def test_a_remedy_is_named_when_it_does_not_fit() -> None:
    small = device("cuda", free=2.0)
    first = forecast.outlook("hub:a/b", recipe(batch_size=4), {}, small)
    assert not first.fits
    assert first.remedy == "Take 2 pictures a step instead of 4."
    assert "Save memory" in forecast.outlook("hub:a/b", recipe(), {}, small).remedy
    lean = recipe(gradient_checkpointing=True)
    assert "smaller pictures (384 px)" in forecast.outlook("hub:a/b", lean, {}, small).remedy
    tiny = Recipe(data=DataSettings(resolution=256), loop=lean.loop)
    assert "Close other programs" in forecast.remedy_for(tiny)
    assert forecast.outlook("hub:a/b", recipe(), {}, device("cuda", free=80)).fits


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
