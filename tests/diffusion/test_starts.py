"""Pairs that begin with the weights: what they begin with, that it is taken off, and what cannot be begun with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from engines.api.errors import SettingsError
from engines.diffusion.contracts import Site
from engines.diffusion.exchange.adapter import in_memory
from tests.diffusion.support import attach, open_tiny, stir


def test_pissa_begins_with_the_largest_directions_of_the_weight(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    layers: dict[Site, Any] = {
        site: base.networks()[site.network].get_submodule(site.path) for site in base.attention_linears()
    }
    before = {site: layer.weight.detach().clone() for site, layer in layers.items()}
    taught = attach(base, "lora", rank=4, init="pissa")
    for name, pair in taught.adapter().modules.items():
        assert pair.rank == 8
        assert float(pair.delta().abs().max()) < 1e-6
        assert not pair.changes
        weight = before[in_memory(name, base.networks())]
        begun = pair.scale * pair.up[:, :4] @ pair.down[:4]
        left_over = torch.linalg.svdvals(weight)[4:].norm()
        assert float((weight - begun).norm()) == pytest.approx(float(left_over), rel=0.02)
    assert all(torch.equal(layer.weight, before[site]) for site, layer in layers.items()), "the base is left alone"
    stir(taught)
    assert all(pair.changes for pair in taught.adapter().modules.values())


def test_a_file_says_the_rank_it_has(tiny_sd: Path) -> None:
    taught = attach(open_tiny(tiny_sd), "lora", rank=4, alpha=2.0, init="olora")
    stir(taught)
    assert {pair.rank for pair in taught.adapter().modules.values()} == {8}
    assert (taught.metadata()["ss_network_dim"], taught.metadata()["ss_network_alpha"]) == ("8", "4")


@pytest.mark.parametrize(("settings", "words"), [({"weight_decomposed": True}, "DoRA"), ({"rank": 256}, "rank is 256")])
def test_what_cannot_begin_with_the_weights_is_refused(tiny_sd: Path, settings: dict[str, object], words: str) -> None:
    wanted: dict[str, Any] = {"rank": 4, "init": "pissa", **settings}
    with pytest.raises(SettingsError, match=words):
        attach(open_tiny(tiny_sd), "lora", **wanted)
