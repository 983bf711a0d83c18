"""What every way to compose must hold, whatever it is; a new way is held to this before anyone writes a test for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image, ImageChops

from engines.api.compose import NEEDS, Composition
from engines.api.errors import SettingsError
from engines.diffusion.compose import Composed, compose, prepared
from engines.diffusion.composers import composer_of, entries, registry
from engines.diffusion.generate import Generator
from tests.diffusion.composing import PROMPT, opened, pair
from tests.diffusion.support import probe

WAYS = [name for name, _ in registry().items()]
KINDS = [("tiny_sd", name) for name in WAYS] + [("tiny_sdxl", name) for name in WAYS]


@pytest.fixture
def tiny(request: pytest.FixtureRequest) -> Path:
    """The folder of a tiny base of one kind or the other."""
    return request.getfixturevalue(request.param)


each_kind = pytest.mark.parametrize(("tiny", "way"), KINDS, indirect=["tiny"])


def made(generator: Generator, composition: Composition, seeds: tuple[int, ...] = (3,)) -> list[Image.Image]:
    """The composed pictures."""
    return [one.picture for one in compose(generator, composition, seeds)]


def alike(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is None


def test_every_file_registers_one_way() -> None:
    assert registry().broken == {}
    found = entries()
    assert len({entry.title for entry in found}) == len({kind.order for _, kind in registry().items()}) == len(found)
    for entry in found:
        assert entry.title
        assert entry.sentence.endswith(".")
        assert entry.paper
        assert set(entry.needs) <= set(NEEDS)
        assert (
            all("lorikeet" in field for field in entry.schema_["properties"].values() if field)
            or not entry.schema_["properties"]
        )


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same_picture_whatever_was_made_between(
    tiny_sd: Path, way: str, tmp_path: Path
) -> None:
    generator = opened(tiny_sd)
    first = pair(tiny_sd, generator, tmp_path, way)
    other = first.model_copy(update={"strategy": "sum", "prompt": "a zumo car"})
    (before,) = made(generator, first)
    made(generator, other)
    (after,) = made(generator, first)
    assert alike(before, after)
    assert not alike(before, made(generator, first, (4,))[0])


@each_kind
def test_concepts_act_and_leave_nothing_behind(tiny: Path, way: str, tmp_path: Path) -> None:
    generator = opened(tiny)
    untouched = probe(generator.base)
    (plain,) = generator.pictures([PROMPT], [3], steps=2)
    composition = pair(tiny, generator, tmp_path, way)
    (composed,) = made(generator, composition)
    assert not alike(plain, composed)
    generator.use(())
    assert torch.equal(probe(generator.base), untouched)
    assert alike(next(iter(generator.pictures([PROMPT], [3], steps=2))), plain)


@each_kind
def test_words_behind_the_text_encoders_length_are_heard(tiny: Path, way: str, tmp_path: Path) -> None:
    generator = opened(tiny)
    long = PROMPT + " on a green hill under very heavy clouds" * 2
    assert len(long) > 2 * generator.base.info.text_length
    composition = pair(tiny, generator, tmp_path, way, prompt=f"{long} at night", negative="fog")
    (night,) = made(generator, composition)
    (noon,) = made(generator, composition.model_copy(update={"prompt": f"{long} at noon"}))
    assert not alike(night, noon)


@pytest.mark.parametrize("way", WAYS)
def test_ended_between_two_steps_it_leaves_a_clean_base(tiny_sd: Path, way: str, tmp_path: Path) -> None:
    generator = opened(tiny_sd)
    untouched = probe(generator.base)

    class Enough(Exception):
        pass

    def hook(done: int, total: int) -> None:
        if done:
            raise Enough

    with pytest.raises(Enough):
        list(compose(generator, pair(tiny_sd, generator, tmp_path, way), (1,), on_step=hook))
    generator.use(())
    assert torch.equal(probe(generator.base), untouched)


@pytest.mark.parametrize("way", WAYS)
def test_pictures_of_several_seeds_do_not_depend_on_each_other(tiny_sd: Path, way: str, tmp_path: Path) -> None:
    generator = opened(tiny_sd)
    composition = pair(tiny_sd, generator, tmp_path, way)
    together = made(generator, composition, (5, 6))
    apart = [made(generator, composition, (seed,))[0] for seed in (5, 6)]
    for one, other in zip(together, apart, strict=True):
        assert max(high for _, high in ImageChops.difference(one, other).getextrema()) <= 1


@pytest.mark.parametrize("way", WAYS)
def test_what_it_needs_is_asked_for_in_words(tiny_sd: Path, way: str, tmp_path: Path) -> None:
    generator = opened(tiny_sd)
    composition = pair(tiny_sd, generator, tmp_path, way)
    prepared(composition)
    without = {
        "adapters": {"adapter": None},
        "words": {"trigger": ""},
        "boxes": {"box": None},
        "pictures": {"picture": ""},
    }
    for need in composer_of(way, {}).needs:
        lacking = tuple(concept.model_copy(update=without[need]) for concept in composition.concepts)
        with pytest.raises(SettingsError, match="every concept"):
            prepared(composition.model_copy(update={"concepts": lacking}))


def test_previews_come_first_and_the_naive_sum_last(tiny_sd: Path, tmp_path: Path) -> None:
    generator = opened(tiny_sd)
    composition = pair(tiny_sd, generator, tmp_path, "token_aware", steps=4)
    heard: list[tuple[int, int]] = []
    found: list[Composed] = list(
        compose(generator, composition, (1, 2), beside=True, preview_steps=2, on_step=lambda *step: heard.append(step))
    )
    assert [(one.round.column, one.round.preview, one.seed) for one in found] == [
        (1, True, 1), (1, True, 2), (1, False, 1), (1, False, 2), (0, False, 1), (0, False, 2)
    ]  # fmt: skip
    assert not alike(found[0].picture, found[2].picture)
    assert not alike(found[2].picture, found[4].picture)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert heard[-1] == (1000, 1000)
