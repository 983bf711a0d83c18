"""Token-aware LoRA: it acts at its own word only, row by row, and its alignment error is what the paper's code means."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engines.api.errors import SettingsError
from engines.api.job import JobConcept
from engines.diffusion.contracts import Base
from engines.diffusion.exchange import read_adapter, write_adapter
from engines.diffusion.methods import method_of
from engines.diffusion.placement import Placement
from engines.diffusion.words import places
from tests.diffusion.support import RATES, attach, open_tiny, stir


def told(base: Base, prompts: list[str]) -> torch.Tensor:
    """What a base says of fixed noise when told prompts."""
    side = base.info.resolution // base.info.latent_factor
    noisy = torch.randn(1, base.info.latent_channels, side, side, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        return base.predict(
            noisy.expand(len(prompts), -1, -1, -1), torch.tensor([500] * len(prompts)), base.encode_prompts(prompts)
        )


@pytest.mark.parametrize("word", ["sks", "tobi-bear", "glaublich"])
def test_every_piece_of_a_word_is_found_and_no_other(tiny_sd: Path, word: str) -> None:
    base = open_tiny(tiny_sd)
    prompts = [f"a {word} dog", "a plain dog", "", f"{word} and {word}"]
    states = base.encode_prompts(prompts)
    found = base.word_places(states, word)
    pieces = base.tokenize([word])[0]
    length = int(found[0].sum())
    assert length >= 1
    assert found.sum(dim=1).tolist() == [length, 0, 0, 2 * length]
    assert states["tokens"][0][found[0]].tolist() == pieces[1 : 1 + length].tolist()


def test_a_word_the_tokenizer_cannot_spell_is_nowhere(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    assert not base.word_places(base.encode_prompts(["a 犬 dog", ""]), "犬").any()


def test_runs_that_overlap_or_reach_the_end_are_found() -> None:
    tokens = torch.tensor([[1, 7, 7, 7, 2], [1, 5, 6, 7, 7], [9, 9, 9, 9, 9]])
    assert places(tokens, (7, 7)).int().tolist() == [[0, 1, 1, 1, 0], [0, 0, 0, 1, 1], [0, 0, 0, 0, 0]]
    assert not places(tokens, ()).any()
    assert not places(tokens, (1, 2, 3, 4, 5, 6)).any()


@pytest.mark.parametrize("placed", [False, True])
def test_words_without_the_trigger_hear_the_base_model(tiny_sd: Path, placed: bool) -> None:
    prompts = ["a dog", "a sks dog", ""]
    plain = told(open_tiny(tiny_sd), prompts)
    base = open_tiny(tiny_sd)
    taught = attach(base, "tara", words_only=True)
    stir(taught)
    if placed:
        adapter = taught.adapter()
        base = open_tiny(tiny_sd)
        Placement(base).use([(adapter, 1.0)])
    changed = told(base, prompts)
    assert torch.equal(changed[0], plain[0])
    assert torch.equal(changed[2], plain[2])
    assert not torch.allclose(changed[1], plain[1], atol=1e-4)
    assert torch.equal(told(base, ["a dog"]), told(open_tiny(tiny_sd), ["a dog"])), (
        "a mask leaked into the next picture"
    )


def test_the_change_reaches_the_places_of_the_word_only(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    taught = attach(base, "tara")
    stir(taught)
    site = next(site for site in base.context_linears() if site.path.endswith("to_v"))
    layer = taught.layer(site)
    seen: list[torch.Tensor] = []
    layer.register_forward_hook(lambda one, inputs, output: seen.append(output - one.base_layer(inputs[0])))
    text = base.encode_prompts(["a sks dog", "the dog"])
    side = base.info.resolution // base.info.latent_factor
    base.predict(torch.zeros(2, base.info.latent_channels, side, side), torch.tensor([5, 5]), text)
    reached = seen[0].abs().sum(dim=-1) > 1e-7
    assert torch.equal(reached, base.word_places(text, "sks"))


def test_the_scale_is_the_same_when_taught_and_when_used(tiny_sd: Path, tmp_path: Path) -> None:
    base = open_tiny(tiny_sd)
    taught = attach(base, "tara", rank=4, alpha=16.0)
    stir(taught)
    write_adapter(taught.adapter(), tmp_path / "a.safetensors", "kohya")
    used = open_tiny(tiny_sd)
    Placement(used).use([(read_adapter(tmp_path / "a.safetensors"), 1.0)])
    prompts = ["a sks dog", "a dog"]
    torch.testing.assert_close(told(used, prompts), told(base, prompts), rtol=1e-4, atol=1e-5)


def test_two_of_them_act_each_on_its_own_word(tiny_sd: Path) -> None:
    adapters = []
    for seed, word in enumerate(("sks", "zumo")):
        base = open_tiny(tiny_sd)
        torch.manual_seed(seed)
        subject = JobConcept(name=word, trigger=word, class_noun="dog")
        taught = method_of("tara", {"words_only": True}).attach(base, RATES, subject)
        stir(taught, seed=seed + 1)
        adapters.append(taught.adapter())
    both, first = open_tiny(tiny_sd), open_tiny(tiny_sd)
    Placement(both).use([(adapter, 1.0) for adapter in adapters])
    Placement(first).use([(adapters[0], 1.0)])
    assert torch.equal(told(both, ["a sks dog"]), told(first, ["a sks dog"]))
    assert not torch.equal(told(both, ["a zumo dog"]), told(first, ["a zumo dog"]))


def test_alignment_is_nothing_where_the_two_keys_agree(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    taught = attach(base, "tara")
    text = base.encode_prompts(["a sks dog"])
    assert float(taught.penalty(text).detach()) > 0
    same = dict(text)
    same["hidden"] = text["hidden"][:, 2:3].expand_as(text["hidden"])
    assert float(taught.penalty(same).detach()) == pytest.approx(0.0, abs=1e-6)


def test_alignment_is_the_gap_between_the_two_keys(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    taught = attach(base, "tara", alignment=2.0)
    stir(taught)
    text = base.encode_prompts(["a sks dog", "no words of either kind"])
    own, kind = base.word_places(text, "sks")[0], base.word_places(text, "dog")[0]
    gaps = []
    for site in base.context_linears():
        if site.path.endswith("to_k"):
            layer = taught.layer(site)
            (name,) = layer.lora_A
            pair = taught.adapter().modules[f"unet.{site.path}"]
            hidden = text["hidden"][0]
            changed = hidden @ (layer.base_layer.weight + pair.delta()).T
            gaps.append(
                (changed[own].mean(dim=0) - (hidden @ layer.base_layer.weight.T)[kind].mean(dim=0)).abs().mean()
            )
            assert name == "taught"
    assert float(taught.penalty(text).detach()) == pytest.approx(2.0 * float(torch.stack(gaps).mean()), rel=1e-4)


def test_alignment_draws_the_word_towards_its_class(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    taught = attach(base, "tara")
    text = base.encode_prompts(["a sks dog"])
    optimizer = torch.optim.Adam([p for group in taught.parameter_groups() for p in group.parameters], lr=1e-2)
    before = float(taught.penalty(text).detach())
    for _ in range(40):
        optimizer.zero_grad()
        taught.penalty(text).backward()
        optimizer.step()
    assert float(taught.penalty(text).detach()) < 0.5 * before


def test_captions_without_both_words_do_not_count(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    taught = attach(base, "tara")
    nothing = taught.penalty(base.encode_prompts(["a sks cat", "a dog", ""]))
    nothing.backward()
    assert float(nothing.detach()) == 0.0
    assert not any(bool(p.grad.any()) for g in taught.parameter_groups() for p in g.parameters if p.grad is not None)
    one, two = (taught.penalty(base.encode_prompts(words)) for words in (["a sks dog"], ["a sks dog", "a dog"]))
    torch.testing.assert_close(one, two)


def test_it_needs_a_trigger_word(tiny_sd: Path) -> None:
    with pytest.raises(SettingsError, match="needs a trigger word"):
        method_of("tara", {}).attach(open_tiny(tiny_sd), RATES, JobConcept(name="x", trigger=" "))
