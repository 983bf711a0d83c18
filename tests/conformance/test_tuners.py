"""What every way to adapt a segmentation model must hold; a new tuner is held to this before anyone writes a test for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engines.api.errors import AdapterError
from engines.segmentation.contracts import Prompts
from engines.segmentation.segmenters._segment_anything import SegmentAnything
from engines.segmentation.tuners import registry, tuner_of
from engines.segmentation.tuning import Tuning
from tests.segmentation.support import answer, open_tiny, pixels, prompts, stir, write_tiny

VARIANTS: dict[str, list[dict[str, object]]] = {
    "decoder": [{}, {"parts": "light", "prompts": True}],
    "lora": [{}, {"rank": 3, "alpha": 6.0, "places": "q k v o", "decoder": False}, {"rank": 2, "late": 0.5}],
    "adaptformer": [{}, {"width": 5, "scale_trains": True, "decoder": False}, {"width": 8, "experts": 4, "late": 0.5}],
    "sam-adapter": [{}, {"reduction": 4, "decoder": False}],
    "earth-adapter": [{}, {"width": 5, "mixed": 1.0, "decoder": False}, {"mixed": 0.0}],
    "cloud-adapter": [{}, {"rank": 3, "context": 16, "heads": 2, "grid": 4, "decoder": False, "late": 0.5}],
    "i-medsam": [{}, {"rank": 2, "narrow": 3, "width": 16, "finer": 3, "decoder": False, "late": 0.5}],
    "3dsam-adapter": [{}, {"reach": 2, "reduction": 4, "norms": False, "decoder": False, "late": 0.5}],
    "salt": [{}, {"rank": 0, "decoder": False}, {"leading": 0.25, "rank": 3, "feed_forward": True, "norms": False}],
}


def cases() -> list[object]:
    """Every registered tuner with its defaults, and with the variants listed for it."""
    return [
        pytest.param(name, settings, id=f"{name}-{number}")
        for name, _ in registry().items()
        for number, settings in enumerate(VARIANTS.get(name, [{}]))
    ]


ALL = pytest.mark.parametrize(("name", "settings"), cases())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("sam"))


def attach(model: SegmentAnything, name: str, settings: dict[str, object]) -> Tuning:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tuned = tuner_of(name, settings).attach(model, rate=1e-3)
    assert isinstance(tuned, Tuning)
    return tuned


def loss_of(model: SegmentAnything) -> torch.Tensor:
    """Of every mask, for clicks, a box and a place left empty, with and without an earlier mask."""
    asked = prompts()
    side = model.info.sizes.mask_side
    earlier = torch.randn(2, 1, side, side, generator=torch.Generator().manual_seed(8))
    points = torch.cat([asked.points, torch.zeros(2, 1, 2)], dim=1)
    labels = torch.cat([asked.labels, -torch.ones(2, 1)], dim=1)
    embeddings = model.encode(pixels())
    total = torch.zeros(())
    for masks_before in (None, earlier):
        for several in (True, False):
            masks, scores = model.decode(embeddings, Prompts(points, labels, masks_before), several=several)
            total = total + masks.square().mean() + scores.mean()
    return total


def trained(tuning: Tuning) -> dict[int, torch.nn.Parameter]:
    return {id(one): one for group in tuning.parameter_groups() for one in group.parameters}


def test_none_is_broken() -> None:
    assert registry().broken == {}
    assert {"decoder", "lora", "sam-adapter", "salt", "adaptformer"} <= {name for name, _ in registry().items()}


@ALL
def test_nothing_changes_before_the_first_step(name: str, settings: dict[str, object], tiny: Path) -> None:
    model = open_tiny(tiny)
    before = answer(model)
    tuning = attach(model, name, settings)
    assert torch.equal(answer(model), before)
    tuning.learning(False)
    assert torch.equal(answer(model), before)


@ALL
def test_gradients_reach_what_trains_and_nothing_else(name: str, settings: dict[str, object], tiny: Path) -> None:
    model = open_tiny(tiny)
    tuning = attach(model, name, settings)
    frozen = {label: one.clone() for label, one in model.network.named_parameters() if not one.requires_grad}
    stir(tuning)  # at zero, half of a pair has no gradient yet
    loss_of(model).backward()
    known = trained(tuning)
    assert known
    # Shifts before a softmax or a norm change nothing, so their gradients may vanish; that they are there must hold.
    assert all(parameter.grad is not None for parameter in known.values())
    assert sum(bool(parameter.grad.abs().max() > 1e-9) for parameter in known.values()) > 0.9 * len(known)
    torch.optim.SGD(known.values(), lr=0.1).step()
    for label, parameter in model.network.named_parameters():
        if id(parameter) not in known:
            assert parameter.grad is None, label
            assert label not in frozen or torch.equal(parameter, frozen[label]), label


@ALL
def test_the_state_goes_round_and_its_names_are_stable(name: str, settings: dict[str, object], tiny: Path) -> None:
    model = open_tiny(tiny)
    tuning = attach(model, name, settings)
    tuning.learning(False)
    stir(tuning)
    state = tuning.state()
    assert all(one.dtype == torch.float32 and not one.requires_grad for one in state.values())
    assert sum(one.numel() for one in state.values()) == sum(one.numel() for one in trained(tuning).values())
    other = open_tiny(tiny)
    fresh = attach(other, name, settings)
    fresh.learning(False)
    assert list(fresh.state()) == list(state)
    fresh.load_state(state)
    assert torch.equal(answer(other), answer(model))
    assert not torch.equal(answer(model), answer(open_tiny(tiny)))


@ALL
def test_a_state_that_does_not_fit_is_refused(name: str, settings: dict[str, object], tiny: Path) -> None:
    tuning = attach(open_tiny(tiny), name, settings)
    state = tuning.state()
    first = next(iter(state))
    with pytest.raises(AdapterError, match="missing or too many"):
        tuning.load_state({key: value for key, value in state.items() if key != first})
    with pytest.raises(AdapterError, match=r"is \(.*\) there"):
        tuning.load_state({**state, first: torch.zeros(3, 3, 3)})


@ALL
def test_taken_out_the_model_answers_as_before(name: str, settings: dict[str, object], tiny: Path) -> None:
    model = open_tiny(tiny)
    before = answer(model)
    names = [label for label, _ in model.network.named_parameters()]
    tuning = attach(model, name, settings)
    stir(tuning)
    tuning.detach()
    assert torch.equal(answer(model), before)
    assert [label for label, _ in model.network.named_parameters()] == names
    assert not any(one.requires_grad for one in model.network.parameters())


@ALL
def test_merged_the_plain_model_answers_as_the_adapted_one(name: str, settings: dict[str, object], tiny: Path) -> None:
    model = open_tiny(tiny)
    tuning = attach(model, name, settings)
    tuning.learning(False)
    stir(tuning)
    adapted = answer(model)
    if not registry().get(name).merges:
        with pytest.raises(AdapterError, match="cannot be put"):
            tuning.merge()
        return
    tuning.merge()
    torch.testing.assert_close(answer(model), adapted, rtol=1e-3, atol=1e-4)
    assert [type(one) for one in model.network.modules()] == [type(one) for one in open_tiny(tiny).network.modules()]


@ALL
def test_saving_memory_changes_no_gradient(name: str, settings: dict[str, object], tiny: Path) -> None:
    gradients = []
    for saving in (False, True):
        model = open_tiny(tiny)
        tuning = attach(model, name, settings)
        stir(tuning)
        tuning.learning(False)  # no lots: both ways must give the same
        if saving:
            model.save_memory()
        loss_of(model).backward()
        gradients.append([one.grad for one in trained(tuning).values()])
    for plain, saved in zip(*gradients, strict=True):
        assert (plain is None) == (saved is None)
        if plain is not None:
            torch.testing.assert_close(saved, plain, rtol=1e-4, atol=1e-6)


@ALL
def test_embeddings_change_only_where_the_tuner_says_so(name: str, settings: dict[str, object], tiny: Path) -> None:
    model = open_tiny(tiny)
    with torch.no_grad():
        before = model.encode(pixels())
        tuning = attach(model, name, settings)
        tuning.learning(False)
        stir(tuning)
        assert torch.equal(model.encode(pixels()), before) != tuning.encoder_changes


@ALL
def test_masks_of_any_side_are_the_same_masks(name: str, settings: dict[str, object], tiny: Path) -> None:
    model = open_tiny(tiny)
    tuning = attach(model, name, settings)
    tuning.learning(False)
    stir(tuning)
    with torch.no_grad():
        embeddings, own = model.encode(pixels()), model.info.sizes.mask_side
        once, scores = model.decode(embeddings, prompts(), several=True)
        thrice, as_sure = model.decode(embeddings, prompts(), several=True, side=3 * own)
        between, _ = model.decode(embeddings, prompts(), several=True, side=2 * own)
    assert (once.shape[-1], thrice.shape[-1], between.shape[-1]) == (own, 3 * own, 2 * own)
    assert torch.equal(as_sure, scores)
    # The middle of nine is the very place of one. Which of the unsure places are looked at again may differ at the margin.
    same = torch.isclose(thrice[..., 1::3, 1::3], once, rtol=1e-4, atol=1e-5)
    assert same.float().mean() > 0.95
    assert not torch.equal(between[..., ::2, ::2], once)
    assert model.drawn_side % own == 0
