"""A trigger word whose vectors are learned: only that word changes, files carry it, and other tools get the same from an embedding file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline

from engines.api.errors import AdapterError, SettingsError
from engines.api.job import JobConcept
from engines.diffusion.exchange import export, read_adapter, write_adapter
from engines.diffusion.exchange.taught_words import KEY
from engines.diffusion.methods import method_of
from engines.diffusion.placement import Placement
from engines.diffusion.words import shifted
from tests.conformance.test_methods import train
from tests.diffusion.support import RATES, attach, open_tiny, probe, stir


def test_only_the_word_is_embedded_otherwise(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    prompts = ["a dog", "a sks dog", ""]
    before = base.encode_prompts(prompts)["hidden"].clone()
    taught = attach(base, "lora", train_word=True)
    stir(taught, size=0.5)
    after = base.encode_prompts(prompts)["hidden"]
    assert torch.equal(after[0], before[0])
    assert torch.equal(after[2], before[2])
    assert not torch.allclose(after[1], before[1], atol=1e-3)


def test_each_piece_gets_its_own_shift_at_every_occurrence() -> None:
    tokens = torch.tensor([[1, 5, 6, 2, 5, 6], [5, 2, 6, 1, 1, 5]])
    shifts = torch.tensor([[1.0, 0.0], [0.0, 10.0]])
    found = shifted(torch.zeros(2, 6, 2), tokens, (5, 6), shifts)
    assert found.sum(dim=-1).tolist() == [[0, 1, 10, 0, 1, 10], [0, 0, 0, 0, 0, 0]]


def test_it_learns_and_keeps_its_rate_to_the_size_of_the_vectors(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    taught = attach(base, "orthogonal", rank=4, train_word=True)
    (group,) = [group for group in taught.parameter_groups() if group.name == "word"]
    size = float(torch.cat([one.flatten() for one in base.word_vectors("sks")]).square().mean().sqrt())
    assert group.learning_rate == pytest.approx(0.05 * size)
    train(base, taught)
    assert all(bool(parameter.any()) for parameter in group.parameters)


def test_files_carry_the_word_through_every_format(tiny_sd: Path, tmp_path: Path) -> None:
    base = open_tiny(tiny_sd)
    taught = attach(base, "lora", train_word=True)
    stir(taught)
    source = tmp_path / "a.safetensors"
    write_adapter(taught.adapter(), source)
    for kind, name in (("kohya", "k.safetensors"), ("peft", "p"), ("diffusers", "d.safetensors")):
        export(source, tmp_path / kind / name, kind)
        used = open_tiny(tiny_sd)
        Placement(used).use([(read_adapter(tmp_path / kind / name), 1.0)])
        torch.testing.assert_close(probe(used), probe(base), rtol=1e-4, atol=1e-5)
        with pytest.raises(AdapterError, match="is there already"):
            export(source, tmp_path / kind / f"other-{name}", kind)


def test_diffusers_gets_the_same_from_adapter_and_embedding_file(tiny_sd: Path, tmp_path: Path) -> None:
    base = open_tiny(tiny_sd)
    taught = attach(base, "lora", train_word=True)
    stir(taught)
    write_adapter(taught.adapter(), tmp_path / "a.safetensors")
    export(tmp_path / "a.safetensors", tmp_path / "out" / "tool.safetensors", "diffusers")
    other = StableDiffusionPipeline.from_pretrained(tiny_sd, safety_checker=None)
    other.load_lora_weights(str(tmp_path / "out"), weight_name="tool.safetensors")
    other.load_textual_inversion(str(tmp_path / "out" / "embeddings" / "sks.safetensors"), token="<sks>")
    prompt = other.maybe_convert_prompt("a <sks> dog", other.tokenizer)
    tokens = other.tokenizer(
        prompt, padding="max_length", max_length=base.info.text_length, truncation=True, return_tensors="pt"
    )
    theirs = other.text_encoder(tokens.input_ids)[0]
    ours = base.encode_prompts(["a sks dog"])["hidden"]
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)


def test_strength_and_removal(tiny_sd: Path) -> None:
    base = open_tiny(tiny_sd)
    taught = attach(base, "lora", train_word=True)
    stir(taught)
    adapter = taught.adapter()
    used = open_tiny(tiny_sd)
    plain = probe(used)
    placement = Placement(used)
    own = used.word_vectors("sks")
    placement.use([(adapter, 0.5)])
    (half,) = used._shifts["sks"]
    assert torch.allclose(half, 0.5 * (adapter.words["sks"][0] - own[0]), atol=1e-6)
    placement.clear()
    assert torch.equal(probe(used), plain)


def test_a_subject_without_a_word_is_told_so(tiny_sd: Path) -> None:
    with pytest.raises(SettingsError, match="no word to teach"):
        method_of("lora", {"train_word": True}).attach(open_tiny(tiny_sd), RATES, JobConcept(name="x", trigger=""))


@pytest.mark.parametrize(
    "text", ["[", "[1]", '{"sks": 3}', '{"sks": [{"shape": [1, 2], "fp32": "AAAA"}]}', '{"sks": [{"shape": [1048576, 1048576], "fp32": ""}]}']
)  # fmt: skip
def test_damaged_words_are_refused(tiny_sd: Path, tmp_path: Path, text: str) -> None:
    adapter = attach(open_tiny(tiny_sd), "lora").adapter()
    damaged = type(adapter)(adapter.modules, {**adapter.metadata, KEY: text})
    with pytest.raises(AdapterError, match="damaged"):
        Placement(open_tiny(tiny_sd)).use([(damaged, 1.0)])


def test_a_word_of_another_base_is_refused(tiny_sd: Path) -> None:
    adapter = attach(open_tiny(tiny_sd), "lora", train_word=True).adapter()
    words = adapter.metadata[KEY].replace('"sks"', '"skss"')
    with pytest.raises(AdapterError, match="spelt otherwise"):
        Placement(open_tiny(tiny_sd)).use([(type(adapter)(adapter.modules, {**adapter.metadata, KEY: words}), 1.0)])
