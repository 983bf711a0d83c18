"""Orthogonal Adaptation: its directions stay, slots never meet, and sums keep every part."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engines.api.errors import AdapterError, SettingsError
from engines.diffusion.placement import Placement
from tests.conformance.test_methods import train
from tests.diffusion.support import attach, open_tiny, probe, stir


def learned(folder: Path, slot: int, **settings: object):  # type: ignore[no-untyped-def]
    base = open_tiny(folder)
    taught = attach(base, "orthogonal", rank=4, slot=slot, **settings)
    stir(taught, seed=slot)
    return taught.adapter()


def test_learning_leaves_the_directions_bit_for_bit(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    taught = attach(base, "orthogonal", rank=4, slot=2)
    before = taught.adapter().modules
    train(base, taught)
    after = taught.adapter().modules
    assert all(torch.equal(before[name].down, pair.down) for name, pair in after.items())
    assert any(not torch.equal(before[name].up, pair.up) for name, pair in after.items())


def test_half_of_a_lora_trains(tiny_sd: Path) -> None:
    def count(name: str) -> int:
        groups = attach(open_tiny(tiny_sd), name, rank=4).parameter_groups()
        return sum(p.numel() for group in groups for p in group.parameters)

    base = open_tiny(tiny_sd)
    outputs = [
        base.networks()[site.network].get_submodule(site.path).weight.shape[0] for site in base.attention_linears()
    ]
    assert count("orthogonal") == 4 * sum(outputs)
    assert 0.4 < count("orthogonal") / count("lora") < 0.6


def test_changes_of_two_slots_are_orthogonal_whatever_was_learned(tiny_sd: Path) -> None:
    first, second = learned(tiny_sd, 1), learned(tiny_sd, 3)
    for name, pair in first.modules.items():
        other = second.modules[name]
        assert float((pair.down @ other.down.T).abs().max()) < 1e-5
        assert float((pair.delta() @ other.delta().T).abs().max()) < 1e-5
        assert float(pair.delta().norm()) > 0.01


def test_a_sum_gives_each_its_own_directions_back(tiny_sd: Path) -> None:
    """Along the directions of one adapter the sum changes a layer exactly as that adapter alone does."""
    parts = [learned(tiny_sd, slot) for slot in (1, 2, 4)]
    base = open_tiny(tiny_sd)
    name, pair = next(iter(parts[1].modules.items()))
    path = name.removeprefix("unet.")
    plain = base.networks()["unet"].get_submodule(path).weight.clone()
    Placement(base).use([(part, 1.0) for part in parts])
    change = base.networks()["unet"].get_submodule(path).weight - plain
    assert torch.allclose(change @ pair.down.T, pair.delta() @ pair.down.T, atol=1e-5)


def test_the_slot_is_told_in_the_file(tiny_sd: Path) -> None:
    told = learned(tiny_sd, 3).metadata
    assert told["lorikeet.directions"] == "8-11"
    assert told["lorikeet.basis"]


def test_without_a_slot_the_trigger_word_decides(tiny_sd: Path) -> None:
    told = [attach(open_tiny(tiny_sd), "orthogonal", rank=4, seed=seed).metadata() for seed in (0, 1)]
    assert told[0] == told[1]


def test_a_slot_beyond_the_narrowest_layer_is_refused(tiny_sd: Path) -> None:
    with pytest.raises(SettingsError, match="no slot 400"):
        attach(open_tiny(tiny_sd), "orthogonal", rank=4, slot=400)


def test_it_does_not_go_on_from_other_directions(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    taught = attach(base, "orthogonal", rank=4, slot=1)
    before = probe(base)
    with pytest.raises(AdapterError, match="other directions"):
        taught.start_from(learned(tiny_sd, 2))
    assert torch.equal(probe(base), before)
