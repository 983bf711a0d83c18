"""What an adaptation will take: held to the counted memory of the reference model, and to the order of things people change."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engines.api.catalog import DeviceEntry
from engines.api.job import JobMethod
from engines.api.recipe import LoopSettings
from engines.api.segment_job import SegmentData, SegmentRecipe
from engines.launch import segment_forecast as forecast
from engines.launch.sam_sizes import PUBLISHED
from engines.segmentation.sizes import build_sam
from tests.segmentation.support import TINY, write_tiny

GIB = 2**30


def recipe(**loop: object) -> SegmentRecipe:
    data = SegmentData(prompts="clicks", objects=1)
    return SegmentRecipe(data=data, loop=LoopSettings(**{"steps": 100, "batch_size": 1, **loop}))


def activations(kind: str, method: JobMethod, **loop: object) -> float:
    """GiB kept for the backward pass alone."""
    whole = forecast.memory_bytes(PUBLISHED[kind], recipe(**loop), method)
    frozen = forecast.memory_bytes(PUBLISHED[kind], recipe(**loop), JobMethod(name="decoder"))
    return (whole - frozen) / GIB


@pytest.mark.parametrize(
    ("kind", "late", "counted"),
    [("vit_b", 0.0, 2.38), ("vit_h", 0.0, 10.5), ("vit_b", 0.5, 1.19), ("vit_b", 0.75, 0.59)],
)
def test_memory_is_that_of_the_counted_tensors(kind: str, late: float, counted: float) -> None:
    method = JobMethod(name="lora", settings={"rank": 4, "late": late})
    assert activations(kind, method) == pytest.approx(counted, rel=0.1)


def test_saving_memory_saves_most_of_it() -> None:
    method = JobMethod(name="lora")
    assert activations("vit_b", method, gradient_checkpointing=True) < 0.5 * activations("vit_b", method)


def test_remedies_come_in_the_order_of_their_price() -> None:
    sizes, lora = PUBLISHED["vit_h"], JobMethod(name="lora")
    assert "pictures a step" in forecast.remedy_for(sizes, recipe(batch_size=4), lora)
    assert "Save memory" in forecast.remedy_for(sizes, recipe(), lora)
    assert "Decoder" in forecast.remedy_for(sizes, recipe(gradient_checkpointing=True), lora)
    assert "smaller model" in forecast.remedy_for(sizes, recipe(), JobMethod(name="decoder"))


def test_a_device_too_small_is_told_with_a_remedy(tmp_path: Path) -> None:
    small = DeviceEntry(kind="cuda", title="card", memory_bytes=GIB, memory_free_bytes=GIB // 2, precisions=("fp32",))
    outlook = forecast.segment_outlook(f"file:{write_tiny(tmp_path)}", recipe(), JobMethod(name="lora"), small)
    assert not outlook.fits
    assert outlook.forecast.seconds > 0


def test_more_work_takes_longer() -> None:
    sizes = PUBLISHED["vit_b"]

    def flops(name: str, **settings: object) -> float:
        return forecast.step_flops(sizes, recipe(), JobMethod(name=name, settings=settings))

    assert 2 * flops("lora") < flops("3dsam-adapter") < flops("3dsam-adapter", reach=2)
    assert flops("decoder") < flops("lora", late=0.5) < flops("lora") < flops("adaptformer", experts=4)


def test_a_pass_is_counted_as_torch_counts_it() -> None:
    sizes = PUBLISHED["vit_b"]
    with torch.device("meta"):
        encoder = build_sam(sizes).image_encoder
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            encoder(torch.zeros(1, 3, sizes.image_side, sizes.image_side))
    ours = sum(forecast._block_flops(sizes, block) for block in range(sizes.depth))
    assert ours == pytest.approx(counter.get_total_flops(), rel=0.2)


def test_sizes_are_read_off_the_file(tmp_path: Path) -> None:
    assert forecast.sizes_at(f"file:{write_tiny(tmp_path)}") == TINY
    assert forecast.sizes_at(f"file:{tmp_path / 'not-there.pth'}") == PUBLISHED["vit_b"]
