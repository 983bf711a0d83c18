"""The mathematics of erasing: closed form, membranes and what opens them, aims, anchors, and the pictures that are learned from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engines.api.erase_job import Erasure
from engines.api.errors import AdapterError
from engines.diffusion.contracts import Base
from engines.diffusion.erasing.closed_form import reading, word_states, writing
from engines.diffusion.erasing.contracts import Wish
from engines.diffusion.erasing.lesson import LONGEST, SHORTEST, Lesson, aimed, anchor_chances, directions_near
from engines.diffusion.erasing.selection import chosen
from engines.diffusion.erasing.suggest import same_form, suggest
from engines.diffusion.erasing.walks import STAGES, Moment, Walks, moved, timesteps_of
from engines.diffusion.exchange import LoraPair
from engines.diffusion.long_prompts import LongTexts
from engines.diffusion.objective import NoiseSchedule
from engines.diffusion.placement import Placement
from engines.diffusion.transport import Concepts, Transport, content_pieces, floor_of, without
from engines.launch.eraser_marks import Mark, unpack
from tests.diffusion.erasing import WISH, begin, stirred
from tests.diffusion.support import open_tiny, probe


@pytest.fixture(scope="module")
def base(tiny_sd: Path) -> Base:
    """A base that no test changes for good."""
    return open_tiny(tiny_sd)


def permeability(base: Base, marks: list[Mark], prompts: list[str]) -> torch.Tensor:
    return Concepts(base, marks).permeability(base.encode_prompts(prompts)).squeeze(1)


def test_the_closed_form_is_the_papers() -> None:
    draws = torch.Generator().manual_seed(0)
    weight, targets, guides, kept = (
        torch.randn(size, generator=draws, dtype=torch.float64) for size in ((7, 12), (3, 12), (3, 12), (5, 12))
    )
    lam, strength = 0.5, 2.0
    changed = weight + writing(weight, targets, guides, strength=strength) @ reading(
        targets, kept, lam=lam, strength=strength
    )
    whole = lam * torch.eye(12, dtype=torch.float64) + strength * targets.T @ targets + kept.T @ kept
    asked = lam * weight + strength * weight @ guides.T @ targets + weight @ kept.T @ kept
    torch.testing.assert_close(changed, asked @ torch.linalg.inv(whole), rtol=1e-9, atol=1e-9)
    firm = weight + writing(weight, targets, guides) @ reading(targets, kept[:0], lam=1e-9)
    torch.testing.assert_close(firm @ targets.T, weight @ guides.T, rtol=1e-5, atol=1e-5)
    nothing = writing(weight, targets[:0], guides[:0]) @ reading(targets[:0], kept, lam=lam)
    assert torch.equal(nothing, torch.zeros_like(weight))


def test_the_state_of_the_last_word_is_found(base: Base) -> None:
    hidden, tokens = (base.encode_prompts(["a red dog", ""])[name] for name in ("hidden", "tokens"))
    states = word_states(base, ["a red dog", ""])
    marks = set(base.tokenize([""])[0].tolist())
    last = max(place for place, piece in enumerate(tokens[0].tolist()) if piece not in marks)
    assert torch.equal(states[0], hidden[0, last])
    assert torch.equal(states[1], hidden[1, 0])


def test_a_prompt_opens_a_membrane_as_far_as_it_names_its_concept(base: Base) -> None:
    marks = [Mark("dog", rows=1, floor=0.999), Mark("grey mouse", rows=2, floor=0.999)]
    found = permeability(base, marks, ["a photo of a dog", "a cat", "", "one mouse", "grey mouse, dog"])
    assert found.shape == (5, 3)
    assert found[0, 0] == found[4, 0] == 1.0
    assert torch.equal(found[:, 1], found[:, 2])
    share = len({*content_pieces(base, "mouse")}) / len({*content_pieces(base, "grey mouse")})
    assert float(found[3, 1]) >= share - 1e-6
    assert found[4, 1] == 1.0
    assert bool((found[1:3] < 0.5).all())


def test_likeness_counts_from_what_everyday_prompts_reach(base: Base) -> None:
    floor = floor_of(base, "dog")
    assert 0.0 < floor <= 0.995
    found = permeability(base, [Mark("dog", rows=1, floor=floor)], ["", "a car", "dog"])
    assert found[0] == found[1] == 0.0
    assert found[2] == 1.0


def test_a_long_prompt_opens_it_wherever_it_names_the_concept(base: Base) -> None:
    concepts = Concepts(base, [Mark("dog", rows=1, floor=0.9), Mark("grey mouse", rows=1, floor=0.9)])
    long = " ".join(["a small house by the sea"] * base.info.text_length) + " a dog"
    texts = LongTexts(base, [long, "a car"])
    told = texts([long, "a car"])
    assert told["hidden"].shape[1] > base.info.text_length
    assert concepts.permeability(told)[0, 0, 0] == 1.0
    assert bool((concepts.permeability(told)[1] < 1.0).all())


def test_membranes_act_linearly_and_side_by_side(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    layer = base.networks()["unet"].get_submodule(base.attention_linears()[0].path)
    first, second = (
        stirred(open_tiny(tiny_sd), "spm", seed=seed, wish=Wish((Erasure(target=word),)))
        for seed, word in ((1, "dog"), (2, "hat"))
    )
    inside = torch.randn(2, 5, layer.in_features, generator=torch.Generator().manual_seed(0))
    placement = Placement(base)

    def added(*uses: tuple[object, float], opened: float = 1.0) -> torch.Tensor:
        """What a layer's output gains when all gates stand open so far."""
        placement.use(list(uses))  # type: ignore[arg-type]
        for gate in [one for one in placement._live if isinstance(one, Transport)]:
            gate.mask = torch.full((2, 1, 1), opened)
        with torch.no_grad():
            gained = layer(inside) - torch.nn.functional.linear(inside, layer.weight, layer.bias)
        placement.clear()
        return gained

    alone, other = added((first, 1.0)), added((second, 1.0))
    torch.testing.assert_close(added((first, 1.0), opened=0.5), 0.5 * alone)
    torch.testing.assert_close(added((first, 1.0), (second, 1.0)), alone + other)
    torch.testing.assert_close(added((first, 0.25)), 0.25 * alone)


