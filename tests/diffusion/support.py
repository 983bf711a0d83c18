"""Small pieces that tests of the diffusion side share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from engines.api.job import Job, JobConcept, JobImage, JobMethod
from engines.api.recipe import DataSettings, LoopSettings, ObjectiveSettings, Recipe, SampleSettings
from engines.core import randomness
from engines.core.contracts import ProgressHook
from engines.core.devices import Device, pick
from engines.diffusion.backbones import open_base
from engines.diffusion.contracts import Base, LearningRates, Site, Teachable
from engines.diffusion.exchange import Adapter, LoraPair, canonical
from engines.diffusion.exchange.adapter import NETWORKS
from engines.diffusion.methods import method_of
from engines.diffusion.teach import Teach, build

CPU: Device = pick("cpu")
RATES = LearningRates(1e-2, 1e-2)
SUBJECT = JobConcept(name="Sks", trigger="sks", class_noun="dog")


def open_tiny(folder: Path) -> Base:
    """A fresh base of a tiny folder."""
    return open_base(f"file:{folder}", CPU)


def attach(base: Base, name: str = "lora", *, seed: int = 0, **settings: object) -> Teachable:
    """A method placed in a base, the same way every time."""
    torch.manual_seed(seed)
    return method_of(name, settings).attach(base, RATES, SUBJECT)


def stir(trainable: Teachable, *, seed: int = 1, size: float = 0.05) -> None:
    """Give every trained tensor random values, as if much had been learned."""
    generator = torch.Generator().manual_seed(seed)
    state = trainable.state()
    trainable.load_state(
        {
            name: tensor + size * torch.randn(tensor.shape, generator=generator)
            if "magnitude" not in name
            else tensor * (1 + size * torch.rand(tensor.shape, generator=generator))
            for name, tensor in state.items()
        }
    )


def probe(base: Base, words: str = "a sks dog") -> torch.Tensor:
    """What a base says of fixed noise and words; differs as soon as an adapter acts anywhere."""
    generator = torch.Generator().manual_seed(3)
    side = base.info.resolution // base.info.latent_factor
    noisy = torch.randn(2, base.info.latent_channels, side, side, generator=generator)
    with torch.no_grad():
        return base.predict(noisy, torch.tensor([10, 700]), base.encode_prompts([words, ""]))


def random_adapter(base: Base, *, rank: int = 4, alpha: float = 3.0, text: bool = True, seed: int = 0) -> Adapter:
    """An adapter on all attention of a base."""
    generator = torch.Generator().manual_seed(seed)
    modules: dict[str, LoraPair] = {}
    networks = base.networks()
    for site in (*base.attention_linears(), *(base.text_linears() if text else ())):
        weight = networks[site.network].get_submodule(site.path).weight
        down = torch.randn(rank, weight.shape[1], generator=generator) * 0.1
        up = torch.randn(weight.shape[0], rank, generator=generator) * 0.1
        modules[canonical(site)] = LoraPair(down, up, alpha)
    return Adapter(modules, {"modelspec.title": "Test"})


def stock(folder: Path) -> Any:
    """The ordinary diffusers pipeline of a tiny folder."""
    from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline

    if (folder / "text_encoder_2").is_dir():
        return StableDiffusionXLPipeline.from_pretrained(folder, add_watermarker=False)
    return StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)


def changes(adapter: Adapter) -> dict[str, torch.Tensor]:
    """What each pair adds to its layer."""
    return {name: pair.delta() for name, pair in adapter.modules.items()}


def assert_same_change(one: Adapter, other: Adapter) -> None:
    """Both change the same layers by the same."""
    before, after = changes(one), changes(other)
    assert before.keys() == after.keys()
    for name, delta in before.items():
        torch.testing.assert_close(after[name], delta, rtol=1e-5, atol=1e-7)


def loaded_by_diffusers(folder: Path, file: Path) -> dict[str, torch.Tensor]:
    """The change of every weight after diffusers' own loader and its fuse."""
    plain, changed = stock(folder), stock(folder)
    changed.load_lora_weights(str(file.parent), weight_name=file.name)
    changed.fuse_lora()
    changed.unload_lora_weights()
    found = {}
    for network in NETWORKS:
        before = dict(getattr(plain, network).named_parameters()) if hasattr(plain, network) else {}
        for name, old in before.items():
            if name.endswith(".weight") and old.ndim == 2:
                new = getattr(changed, network).get_parameter(name)
                found[canonical(Site(network, name.removesuffix(".weight")))] = (new - old).detach()
    return found


def make_pictures(root: Path, count: int, *, sizes: tuple[tuple[int, int], ...] = ((40, 40),)) -> list[JobImage]:
    """Smooth random pictures in `<root>/images`."""
    (root / "images").mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    found = []
    for number in range(count):
        coarse = generator.integers(0, 255, (4, 4, 3), dtype=np.uint8)
        size = sizes[number % len(sizes)]
        file = root / "images" / f"{number:03d}.png"
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(file)
        found.append(JobImage(file=f"images/{file.name}", caption="a photo of a [trigger] dog"))
    return found


def make_job(
    base: Path,
    *,
    method: Mapping[str, object] | None = None,
    data: Mapping[str, object] | None = None,
    objective: Mapping[str, object] | None = None,
    loop: Mapping[str, object] | None = None,
    start_from: str = "",
) -> Job:
    """A job of teaching on a tiny base."""
    return Job(
        id="run",
        title="My dog",
        created=1_700_000_000.0,
        concept=JobConcept(name="dog", trigger="sks", class_noun="dog"),
        base=f"file:{base}",
        method=JobMethod(settings=dict(method or {"rank": 4})),
        recipe=Recipe(
            data=DataSettings(**dict(data or {})),
            objective=ObjectiveSettings(**dict(objective or {})),
            loop=LoopSettings(**{"steps": 4, "batch_size": 2, **dict(loop or {})}),
            samples=SampleSettings(inference_steps=2, prompts=("a sks dog",)),
        ),
        start_from=start_from,
    )


def quiet(phase: str, text: str, done: int, total: int) -> None:
    """A progress hook nobody listens to."""


def teaching(
    base: Path, root: Path, *, device: Device = CPU, name: str = "lora", progress: ProgressHook = quiet, **job: Any
) -> Teach:
    """A prepared task of teaching by a method of this name, on three pictures of two shapes."""
    images = make_pictures(root, 3, sizes=((40, 40), (48, 32)))
    run = root / "runs" / "run"
    run.mkdir(parents=True, exist_ok=True)
    wanted = make_job(base, **job)
    wanted = wanted.model_copy(update={"method": wanted.method.model_copy(update={"name": name})})
    randomness.seed_all(0)
    task = build(wanted, images, root, run, device)
    task.prepare(progress)
    return task
