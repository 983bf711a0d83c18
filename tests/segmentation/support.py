"""A tiny Segment Anything model with random weights, as a checkpoint file, and things to ask of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file

from engines.core.devices import Device, pick
from engines.segmentation.adapter_file import CLASS_TOKENS, SegmentAdapter, class_tokens, write_segment_adapter
from engines.segmentation.contracts import Prompts
from engines.segmentation.segmenters import open_segmenter
from engines.segmentation.segmenters._segment_anything import SegmentAnything
from engines.segmentation.sizes import SamSizes, build_sam
from engines.segmentation.tuners import tuner_of
from engines.segmentation.tuning import Tuning

TINY = SamSizes(
    image_side=128,
    patch=16,
    embed_dim=32,
    depth=2,
    heads=2,
    global_blocks=(1,),
    window=3,
    mlp_ratio=4.0,
    out_chans=32,
    mask_in_chans=16,
    mask_tokens=4,
    decoder_depth=2,
    decoder_mlp_dim=64,
    decoder_downsample=2,
    iou_head_depth=3,
    iou_head_dim=32,
)


def cpu() -> Device:
    """The processor, in single precision."""
    return pick("cpu", "fp32")


def write_tiny(folder: Path, *, seed: int = 0, sizes: SamSizes = TINY) -> Path:
    """A checkpoint of random weights; relative positions and the like are random too, so that nothing hides at zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sam = build_sam(sizes)
        for parameter in sam.parameters():
            if not bool(parameter.any()):
                torch.nn.init.normal_(parameter, std=0.02)
    file = folder / f"tiny-{seed}.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in sam.state_dict().items()}, file)
    return file


def open_tiny(file: Path) -> SegmentAnything:
    """The model of a file, on the processor."""
    model = open_segmenter(f"file:{file}", cpu())
    assert isinstance(model, SegmentAnything)
    return model


def pixels(count: int = 2, *, seed: int = 1, side: int = 128) -> torch.Tensor:
    """Normalised pictures."""
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def prompts(count: int = 2, *, seed: int = 2, side: int = 128) -> Prompts:
    """Two clicks and a box for each picture."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand(count, 4, 2, generator=generator) * side
    labels = torch.tensor([[1.0, 0.0, 2.0, 3.0]]).repeat(count, 1)
    return Prompts(points, labels)


def answer(model: SegmentAnything) -> torch.Tensor:
    """What a model says of fixed pictures and prompts."""
    with torch.no_grad():
        masks, scores = model.decode(model.encode(pixels()), prompts(), several=True)
    return torch.cat([masks.flatten(1), scores], dim=1)


def stir(tuning: Tuning, *, seed: int = 3) -> None:
    """Move everything that trains a little."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for group in tuning.parameter_groups():
            for parameter in group.parameters:
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


Attach = Callable[[SegmentAnything], Tuning]


def write_adapter(base: Path, file: Path, tuner: str = "lora", *, prompts: str = "both", **settings: object) -> Path:
    """An adapter of random weights for a model file, which finds two classes."""
    model = open_tiny(base)
    made = tuner_of(tuner, settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tuning = made.attach(model)
    assert isinstance(tuning, Tuning)
    if prompts != "clicks":
        tuning.learn(CLASS_TOKENS, class_tokens(model, 2))
    stir(tuning)
    adapter = SegmentAdapter(
        tensors=tuning.state(),
        tuner=tuner,
        settings=made.model_dump(),
        classes=("leaf", "a bird"),
        prompts=prompts,
        base_hash=model.info.base_hash,
        base_title=model.info.title,
        about={"title": "Birds on leaves"},
    )
    write_segment_adapter(adapter, file)
    return file