def test_each_row_of_a_batch_is_erased_by_its_own_words(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    adapter = stirred(open_tiny(tiny_sd), "spm", wish=Wish((Erasure(target="dog"),)))
    plain = probe(base, "a dog")
    placement = Placement(base)
    placement.use([(adapter, 1.0)])
    erased = probe(base, "a dog")
    assert not torch.allclose(erased[0], plain[0], atol=1e-4)
    assert torch.equal(erased[1], plain[1])  # its words are none
    assert torch.equal(probe(base, "a car"), probe(open_tiny(tiny_sd), "a car"))


def test_concepts_of_one_file_can_be_switched_off(tiny_sd: Path) -> None:
    adapter = stirred(open_tiny(tiny_sd), "spm")
    assert without(adapter, ()) is adapter
    rest = without(adapter, ["dog"])
    assert [mark.target for mark in unpack(rest.metadata)] == ["red hat"]
    name = next(iter(adapter.modules))
    whole, part = adapter.modules[name], rest.modules[name]
    torch.testing.assert_close(part.delta(), (whole.up[:, 1:].flatten(1) @ whole.down[1:].flatten(1)))
    assert without(adapter, ["dog", "red hat"]).modules == {}
    for odd, offs in ((adapter, ["car"]), (stirred(open_tiny(tiny_sd), "uce"), ["dog"])):
        with pytest.raises(AdapterError, match="cannot be switched off"):
            without(odd, offs)


def test_with_no_push_towards_itself_there_is_nothing_to_learn(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    wish = Wish((Erasure(target="dog", surrogate="dog"),))
    erasing = begin(base, "esd", wish=wish, push=0.0)
    loss = Lesson(base, erasing, wish).loss(moment_of(base))
    loss.backward()
    assert float(loss.detach()) < 1e-10
    parameters = [one for group in erasing.parameter_groups() for one in group.parameters]
    assert all(one.grad is None or float(one.grad.abs().max()) < 1e-5 for one in parameters)


def test_the_aim_lies_beyond_the_surrogate() -> None:
    target, surrogate, nothing = torch.full((1,), 3.0), torch.full((1,), 1.0), torch.zeros(1)
    assert float(aimed(surrogate, target, surrogate, 0.0)) == 1.0
    assert float(aimed(surrogate, target, surrogate, 1.0)) == -1.0
    assert float(aimed(nothing, target, nothing, 1.0)) == -3.0


def test_anchors_are_as_long_as_the_target_and_seldom_near_it() -> None:
    torch.manual_seed(0)
    hidden = torch.randn(200, 1, 2)
    found = directions_near({"hidden": hidden, "tokens": torch.arange(200)}, 4.0)
    ratio = found["hidden"].flatten(1).norm(dim=1) / hidden.flatten(1).norm(dim=1)
    assert bool(((ratio >= SHORTEST - 1e-5) & (ratio <= LONGEST + 1e-5)).all())
    assert torch.equal(found["tokens"], torch.arange(200))
    cosine = torch.cosine_similarity(found["hidden"].flatten(1), hidden.flatten(1)).abs()
    assert float((cosine > 0.8).float().mean()) < 0.05  # in two dimensions two fifths would be
    words = torch.tensor([[[1.0, 0.0]], [[-1.0, 0.0]], [[0.0, 1.0]]])
    chances = anchor_chances(words, torch.tensor([[[1.0, 0.0]]]), 1.0)
    assert chances[0, 0] == chances[0, 1] < 1e-5  # the opposite is as near as the same
    assert float(chances.sum()) == pytest.approx(1.0)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_a_walk_arrives_where_a_perfect_model_points(prediction: str) -> None:
    schedule = NoiseSchedule(torch.linspace(0.999, 0.005, 1000), prediction)  # type: ignore[arg-type]
    clean, noise = torch.randn(2, 1, 2, 2), torch.randn(2, 1, 2, 2)
    times = timesteps_of(schedule)
    assert len(times) == STAGES
    assert bool((times[:-1] > times[1:]).all())
    latents = schedule.add_noise(clean, noise, times[:1].expand(2))
    for stage in range(STAGES):
        now = times[stage].expand(2)
        then = times[stage + 1].expand(2) if stage + 1 < STAGES else torch.full((2,), -1)
        latents = moved(schedule, latents, schedule.target(clean, noise, now), now, then)
    torch.testing.assert_close(latents, clean, rtol=1e-3, atol=1e-3)


def test_pictures_under_way_move_on_begin_again_and_go_on_after_a_break() -> None:
    schedule = NoiseSchedule(torch.linspace(0.999, 0.005, 1000), "epsilon")

    def walks() -> Walks:
        start = Moment(torch.ones(4, 1, 2, 2), torch.zeros(4, dtype=torch.long), (0, 1, 2, 0))
        return Walks(schedule, lambda noisy, _now, _targets: 0.1 * noisy, start, stages=[0, 10, 20, 29], size=2, seed=3)

    whole, broken = walks(), walks()
    seen = [whole.next() for _ in range(120)]
    assert {target for one in seen for target in one.targets} == {0, 1, 2}
    assert all(one.noisy.isfinite().all() for one in seen)
    for _ in range(50):
        broken.next()
    state = broken.state()
    resumed = walks()
    resumed.load_state(state)
    for expected in seen[50:]:
        found = resumed.next()
        assert torch.equal(found.noisy, expected.noisy)
        assert found.targets == expected.targets
        assert torch.equal(found.timesteps, expected.timesteps)


def test_a_step_of_learning_erases_the_target_and_is_held_elsewhere(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    erasing = begin(base, "spm", hold=10.0)
    lesson, moment = Lesson(base, erasing, WISH), moment_of(base, targets=(0, 1))
    before = lesson.error(moment)
    optimizer = torch.optim.AdamW([one for group in erasing.parameter_groups() for one in group.parameters], lr=1e-2)
    torch.manual_seed(0)
    for _ in range(8):
        lesson.loss(moment).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert lesson.error(moment) < 0.9 * before


def test_only_layers_that_matter_are_kept() -> None:
    large, small = (
        LoraPair(torch.ones(1, 3), torch.ones(2, 1), 1.0),
        LoraPair(torch.ones(1, 3), 0.01 * torch.ones(2, 1), 1.0),
    )
    assert list(chosen({"a": large, "b": small})) == ["a"]
    nothing = LoraPair(torch.ones(1, 3), torch.zeros(2, 1), 1.0)
    assert list(chosen({"a": nothing, "b": nothing})) == ["a", "b"]


def test_words_near_a_target_are_told_apart() -> None:
    assert all(same_form(word, "snowman") for word in ("snowmans", "snow man", "snowmen", "SNOWMAN"))
    assert not any(same_form(word, "snowman") for word in ("snow", "bear", "man", "woman"))


def test_suggestions_come_from_the_bases_own_encoder() -> None:
    base = open_starter()
    found = suggest(base, "snowman", 5)
    assert found.pieces == 1
    assert "snowmans" in [one.word for one in found.synonyms]
    words = [one.word for one in found.neighbours]
    assert len(words) == 5
    assert "snowman" not in words
    assert all(0.0 <= one.similarity <= 1.0 for one in (*found.synonyms, *found.neighbours))


def open_starter() -> Base:
    from engines.diffusion.backbones import open_base
    from tests.diffusion.support import CPU

    return open_base("starter", CPU)


def moment_of(base: Base, targets: tuple[int, ...] = (0,)) -> Moment:
    side = base.info.resolution // base.info.latent_factor
    draws = torch.Generator().manual_seed(1)
    noisy = torch.randn(len(targets), base.info.latent_channels, side, side, generator=draws)
    return Moment(noisy, torch.full((len(targets),), 500), targets)
