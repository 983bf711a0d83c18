"""What the files of adapters tell about using them together, held against the same figures worked out in full."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engines.api.errors import SettingsError
from engines.api.interference import InterferenceReport, TryTogether
from engines.api.uses import AdapterUse
from engines.diffusion.basis import directions
from engines.diffusion.exchange import write_adapter
from engines.diffusion.exchange.adapter import Adapter, LoraPair
from engines.diffusion.generate import Generator
from engines.diffusion.interference.pictures import try_together
from engines.diffusion.interference.verdict import judged
from engines.diffusion.interference.weights import Voice, weigh
from engines.launch.lanes import lane
from tests.diffusion.support import CPU, random_adapter

LAYERS = {"unet.a.attn1.to_q": (24, 40), "unet.a.attn2.to_k": (24, 64), "unet.b.attn1.to_q": (48, 40)}


def adapter(seed: int, *, rank: int = 4, down: Callable[[int], torch.Tensor] | None = None, **metadata: str) -> Adapter:
    draws = torch.Generator().manual_seed(seed)
    pairs = {}
    for name, (out, inputs) in LAYERS.items():
        first = torch.randn(rank, inputs, generator=draws) if down is None else down(inputs)
        pairs[name] = LoraPair(first, torch.randn(out, first.shape[0], generator=draws), alpha=2.0)
    return Adapter(pairs, {name.replace("_", ".", 1): value for name, value in metadata.items()})


def lorikeet(seed: int, word: str, *, slot: int = 0, hold: float = 1.0, size: float = 1.0) -> Adapter:
    """As the app writes them."""
    own = (lambda width: directions(width, lane(slot, 4)).float()) if slot else None
    made = adapter(seed, down=own, lorikeet_trigger=word)
    recipe = json.dumps({"objective": {"hold_weight": hold}})
    data = {"modelspec.title": word.capitalize(), "lorikeet.recipe": recipe, **made.metadata}
    if slot:
        data["lorikeet.directions"] = f"{lane(slot, 4).first}-{lane(slot, 4).end - 1}"
    modules = {name: LoraPair(pair.down, size * pair.up, pair.alpha) for name, pair in made.modules.items()}
    return Adapter(modules, data)


def report(*adapters: Adapter, focus: str | None = None) -> InterferenceReport:
    return judged(adapters, [AdapterUse(file=f"{n}.safetensors", focus=focus) for n in range(len(adapters))])


def test_figures_from_gram_matrices_equal_those_of_whole_weights() -> None:
    voices = [Voice(adapter(1), 0.7), Voice(adapter(2, rank=6)), Voice(adapter(3, rank=2), 1.5)]
    weighed = weigh(voices)
    whole = [{name: voice.strength * pair.delta() for name, pair in voice.adapter.modules.items()} for voice in voices]
    for voice, found in zip(whole, weighed.energies, strict=True):
        assert found == pytest.approx(sum(float(one.square().sum()) for one in voice.values()) ** 0.5, rel=1e-4)
    summed = sum(float(torch.stack([voice[name] for voice in whole]).sum(0).square().sum()) for name in LAYERS)
    assert weighed.total == pytest.approx(summed, rel=1e-4)
    for pair in weighed.pairs:
        one, other = whole[pair.first], whole[pair.second]
        inner = sum(float((one[name] * other[name]).sum()) for name in LAYERS)
        sizes = weighed.energies[pair.first], weighed.energies[pair.second]
        assert pair.alignment == pytest.approx(inner / (sizes[0] * sizes[1]), abs=1e-5)
        assert pair.energy_ratio == pytest.approx(1 + 2 * inner / (sizes[0] ** 2 + sizes[1] ** 2), rel=1e-4)
        crossed = sum(float((other[name] @ one[name].T).square().sum()) for name in LAYERS)
        own = sum(float((one[name] @ one[name].T).square().sum()) for name in LAYERS)
        assert pair.on_first == pytest.approx((crossed / own) ** 0.5, rel=1e-3)


def test_overlap_is_the_mean_squared_cosine_between_what_two_listen_to() -> None:
    one, other = adapter(1), adapter(2, rank=6)
    (pair,) = weigh([Voice(one), Voice(other)]).pairs
    expected, weights = [], []
    for name in LAYERS:
        first, second = one.modules[name], other.modules[name]
        angles = torch.linalg.qr(first.down.T)[0].T @ torch.linalg.qr(second.down.T)[0]
        expected.append(float(angles.square().sum()) / 4)
        weights.append(float(first.delta().norm() * second.delta().norm()))
    assert pair.overlap == pytest.approx(
        sum(e * w for e, w in zip(expected, weights, strict=True)) / sum(weights), rel=1e-3
    )
    assert weigh([Voice(one), Voice(one, 2.0)]).pairs[0].overlap == pytest.approx(1.0, abs=1e-4)


def test_slots_of_the_shared_basis_do_not_meet_at_all() -> None:
    found = report(lorikeet(1, "tobi", slot=1), lorikeet(2, "wimbo", slot=2), lorikeet(3, "kori", slot=3))
    for pair in found.pairs:
        assert max(pair.overlap, abs(pair.alignment), pair.on_first, pair.on_second) < 1e-4
    assert found.energy_ratio == pytest.approx(1.0, abs=1e-4)
    assert (found.level, found.weight, found.findings) == ("fine", 1.0, ())


def test_a_shared_slot_is_said_and_a_free_one_named() -> None:
    found = report(lorikeet(1, "tobi", slot=1), lorikeet(2, "wimbo", slot=1), lorikeet(3, "kori", slot=2))
    (clash,) = found.findings
    assert (found.level, clash.adapters, clash.cure, clash.slot) == ("fight", (0, 1), "retrain", 3)
    assert "same directions" in found.verdict


def test_two_that_answer_to_one_word_cannot_be_told_apart() -> None:
    found = report(lorikeet(1, "tobi", slot=1), lorikeet(2, "Tobi", slot=2))
    assert [(one.level, one.cure) for one in found.findings] == [("fight", "rename")]


def test_adapters_nobody_held_are_to_be_taught_anew_and_meanwhile_weighed_down() -> None:
    found = report(lorikeet(1, "tobi", hold=0.0), lorikeet(2, "wimbo", slot=2))
    (loose,) = [one for one in found.findings if one.title == "Not made to be added up"]
    assert (loose.adapters, loose.cure, found.level) == ((0,), "retrain", "careful")
    strongest = max(one.energy for one in found.adapters)
    total = found.energy_ratio * sum(one.energy**2 for one in found.adapters)
    assert found.weight**2 * total == pytest.approx(strongest**2, rel=1e-4)


def test_one_much_louder_than_the_rest_is_named() -> None:
    found = report(lorikeet(1, "tobi", slot=1, size=5.0), lorikeet(2, "wimbo", slot=2))
    (loud,) = found.findings
    assert (loud.adapters, loud.cure) == ((0,), "weigh")


def test_what_keeps_to_its_own_word_disturbs_nobody_there() -> None:
    apart, together = (
        report(lorikeet(1, "tobi"), lorikeet(2, "wimbo"), focus="tobi"),
        report(lorikeet(1, "tobi"), lorikeet(2, "wimbo")),
    )
    assert {layer.name for layer in together.layers} - {layer.name for layer in apart.layers} == {"unet.a.attn2.to_k"}
    assert all(one.focused for one in apart.adapters)


def test_other_kinds_of_base_are_a_fight() -> None:
    small = lorikeet(1, "tobi", slot=1)
    name = "unet.a.attn1.to_q"
    wide = Adapter({name: LoraPair(torch.randn(4, 80), torch.randn(24, 4), 4.0)}, {"lorikeet.trigger": "wimbo"})
    found = report(small, wide)
    assert found.level == "fight"
    assert found.findings[0].cure == "replace"
    assert not found.pairs


def test_what_a_stranger_wrote_into_a_file_is_taken_as_words_at_most() -> None:
    odd = adapter(1, lorikeet_recipe="[1", lorikeet_directions="-5-x")
    worse = adapter(2, lorikeet_recipe='{"objective": 3}', lorikeet_directions="9" * 30)
    found = report(odd, worse)
    assert [one.directions for one in found.adapters] == [None, None]
    assert not any(one.held for one in found.adapters)


def test_pictures_tell_how_much_is_kept(tiny_sd: Path, tmp_path: Path) -> None:
    generator = Generator(CPU)
    generator.open(f"file:{tiny_sd}")
    uses = []
    for seed, word in enumerate(("dog", "cat")):
        made = random_adapter(generator.base, alpha=20.0, seed=seed)
        write_adapter(Adapter(made.modules, {"lorikeet.trigger": word}), tmp_path / f"{word}.safetensors")
        uses.append(AdapterUse(file=str(tmp_path / f"{word}.safetensors"), weight=float(1 - seed)))
    told: list[tuple[str, int]] = []
    wanted = TryTogether(
        id="t", base=f"file:{tiny_sd}", adapters=tuple(uses), seeds=(1, 2), steps=2, folder=str(tmp_path / "out")
    )
    report = try_together(generator, wanted, on_picture=lambda file, _p, _s, column: told.append((file, column)))
    assert report == json.loads((tmp_path / "out" / "together.json").read_text("utf-8"))
    assert len(told) == len(list((tmp_path / "out").glob("*.png"))) == 2 * 3 * 4 * 2
    first, second = report["subjects"]
    assert first["likeness"]["alone"] == pytest.approx(1.0)  # its own pictures stand in for photos
    assert first["kept"]["mean"] == pytest.approx(1.0), "the other acts at strength 0, so nothing changes"
    assert second["kept"] is None, "at strength 0 it gains nothing"


def test_a_word_nobody_knows_cannot_be_tried(tiny_sd: Path, tmp_path: Path) -> None:
    generator = Generator(CPU)
    generator.open(f"file:{tiny_sd}")
    write_adapter(random_adapter(generator.base), tmp_path / "a.safetensors")
    use = AdapterUse(file=str(tmp_path / "a.safetensors"))
    wanted = TryTogether(id="t", base=f"file:{tiny_sd}", adapters=(use, use), folder=str(tmp_path / "out"))
    with pytest.raises(SettingsError, match="does not say its word"):
        try_together(generator, wanted)


def test_every_pair_is_there_once() -> None:
    found = report(*(lorikeet(n, f"word{n}") for n in range(4)))
    assert [(pair.first, pair.second) for pair in found.pairs] == list(itertools.combinations(range(4), 2))
