"""Regions: a whole picture's region is the ordinary adapter, places keep to themselves, and nothing else is computed than before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engines.api.compose import Composition, Concept
from engines.api.uses import AdapterUse
from engines.diffusion.composers._noise import rearranged
from engines.diffusion.composers._places import GROUND, Places, grids_of
from engines.diffusion.composers.regions import Regions
from engines.diffusion.exchange import write_adapter
from engines.diffusion.generate import Generator
from engines.diffusion.stage import Stage
from tests.diffusion.composing import LEFT, RIGHT, opened, pair, told
from tests.diffusion.support import attach, random_adapter, stir

CPU = torch.device("cpu")
WHOLE = (0.0, 0.0, 1.0, 1.0)


def predicted(generator: Generator, composition: Composition, settings: Regions | None) -> torch.Tensor:
    """What the denoiser says of the first step, guidance included; None asks the base as it stands."""
    stage = Stage.of(generator, composition)
    noise = torch.randn(
        2, generator.base.info.latent_channels, *stage.latent_grid, generator=torch.Generator().manual_seed(1)
    )
    prompts = [composition.prompt] * 2
    with torch.no_grad():
        if settings is None:
            return stage.guided(prompts, (1, 2)).predict(noise, torch.tensor(500))
        with settings.staged(stage) as course:
            return course(prompts, (1, 2)).predict(noise, torch.tensor(500))


def alone(tiny: Path, generator: Generator, folder: Path, adapter: object) -> Composition:
    """One concept, whose place is the whole picture and whose words are the whole prompt."""
    path = folder / "one.safetensors"
    write_adapter(told(adapter, "sks", "dog", **adapter.metadata), path, overwrite=True)
    concept = Concept(
        name="sks", adapter=AdapterUse(file=str(path), weight=0.8), trigger="sks", class_noun="dog", box=WHOLE
    )
    return Composition(base=f"file:{tiny}", concepts=(concept,), prompt="a sks dog on a hill", negative="fog")


@pytest.mark.parametrize("kind", ["tiny_sd", "tiny_sdxl"])
@pytest.mark.parametrize("adapter", ["whole", "words"])
def test_one_region_over_everything_is_the_ordinary_adapter(
    request: pytest.FixtureRequest, kind: str, adapter: str, tmp_path: Path
) -> None:
    tiny = request.getfixturevalue(kind)
    generator = opened(tiny)
    # The larger kind is also told the sentence as a whole, which belongs to no place and is read by the base alone.
    composition = alone(tiny, generator, tmp_path, random_adapter(generator.base, text=kind == "tiny_sd"))
    found = predicted(generator, composition, Regions(adapter=adapter, enhancement=0.0))
    use = composition.concepts[0].adapter
    if adapter == "words":  # the paper's: keys, values and output of the cross-attention, and the text encoder
        own = generator.read(use)
        kept = {
            name: pair
            for name, pair in own.modules.items()
            if name.startswith("text") or name.endswith(("attn2.to_k", "attn2.to_v", "attn2.to_out.0"))
        }
        write_adapter(replace(own, modules=kept), tmp_path / "words.safetensors")
        use = use.model_copy(update={"file": str(tmp_path / "words.safetensors")})
    generator.use([use])
    torch.testing.assert_close(found, predicted(generator, composition, None), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("method", "settings"), [("lora", {"weight_decomposed": True}), ("tara", {}), ("lora", {"feed_forward": True})]
)
def test_other_kinds_of_adapter_are_ordinary_too(
    tiny_sd: Path, method: str, settings: dict[str, object], tmp_path: Path
) -> None:
    generator = opened(tiny_sd)
    other = opened(tiny_sd)
    taught = attach(other.base, method, rank=4, **settings)
    stir(taught)
    composition = alone(tiny_sd, generator, tmp_path, taught.adapter())
    found = predicted(generator, composition, Regions(enhancement=0.0))
    generator.use([composition.concepts[0].adapter])
    torch.testing.assert_close(found, predicted(generator, composition, None), rtol=1e-3, atol=1e-4)


def test_a_concept_of_no_weight_in_its_place_changes_nothing_but_the_words(tiny_sd: Path, tmp_path: Path) -> None:
    generator = opened(tiny_sd)
    composition = pair(tiny_sd, generator, tmp_path)
    silent = tuple(
        one.model_copy(update={"adapter": one.adapter.model_copy(update={"weight": 0.0}), "words": composition.prompt})
        for one in composition.concepts
    )
    found = predicted(
        generator, composition.model_copy(update={"concepts": silent}), Regions(isolation=False, enhancement=0.0)
    )
    generator.use(())
    torch.testing.assert_close(found, predicted(generator, composition, None), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("setting", [{"isolation": False}, {"enhancement": 0.0}, {"adapter": "words"}, {"told": "own"}])
def test_every_setting_matters(tiny_sd: Path, setting: dict[str, object], tmp_path: Path) -> None:
    generator = opened(tiny_sd)
    composition = pair(tiny_sd, generator, tmp_path)
    assert not torch.allclose(
        predicted(generator, composition, Regions()), predicted(generator, composition, Regions(**setting)), atol=1e-5
    )


def masks(*boxes: tuple[slice, slice], side: int = 16) -> list[torch.Tensor]:
    found = []
    for rows, columns in boxes:
        mask = torch.zeros(side, side, dtype=torch.bool)
        mask[rows, columns] = True
        found.append(mask)
    return found


def test_the_last_concept_lies_on_top_and_every_cell_has_one_owner() -> None:
    places = Places(masks((slice(0, 16), slice(0, 10)), (slice(0, 16), slice(6, 16))), (8, 8), CPU)
    owners = places.owners(64).view(8, 8)
    assert owners[0].tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert torch.equal(places.weights(64).sum(dim=-1), torch.ones(1, 64))
    assert places.speakers(64) == [0, 1]
    assert places.frame(64, 0) == (0, 0, 8, 3)


def test_a_small_place_keeps_a_cell_on_every_grid() -> None:
    places = Places(masks((slice(5, 6), slice(9, 10))), (16, 16), CPU)
    for cells in grids_of((16, 16)):
        assert places.speakers(cells) == ([GROUND, 0] if cells > 1 else [0])
        assert len(places.cells(cells, 0)) == 1


def test_grids_halve_as_strided_convolutions_do() -> None:
    assert grids_of((12, 9)) == {108: (12, 9), 30: (6, 5), 9: (3, 3), 4: (2, 2), 1: (1, 1)}


def test_noise_is_moved_to_where_it_is_wanted_and_stays_noise() -> None:
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    places = Places(masks((slice(0, 4), slice(0, 4)), side=8), (8, 8), CPU)
    wanted = torch.zeros(1, 8, 8)
    wanted[:, 4:, 4:] = 1.0
    found = rearranged(noise, {0: [wanted]}, places)
    assert (
        float(torch.corrcoef(torch.stack([found[0, :, :4, :4].flatten(), noise[0, :, 4:, 4:].flatten()]))[0, 1]) > 0.999
    )
    assert float(torch.corrcoef(torch.stack([found[0, :, 4:].flatten(), noise[0, :, 4:].flatten()]))[0, 1]) > 0.999
    torch.testing.assert_close(found.std(), noise.std())
    torch.testing.assert_close(found.mean(), noise.mean(), atol=1e-6, rtol=0)


def test_boxes_meet_without_a_seam(tiny_sd: Path, tmp_path: Path) -> None:
    stage = Stage.of(opened(tiny_sd), pair(tiny_sd, opened(tiny_sd), tmp_path))
    left, right = stage.places()
    assert bool((left ^ right).all())
    assert (stage.composition.concepts[0].box, stage.composition.concepts[1].box) == (LEFT, RIGHT)
