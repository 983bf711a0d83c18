"""What every way to teach must hold, whatever it is; a new method is held to this before anyone writes a test for it."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from engines.api.errors import AdapterError, SettingsError
from engines.core.contracts import ParameterGroup
from engines.diffusion.contracts import Base, DenoisingBatch, LearningRates
from engines.diffusion.exchange import Adapter, read_adapter, write_adapter
from engines.diffusion.methods import method_of, registry
from engines.diffusion.objective import Weighting, denoising_loss
from engines.diffusion.placement import Placement
from tests.diffusion.support import RATES, SUBJECT, attach, open_tiny, probe, stir, stock

VARIANTS: dict[str, list[dict[str, object]]] = {
    "lora": [
        {},
        {"rank": 4, "alpha": 2.0, "init": "gaussian", "feed_forward": True},
        {"rank": 4, "alpha": 3.0, "rank_stabilised": True, "text_encoder": True},
        {"rank": 4, "weight_decomposed": True, "text_encoder": True, "feed_forward": True},
        {"rank": 4, "words_only": True, "train_word": True},
        {"rank": 4, "alpha": 2.0, "init": "pissa"},
        {"rank": 4, "init": "olora", "text_encoder": True},
    ],
    "orthogonal": [{"rank": 4}, {"rank": 2, "slot": 5, "text_encoder": True, "train_word": True}, {"words_only": True}],
    "tara": [{}, {"rank": 4, "alpha": 16.0}, {"rank": 4, "words_only": True, "alignment": 0.0, "train_word": True}],
}


LARGER: dict[str, list[dict[str, object]]] = {
    "lora": [{"rank": 4, "alpha": 3.0, "text_encoder": True, "feed_forward": True}],
    "orthogonal": [{"rank": 2, "slot": 5, "text_encoder": True}],
}


def cases() -> list[object]:
    """Every registered method with its defaults, and with the variants listed for it; fewer on the larger kind of base."""
    names = [name for name, _ in registry().items()]
    return [
        pytest.param(name, settings, f"tiny_{kind}", id=f"{kind}-{name}-{number}")
        for kind, variants in (("sd", VARIANTS), ("sdxl", LARGER))
        for name in names
        for number, settings in enumerate(variants.get(name, [{}]))
    ]


@pytest.fixture
def tiny(request: pytest.FixtureRequest) -> Path:
    """The folder of a tiny base of one kind or the other."""
    return request.getfixturevalue(request.param)


def parameters(groups: list[ParameterGroup]) -> list[torch.nn.Parameter]:
    return [parameter for group in groups for parameter in group.parameters]


def batch_for(base: Base) -> DenoisingBatch:
    side = base.info.resolution // base.info.latent_factor
    generator = torch.Generator().manual_seed(5)
    mean = torch.randn(2, base.info.latent_channels, side, side, generator=generator)
    return DenoisingBatch(mean, torch.full_like(mean, 0.1), None, base.tokenize(["a sks dog", ""]), None, subjects=2)


def loss_of(base: Base, *, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    batch = batch_for(base)
    assert batch.tokens is not None
    return denoising_loss(base, batch, base.encode_tokens(batch.tokens), Weighting(5.0))


def train(base: Base, trainable: object, steps: int = 2) -> None:
    optimizer = torch.optim.AdamW(parameters(trainable.parameter_groups()), lr=1e-2)
    for step in range(steps):
        loss_of(base, seed=step).backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])
def test_nothing_changes_before_the_first_step(name: str, settings: dict[str, object], tiny: Path) -> None:
    base = open_tiny(tiny)
    before = probe(base)
    attach(base, name, **settings)
    assert torch.equal(probe(base), before)


@pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])
def test_switched_off_the_base_answers_for_itself(name: str, settings: dict[str, object], tiny: Path) -> None:
    base = open_tiny(tiny)
    without = {prompt: probe(base, prompt) for prompt in ("a dog", "a fibo dog")}
    trainable = attach(base, name, **settings)
    stir(trainable)
    changed = {prompt: probe(base, prompt) for prompt in without}
    with trainable.switched_off():
        assert all(torch.equal(probe(base, prompt), answer) for prompt, answer in without.items())
    assert all(torch.equal(probe(base, prompt), answer) for prompt, answer in changed.items())
    trained = parameters(trainable.parameter_groups())
    assert all(parameter.requires_grad for parameter in trained)


@pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])
def test_gradients_reach_what_trains_and_nothing_else(name: str, settings: dict[str, object], tiny: Path) -> None:
    base = open_tiny(tiny)
    trainable = attach(base, name, **settings)
    stir(trainable)  # at zero, half of a pair has no gradient yet
    loss_of(base).backward()
    trained = parameters(trainable.parameter_groups())
    assert trained
    assert len({id(parameter) for parameter in trained}) == len(trained)
    for parameter in trained:
        assert parameter.dtype == torch.float32
        assert parameter.grad is not None
        assert bool(parameter.grad.any())
    known = {id(parameter) for parameter in trained}
    for network in base.networks().values():
        for label, parameter in network.named_parameters():
            assert id(parameter) in known or (parameter.grad is None and not parameter.requires_grad), label


@pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])
def test_rates_follow_the_networks(name: str, settings: dict[str, object], tiny: Path) -> None:
    base = open_tiny(tiny)
    trainable = method_of(name, settings).attach(base, LearningRates(3e-3, 4e-4), SUBJECT)
    rates = {group.name: group.learning_rate for group in trainable.parameter_groups()}
    assert rates.pop("unet") == 3e-3
    assert rates.pop("word", 1.0) > 0  # its own: by the size of the word's vectors
    assert set(rates.values()) <= {4e-4}


@pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])
def test_the_state_goes_round_and_its_names_are_stable(name: str, settings: dict[str, object], tiny: Path) -> None:
    base = open_tiny(tiny)
    trainable = attach(base, name, **settings)
    stir(trainable)
    state = trainable.state()
    for tensor in state.values():
        assert tensor.dtype == torch.float32
        assert tensor.device.type == "cpu"
        assert not tensor.requires_grad
    fresh_base = open_tiny(tiny)
    fresh = attach(fresh_base, name, seed=99, **settings)
    assert list(fresh.state()) == list(state)
    fresh.load_state(state)
    assert all(torch.equal(tensor, state[label]) for label, tensor in fresh.state().items())
    assert torch.equal(probe(fresh_base), probe(base))
    state[next(iter(state))].add_(1.0)  # a copy: the running method must not feel it
    assert not torch.equal(fresh.state()[next(iter(state))], state[next(iter(state))])


@pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])
def test_a_state_that_does_not_fit_is_refused(name: str, settings: dict[str, object], tiny: Path) -> None:
    trainable = attach(open_tiny(tiny), name, **settings)
    state = trainable.state()
    first = next(iter(state))
    with pytest.raises(AdapterError):
        trainable.load_state({label: tensor for label, tensor in state.items() if label != first})
    with pytest.raises(AdapterError):
        trainable.load_state({**state, "surplus": torch.zeros(1)})
    with pytest.raises(AdapterError):
        trainable.load_state({**state, first: torch.zeros(1, 2, 3)})


@pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])
def test_a_resumed_training_equals_the_undisturbed(name: str, settings: dict[str, object], tiny: Path) -> None:
    whole_base = open_tiny(tiny)
    whole = attach(whole_base, name, **settings)
    first = torch.optim.AdamW(parameters(whole.parameter_groups()), lr=1e-2)
    resumed_base = open_tiny(tiny)
    resumed = attach(resumed_base, name, seed=5, **settings)
    second = torch.optim.AdamW(parameters(resumed.parameter_groups()), lr=1e-2)
    for step in range(4):
        if step == 2:
            resumed.load_state(whole.state())
            second.load_state_dict(copy.deepcopy(first.state_dict()))
        for base, optimizer in ((whole_base, first), (resumed_base, second)):
            if optimizer is second and step < 2:
                continue
            loss_of(base, seed=step).backward()
            optimizer.step()
            optimizer.zero_grad()
    assert all(torch.equal(tensor, whole.state()[label]) for label, tensor in resumed.state().items())


@pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])
def test_other_tools_get_the_same_pictures(name: str, settings: dict[str, object], tiny: Path, tmp_path: Path) -> None:
    base = open_tiny(tiny)
    trainable = attach(base, name, **settings)
    stir(trainable)
    write_adapter(Adapter(trainable.adapter().modules, trainable.metadata()), tmp_path / "a.safetensors", "diffusers")
    other = stock(tiny)
    other.load_lora_weights(str(tmp_path), weight_name="a.safetensors")
    reference = open_tiny(tiny)
    reference.unet = other.unet
    reference._texts = {label: getattr(other, label) for label in reference._texts}
    same = torch.allclose(probe(reference), probe(base), rtol=1e-4, atol=1e-5)
    assert same is (registry().get(name).exact_elsewhere and not settings.get("train_word"))
    assert not torch.allclose(probe(open_tiny(tiny)), probe(base), atol=1e-4)


@pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])
def test_put_into_the_weights_it_acts_the_same_and_comes_out_again(
    name: str, settings: dict[str, object], tiny: Path
) -> None:
    attached = open_tiny(tiny)
    trainable = attach(attached, name, **settings)
    stir(trainable)
    merged = open_tiny(tiny)
    plain = probe(merged)
    placement = Placement(merged)
    placement.use([(trainable.adapter(), 1.0)])
    torch.testing.assert_close(probe(merged), probe(attached), rtol=1e-4, atol=1e-5)
    placement.clear()
    assert torch.equal(probe(merged), plain)


@pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])
def test_another_run_can_start_from_it(name: str, settings: dict[str, object], tiny: Path, tmp_path: Path) -> None:
    first_base = open_tiny(tiny)
    first = attach(first_base, name, **settings)
    stir(first)
    write_adapter(first.adapter(), tmp_path / "a.safetensors")
    second_base = open_tiny(tiny)
    second = attach(second_base, name, seed=7, **settings)
    second.start_from(read_adapter(tmp_path / "a.safetensors"))
    torch.testing.assert_close(probe(second_base), probe(first_base), rtol=1e-4, atol=1e-5)
    train(second_base, second)
    assert not torch.allclose(probe(second_base), probe(first_base), atol=1e-5)


@pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])
def test_metadata_are_strings(name: str, settings: dict[str, object], tiny: Path) -> None:
    metadata = attach(open_tiny(tiny), name, **settings).metadata()
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in metadata.items())
    assert {"ss_network_module", "ss_network_dim", "ss_network_alpha"} <= set(metadata)


@pytest.mark.parametrize(("name", "settings", "tiny"), cases(), indirect=["tiny"])
def test_a_base_that_lacks_something_is_explained(name: str, settings: dict[str, object], tiny: Path) -> None:
    base = open_tiny(tiny)

    class Bare:
        """The same base without any ability."""

        info = base.info
        abilities: frozenset[str] = frozenset()

    with pytest.raises(SettingsError) as caught:
        method_of(name, settings).attach(Bare(), RATES, SUBJECT)
    assert base.info.title in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("name", [name for name, _ in registry().items()])
def test_settings_describe_themselves(name: str) -> None:
    kind = registry().get(name)
    assert kind.title
    assert kind.sentence.endswith(".")
    assert kind.needs
    for label, field in kind.model_json_schema()["properties"].items():
        assert field["title"], label
        assert "_" not in field["title"], label
        assert field["description"].endswith("."), label
        assert "default" in field, label
        assert set(field["lorikeet"]) >= {"advanced", "unit", "group", "choices"}, label
    with pytest.raises(SettingsError):
        method_of(name, {"no such setting": 1})
