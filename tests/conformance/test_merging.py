"""What every rule of merging must hold, and what each of them means, on changes small enough to work out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from engines.api.errors import AdapterError, SettingsError
from engines.api.uses import AdapterUse
from engines.diffusion.exchange import Adapter, LoraPair, read_adapter
from engines.diffusion.merge import merge, write_checkpoint
from engines.diffusion.merging import entries, registry, rule_of
from engines.diffusion.merging._layers import Layer, Weighted, pair_of
from engines.diffusion.merging.breadcrumbs import between
from engines.diffusion.merging.fusion import solved
from engines.diffusion.merging.learned import strengths
from engines.diffusion.merging.ties import elected, trimmed
from engines.diffusion.placement import Placement
from tests.diffusion.composing import adapter_file, opened
from tests.diffusion.support import changes, open_tiny, probe, random_adapter

RULES = [name for name, _ in registry().items()]


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def layer(*ranks: int, size: int = 12, out: int = 9) -> Layer:
    pairs = tuple(LoraPair(drawn(r, size, seed=n), drawn(out, r, seed=n + 50), 1.5 * r) for n, r in enumerate(ranks))
    return Layer("unet.a", tuple(range(len(ranks))), pairs, tuple(1.0 for _ in ranks))


@pytest.fixture(scope="module")
def two(tiny_sd: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[AdapterUse, AdapterUse]:
    base, folder = open_tiny(tiny_sd), tmp_path_factory.mktemp("two")
    files = [
        adapter_file(base, folder, trigger, noun, seed=n)
        for n, (trigger, noun) in enumerate((("sks", "dog"), ("zumo", "car")))
    ]
    return AdapterUse(file=str(files[0])), AdapterUse(file=str(files[1]), weight=0.5)


def test_every_file_registers_one_rule() -> None:
    assert registry().broken == {}
    assert (
        len({entry.title for entry in entries()})
        == len(entries())
        == len({kind.order for _, kind in registry().items()})
    )
    assert all(entry.sentence.endswith(".") and entry.paper and set(entry.needs) <= {"base"} for entry in entries())


@pytest.mark.parametrize("rule", RULES)
def test_a_merge_is_one_adapter_that_is_read_back_the_same_every_time(
    tiny_sd: Path, two: tuple[AdapterUse, AdapterUse], rule: str, tmp_path: Path
) -> None:
    generator = opened(tiny_sd)
    before = probe(generator.base)
    told = merge(two, rule, {}, tmp_path / "a.safetensors", generator=generator, form="kohya")
    merge(two, rule, {}, tmp_path / "b.safetensors", generator=generator, form="kohya")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert torch.equal(probe(generator.base), before)
    found = read_adapter(tmp_path / "a.safetensors")
    assert set(found.modules) == set(read_adapter(Path(two[0].file)).modules)
    assert all(torch.isfinite(change).all() and change.any() for change in changes(found).values())
    assert found.metadata["lorikeet.trigger"] == "sks, zumo"
    assert json.loads(found.metadata["lorikeet.merged"])["rule"] == rule
    assert told.rank == max(pair.rank for pair in found.modules.values()) <= 8
    kind = rule_of(rule, {})
    assert 0.0 <= told.error < 1.0
    assert told.error == 0.0 or not kind.exact


def test_the_sum_is_the_sum_and_averaging_factors_is_not(two: tuple[AdapterUse, AdapterUse], tmp_path: Path) -> None:
    merge(two, "sum", {}, tmp_path / "sum.safetensors")
    first, second = (read_adapter(Path(use.file)) for use in two)
    for name, change in changes(read_adapter(tmp_path / "sum.safetensors")).items():
        one, other = first.modules[name], second.modules[name]
        exact = one.delta() + 0.5 * other.delta()
        torch.testing.assert_close(change, exact, rtol=1e-4, atol=1e-6)
        averaged = (one.up + 0.5**0.5 * other.up) @ (one.down + 0.5**0.5 * other.down)
        assert float((one.scale * averaged - exact).norm() / exact.norm()) > 0.3


def test_one_adapter_alone_stays_itself_by_every_rule_that_is_exact_on_it() -> None:
    alone = layer(3)
    rows = [drawn(40, 12, seed=9)]
    torch.testing.assert_close(strengths(alone, rows, 0.0), torch.ones(1, dtype=torch.float64))
    (down,) = solved(alone, rows, 1e-9)
    torch.testing.assert_close(down, alone.pairs[0].down, rtol=1e-4, atol=1e-4)
    change = alone.changes()
    torch.testing.assert_close(elected(trimmed(change, 1.0), mean=True), change[0])
    torch.testing.assert_close(between(change, 0.0, 0.0), change)


def test_fusion_answers_each_concept_as_its_own_adapter_where_they_ask_different_things() -> None:
    both = layer(2, 3)
    basis = torch.linalg.qr(drawn(12, 12, seed=3))[0]
    asked = [drawn(30, 5, seed=4) @ basis[:5], drawn(30, 5, seed=5) @ basis[5:10]]
    downs = solved(both, asked, 1e-9)
    whole = sum(pair.scale * pair.up @ down for pair, down in zip(both.pairs, downs, strict=True))
    for rows, pair in zip(asked, both.pairs, strict=True):
        torch.testing.assert_close(rows @ whole.T, rows @ pair.delta().T, rtol=1e-3, atol=1e-3)


def test_fusion_is_the_least_squares_answer() -> None:
    both, ridge = layer(2, 2), 0.01
    asked = [drawn(30, 12, seed=4), drawn(30, 12, seed=5)]
    grams = [rows.T @ rows / len(rows) for rows in asked]
    hold = ridge * sum(grams).diagonal().mean()

    def error(change: torch.Tensor) -> torch.Tensor:
        parts = [
            torch.einsum("oi,ij,oj->", change - pair.delta(), gram, change - pair.delta())
            for pair, gram in zip(both.pairs, grams, strict=True)
        ]
        return sum(parts) + hold * change.square().sum()

    downs = solved(both, asked, ridge)
    change = sum(pair.scale * pair.up @ down for pair, down in zip(both.pairs, downs, strict=True)).requires_grad_()
    (gradient,) = torch.autograd.grad(error(change), change)
    assert float(gradient.norm()) < 1e-3 * float(error(torch.zeros_like(change)).detach())


def test_fitted_strengths_leave_adapters_alone_that_do_not_meet() -> None:
    both = layer(2, 3)
    basis = torch.linalg.qr(drawn(12, 12, seed=3))[0]
    apart = [drawn(30, 6, seed=4) @ basis[:6], drawn(30, 6, seed=5) @ basis[6:]]
    quiet = Layer(
        "unet.a",
        (0, 1),
        tuple(
            LoraPair(pair.down @ own.T @ own, pair.up, pair.alpha)
            for pair, own in zip(both.pairs, (basis[:6], basis[6:]), strict=True)
        ),
        (1.0, 1.0),
    )
    torch.testing.assert_close(strengths(quiet, apart, 0.0), torch.ones(2, dtype=torch.float64), rtol=1e-4, atol=1e-4)
    assert float(strengths(both, [drawn(30, 12, seed=4), drawn(30, 12, seed=5)], 0.0).max()) < 1.0


def test_signs_are_settled_weight_by_weight() -> None:
    found = torch.tensor([[[3.0, -1.0, 0.0]], [[1.0, 4.0, 0.0]], [[-2.0, 2.0, 0.0]]])
    assert elected(found, mean=True).tolist() == [[2.0, 3.0, 0.0]]
    assert elected(found, mean=False).tolist() == [[4.0, 6.0, 0.0]]
    assert trimmed(torch.tensor([[[3.0, -1.0, 0.5, 4.0]]]), 0.5).tolist() == [[[3.0, 0.0, 0.0, 4.0]]]


def test_extremes_are_left_out_at_both_ends() -> None:
    found = torch.tensor([[[1.0, -5.0, 2.0, 3.0, -4.0]]])
    assert between(found, 0.4, 0.2).tolist() == [[[0.0, 0.0, 0.0, 3.0, -4.0]]]


def test_the_nearest_pair_is_as_near_as_can_be() -> None:
    like = LoraPair(torch.zeros(2, 40), torch.zeros(50, 2), 2.0)
    change = drawn(50, 40)
    left, sizes, right = torch.linalg.svd(change, full_matrices=False)
    best = left[:, :6] @ torch.diag(sizes[:6]) @ right[:6]
    found = pair_of(change, 6, like).delta()
    assert float((change - found).norm()) < 1.02 * float((change - best).norm())
    torch.testing.assert_close(pair_of(change, 40, like).delta(), change, rtol=1e-3, atol=1e-3)


def test_a_kernel_stays_a_kernel() -> None:
    conv = LoraPair(drawn(2, 6, 3, 3), drawn(8, 2, 1, 1, seed=1), 2.0)
    parts = [Weighted(Adapter({"unet.c": conv}), 1.0)] * 2
    for rule in ("sum", "ties"):
        found = rule_of(rule, {}).merged(parts, None).adapter.modules["unet.c"]
        assert found.down.shape[1:] == (6, 3, 3)
        assert found.up.shape[2:] == (1, 1)


def test_what_cannot_be_merged_is_said(tiny_sd: Path, two: tuple[AdapterUse, AdapterUse], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs the base"):
        merge(two, "fusion", {}, tmp_path / "a.safetensors")
    with pytest.raises(SettingsError, match="density"):
        merge(two, "ties", {"density": 2.0}, tmp_path / "a.safetensors")
    decomposed = LoraPair(torch.ones(1, 4), torch.ones(4, 1), 1.0, dora=torch.ones(4))
    with pytest.raises(AdapterError, match="weight-decomposed"):
        rule_of("sum", {}).merged([Weighted(Adapter({"unet.a": decomposed}), 1.0)], None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["tiny_sd", "tiny_sdxl"])
def test_a_whole_model_answers_as_the_base_with_the_adapters(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    tiny = request.getfixturevalue(kind)
    base = open_tiny(tiny)
    uses = [
        AdapterUse(file=str(adapter_file(base, tmp_path, word, "dog", seed=n)), weight=0.7)
        for n, word in enumerate(("a", "b"))
    ]
    write_checkpoint(f"file:{tiny}", uses, tmp_path / "model")
    Placement(base).use([(random_adapter(base, seed=n), 0.7) for n in range(2)])
    torch.testing.assert_close(probe(open_tiny(tmp_path / "model")), probe(base), rtol=1e-4, atol=1e-5)
    with pytest.raises(AdapterError, match="could not be written"):
        write_checkpoint(f"file:{tiny}", uses, tmp_path / "model")
