"""What every way to erase must hold, whatever it is; a new one is held to this before anyone writes a test for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engines.api.erase_job import Erasure
from engines.api.errors import AdapterError, SettingsError
from engines.diffusion.contracts import LearningRates
from engines.diffusion.erasers import eraser_of, registry
from engines.diffusion.erasing.contracts import Wish
from engines.diffusion.exchange import read_adapter, write_adapter
from engines.diffusion.placement import Placement
from engines.launch.eraser_marks import unpack
from tests.diffusion.erasing import WISH, begin, stir, stirred
from tests.diffusion.support import RATES, open_tiny, probe, random_adapter, stock

VARIANTS: dict[str, list[dict[str, object]]] = {
    "uce": [{}, {"sayings": False, "steadiness": 5.0}],
    "spm": [{}, {"sparse": 0.1, "hold": 0.0}],
    "esd": [{}, {"layers": "all", "rank": 2}, {"layers": "others", "sparse": 0.1}],
}


def cases() -> list[object]:
    """Every registered eraser with its defaults; as long trials its variants, and the larger kind of base."""
    found = []
    for name in [name for name, _ in registry().items()]:
        for number, one in enumerate(VARIANTS.get(name, [{}])):
            marks = [pytest.mark.slow] if number else []
            found.append(pytest.param(name, one, "tiny_sd", id=f"{name}-{number}", marks=marks))
        found.append(pytest.param(name, {}, "tiny_sdxl", id=f"{name}-larger", marks=[pytest.mark.slow]))
    return found


ALL = pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])


@pytest.fixture
def tiny(request: pytest.FixtureRequest) -> Path:
    """The folder of a tiny base of one kind or the other."""
    return request.getfixturevalue(request.param)


def test_none_is_broken() -> None:
    assert registry().broken == {}
    assert {"esd", "spm", "uce"} <= {name for name, _ in registry().items()}


@ALL
def test_nothing_changes_before_the_first_step(name: str, settings: dict[str, object], tiny: Path) -> None:
    base = open_tiny(tiny)
    before = probe(base, "a dog")
    erasing = begin(base, name, **settings)
    with erasing.acting([0, -1]):
        assert torch.equal(probe(base, "a dog"), before)


@ALL
def test_what_learns_has_parameters_and_what_is_solved_has_none(
    name: str, settings: dict[str, object], tiny: Path
) -> None:
    erasing = begin(open_tiny(tiny), name, **settings)
    groups = erasing.parameter_groups()
    assert bool(groups) is registry().get(name).learns
    assert all(one.requires_grad and one.dtype == torch.float32 for group in groups for one in group.parameters)
    assert {group.learning_rate for group in groups} <= {RATES.denoiser}
    assert sum(one.numel() for one in erasing.state().values()) == sum(
        one.numel() for group in groups for one in group.parameters
    )


@ALL
def test_switched_off_the_base_answers_for_itself(name: str, settings: dict[str, object], tiny: Path) -> None:
    base = open_tiny(tiny)
    before = probe(base, "a dog")
    erasing = begin(base, name, **settings)
    stir(erasing)
    with erasing.acting([0, 0]):
        changed = probe(base, "a dog")
        with erasing.switched_off():
            assert torch.equal(probe(base, "a dog"), before)
        assert torch.equal(probe(base, "a dog"), changed)
    assert torch.equal(changed, before) is not registry().get(name).learns


@ALL
def test_the_state_goes_round_and_one_that_does_not_fit_is_refused(
    name: str, settings: dict[str, object], tiny: Path
) -> None:
    base, other = open_tiny(tiny), open_tiny(tiny)
    erasing, fresh = begin(base, name, **settings), begin(other, name, seed=9, **settings)
    stir(erasing)
    state = erasing.state()
    fresh.load_state(state)
    assert list(fresh.state()) == list(state)
    assert all(torch.equal(one, state[label]) for label, one in fresh.state().items())
    with pytest.raises(AdapterError):
        fresh.load_state({**state, "surplus": torch.zeros(1)})
    for label in list(state)[:1]:
        with pytest.raises(AdapterError):
            fresh.load_state({**state, label: torch.zeros(1, 2, 3)})


@ALL
def test_in_use_it_acts_as_its_file_does_and_comes_out_again(
    name: str, settings: dict[str, object], tiny: Path, tmp_path: Path
) -> None:
    base, other = open_tiny(tiny), open_tiny(tiny)
    plain = probe(other, "a dog")
    erasing = begin(base, name, **settings)
    stir(erasing)
    write_adapter(erasing.adapter(), tmp_path / "eraser.safetensors")
    placement = Placement(other)
    placement.use([(read_adapter(tmp_path / "eraser.safetensors"), 1.0)])
    with erasing.in_use(base):
        used = probe(base, "a dog")
    close = {"rtol": 1e-3, "atol": 1e-4} if settings.get("sparse") else {"rtol": 1e-4, "atol": 1e-5}
    if not settings.get("sparse"):  # what the file leaves out of itself is small, not nothing
        torch.testing.assert_close(probe(other, "a dog"), used, **close)
    assert not torch.allclose(probe(other, "a dog"), plain, atol=1e-4)
    placement.clear()
    assert torch.equal(probe(other, "a dog"), plain)


@ALL
def test_erasers_and_personal_adapters_go_together_in_any_order(
    name: str, settings: dict[str, object], tiny: Path
) -> None:
    base = open_tiny(tiny)
    first = stirred(open_tiny(tiny), name, **settings)
    second = stirred(open_tiny(tiny), "spm", seed=2, wish=Wish((Erasure(target="hat"),)))
    personal = random_adapter(base, text="sdxl" not in str(tiny))
    placement = Placement(base)
    answers = []
    for order in ((first, second, personal), (personal, second, first), (second, personal, first)):
        placement.use([(one, 0.7) for one in order])
        answers.append(probe(base, "a dog in a red hat"))
    torch.testing.assert_close(answers[1], answers[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(answers[2], answers[0], rtol=1e-4, atol=1e-5)
    placement.use([(personal, 0.7)])
    assert not torch.allclose(probe(base, "a dog in a red hat"), answers[0], atol=1e-4)


@ALL
def test_other_tools_get_the_same_pictures_where_it_says_so(
    name: str, settings: dict[str, object], tiny: Path, tmp_path: Path
) -> None:
    adapter = stirred(open_tiny(tiny), name, **settings)
    write_adapter(adapter, tmp_path / "a.safetensors", "diffusers")
    other = stock(tiny)
    other.load_lora_weights(str(tmp_path), weight_name="a.safetensors")
    reference = open_tiny(tiny)
    reference.unet = other.unet
    base = open_tiny(tiny)
    placement = Placement(base)
    placement.use([(adapter, 1.0)])
    same = torch.allclose(probe(reference, "a bird"), probe(base, "a bird"), rtol=1e-4, atol=1e-5)
    assert same is registry().get(name).exact_elsewhere
    for kind in ("kohya", "peft"):
        write_adapter(adapter, tmp_path / kind, kind)
        assert len(read_adapter(tmp_path / kind).modules) == len(adapter.modules)


@ALL
def test_its_file_says_what_it_erases(name: str, settings: dict[str, object], tiny: Path) -> None:
    adapter = stirred(open_tiny(tiny), name, **settings)
    marks = unpack(adapter.metadata)
    assert [(mark.target, mark.surrogate) for mark in marks] == [("dog", "cat"), ("red hat", "")]
    if registry().get(name).separable:
        assert all(pair.rank == sum(mark.rows for mark in marks) for pair in adapter.modules.values())


@ALL
def test_what_it_cannot_do_is_explained(name: str, settings: dict[str, object], tiny: Path) -> None:
    base = open_tiny(tiny)

    class Bare:
        """The same base without any ability."""

        info = base.info
        abilities: frozenset[str] = frozenset()

    with pytest.raises(SettingsError) as caught:
        eraser_of(name, settings).attach(Bare(), RATES, WISH)
    assert base.info.title in str(caught.value)
    with pytest.raises(SettingsError, match="cannot spell"):
        begin(open_tiny(tiny), name, wish=Wish((Erasure(target="\u200b"),)), **settings)


@pytest.mark.parametrize("name", [name for name, _ in registry().items()])
def test_settings_describe_themselves(name: str) -> None:
    kind = registry().get(name)
    assert kind.title
    assert kind.sentence.endswith(".")
    assert kind.needs
    for label, field in kind.model_json_schema()["properties"].items():
        assert field["title"], label
        assert field["description"].endswith("."), label
        assert "default" in field, label
    with pytest.raises(SettingsError):
        eraser_of(name, {"no such setting": 1})


def test_rates_follow_the_denoiser(tiny_sd: Path) -> None:
    for name, kind in registry().items():
        groups = eraser_of(name, {}).attach(open_tiny(tiny_sd), LearningRates(3e-3, 4e-4), WISH).parameter_groups()
        assert {group.learning_rate for group in groups} == ({3e-3} if kind.learns else set())
