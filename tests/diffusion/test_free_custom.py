"""Tuning-free composition: without references it is the stock attention, without weight plain concatenation, and black cut-outs count as none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from engines.api.compose import Composition
from engines.api.errors import SettingsError
from engines.diffusion.composers._attention import SELF, attend, attentions, joined, split
from engines.diffusion.composers._blend import Maps
from engines.diffusion.composers._free_custom import Masks, Referred, _later
from engines.diffusion.composers.free_custom import FreeCustom
from engines.diffusion.stage import Stage
from tests.diffusion.composing import opened, pair
from tests.diffusion.support import open_tiny

CPU = torch.device("cpu")
CELLS = 16


def layer(tiny: Path) -> object:
    return _later(attentions(open_tiny(tiny).networks()["unet"], SELF))[0]


def asked(attention: object, rows: int) -> torch.Tensor:
    return torch.randn(rows, CELLS, attention.to_q.in_features, generator=torch.Generator().manual_seed(2))


def masks(*values: float) -> Masks:
    return Masks([torch.full((8, 8), value) for value in values], (4, 4), CPU)


@torch.no_grad()
def test_no_references_is_the_stock_attention(tiny_sd: Path) -> None:
    attention, hidden = layer(tiny_sd), asked(layer(tiny_sd), 4)
    stock = attention(hidden)
    none = Referred(masks(0.0), 0, 3.0, guided=True)(attention, hidden)
    torch.testing.assert_close(none, stock, rtol=1e-4, atol=1e-5)
    black = Referred(masks(0.0, 0.0), 2, 3.0, guided=False)(attention, hidden)
    torch.testing.assert_close(black, stock, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_white_cut_outs_without_strength_are_plain_concatenation(tiny_sd: Path) -> None:
    attention, hidden = layer(tiny_sd), asked(layer(tiny_sd), 4)  # negative, picture, two references
    found = Referred(masks(1.0, 1.0), 2, 0.0, guided=True)(attention, hidden)
    queries, keys, values = (split(attention, one(hidden)) for one in (attention.to_q, attention.to_k, attention.to_v))
    whole = [torch.cat([states[1], states[2], states[3]], dim=1)[None] for states in (keys, values)]
    torch.testing.assert_close(found[1:2], joined(attention, attend(queries[1:2], *whole)), rtol=1e-4, atol=1e-5)
    stock = attention(hidden)
    torch.testing.assert_close(found[[0, 2, 3]], stock[[0, 2, 3]], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_strength_draws_to_the_references(tiny_sd: Path) -> None:
    attention, hidden = layer(tiny_sd), asked(layer(tiny_sd), 2)
    alone = joined(attention, attend(*(split(attention, one(part)) for one, part in (
        (attention.to_q, hidden[:1]), (attention.to_k, hidden[1:]), (attention.to_v, hidden[1:])
    ))))  # fmt: skip
    gaps = [
        float((Referred(masks(1.0), 1, w, guided=False)(attention, hidden)[:1] - alone).norm())
        for w in (0.0, 3.0, 10.0)
    ]
    assert gaps[0] > gaps[1] > gaps[2]


def test_only_what_is_cut_out_is_seen() -> None:
    cutout = torch.zeros(8, 8)
    cutout[:4, :4] = 1.0
    seen = Masks([torch.zeros(8, 8), cutout], (4, 4), CPU).seen(CELLS)
    assert seen.tolist() == [16, 17, 20, 21]


def test_the_papers_layers_take_part() -> None:
    paths = [
        f"{block}.attentions.{n}.transformer_blocks.0.attn1"
        for block in ("down_blocks.0", "mid_block", "up_blocks.1", "up_blocks.2", "up_blocks.3")
        for n in range(3)
    ]
    assert _later({path: path for path in paths}) == paths[-6:]


def test_the_pictures_matter_and_a_black_cut_out_is_refused(tiny_sd: Path, tmp_path: Path) -> None:
    generator = opened(tiny_sd)
    composition = pair(tiny_sd, generator, tmp_path, "free_custom")
    first, second = composition.concepts

    def predicted(wanted: Composition) -> torch.Tensor:
        stage = Stage.of(generator, wanted)
        noise = torch.randn(
            1, generator.base.info.latent_channels, *stage.latent_grid, generator=torch.Generator().manual_seed(1)
        )
        with torch.no_grad(), FreeCustom().staged(stage) as course:
            return course([wanted.prompt], (1,)).predict(noise, torch.tensor(500))

    swapped = composition.model_copy(
        update={"concepts": (first.model_copy(update={"picture": second.picture}), second)}
    )
    assert not torch.allclose(predicted(composition), predicted(swapped), atol=1e-5)
    Image.new("L", (48, 48), 0).save(first.cutout)
    with pytest.raises(SettingsError, match="empty"):
        predicted(composition)


def test_shares_of_attention_add_up_and_sharpen() -> None:
    looked = torch.tensor([[[0.3, 0.1], [0.2, 0.2], [0.0, 0.4], [0.1, 0.1]]])
    soft, sharp = (Maps(2, (2, 2), sharpness) for sharpness in (1.0, 4.0))
    assert torch.equal(soft.weights(4, 2), torch.full((1, 4, 2), 0.5))
    mild, clear = soft.note(looked), sharp.note(looked)
    torch.testing.assert_close(mild.sum(dim=-1), torch.ones(1, 4))
    assert float(clear[0, 0, 0]) > float(mild[0, 0, 0]) == pytest.approx(0.75)
    soft.step()
    torch.testing.assert_close(soft.weights(4, 2)[1], mild[0], atol=1e-5, rtol=1e-4)
    soft.begin()
    assert torch.equal(soft.weights(4, 1), torch.full((1, 4, 2), 0.5))
