"""What cannot be composed is said in words before anything is loaded, and what is only worth knowing beside the result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from engines.api.catalog import MethodEntry
from engines.api.compose import Composition, Concept
from engines.api.compose_words import echoed, own_words, remarks
from engines.api.errors import AdapterError, SettingsError, UserError
from engines.api.uses import AdapterUse
from engines.launch.composing import checked, misfit, offers, require

PROMPT = "a photo of a tobi bear and a zumo car on the grass"


def adapter(folder: Path, name: str, **metadata: str) -> AdapterUse:
    """A file whose header says what is asked for."""
    path = folder / f"{name}.safetensors"
    site = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    tensors = {
        f"{site}.lora_A.weight": np.zeros((2, 8), np.float32),
        f"{site}.lora_B.weight": np.zeros((8, 2), np.float32),
    }
    save_file(tensors, path, metadata={key.replace("__", "."): value for key, value in metadata.items()})
    return AdapterUse(file=str(path))


def concept(name: str, folder: Path, other: dict[str, object] | None) -> Concept:
    trigger, _, noun = name.partition(" ")
    return Concept(
        **{"name": name, "adapter": adapter(folder, trigger), "trigger": trigger, "class_noun": noun, **(other or {})}
    )


def pair(folder: Path, first: dict[str, object] | None = None, second: dict[str, object] | None = None) -> Composition:
    concepts = concept("tobi bear", folder, first), concept("zumo car", folder, second)
    return Composition(concepts=concepts, prompt=PROMPT)


def test_two_whole_concepts_need_no_words(tmp_path: Path) -> None:
    assert checked(pair(tmp_path)) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"box": (0.2, 0.1, 0.2, 0.9)}, "box of “tobi bear” is empty"),
        ({"box": (0.4, 0.9, 0.6, 0.1)}, "box of “tobi bear” is empty"),
        ({"box": (1.1, 0.1, 1.6, 0.9)}, "outside the picture"),
        ({"trigger": "ZUMO"}, "there twice"),
        ({"name": "Zumo Car"}, "there twice"),
        ({"mask": "/nowhere/mask.png"}, "mask of “tobi bear” is not there any more"),
        ({"picture": "/nowhere/photo.png"}, "picture of “tobi bear” is not there any more"),
        ({"adapter": AdapterUse(file="/nowhere/a.safetensors")}, "adapter of “tobi bear” is not there any more"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        checked(pair(tmp_path, changes))


def test_a_box_that_reaches_beyond_the_picture_counts_as_far_as_it_is_seen(tmp_path: Path) -> None:
    assert checked(pair(tmp_path, {"box": (-0.5, -1.0, 0.5, 2.0)})) == ()


def test_nothing_to_compose_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nothing to compose"):
        checked(Composition(prompt=PROMPT))
    with pytest.raises(SettingsError, match="no words"):
        checked(pair(tmp_path).model_copy(update={"prompt": "  "}))


def test_adapters_for_different_kinds_of_model_do_not_go_together(tmp_path: Path) -> None:
    smaller = {"adapter": adapter(tmp_path, "a", ss_base_model_version="sd_v1")}
    larger = {"adapter": adapter(tmp_path, "b", ss_base_model_version="sdxl_base_v1-0")}
    with pytest.raises(AdapterError, match="different base models"):
        checked(pair(tmp_path, smaller, larger))
    with pytest.raises(AdapterError, match="does not fit the base model"):
        checked(
            pair(tmp_path, larger, larger | {"adapter": adapter(tmp_path, "c", ss_base_model_version="sdxl_base_v1-0")})
        )


def test_the_same_slot_twice_and_other_weights_are_worth_knowing(tmp_path: Path) -> None:
    one = adapter(tmp_path, "a", lorikeet__directions="0-15", lorikeet__base_hash="1", lorikeet__base="starter")
    other = adapter(tmp_path, "b", lorikeet__directions="8-23", lorikeet__base_hash="2", lorikeet__base="another")
    notes = checked(pair(tmp_path, {"adapter": one}, {"adapter": other}))
    assert len(notes) == 2
    assert "another, starter" in notes[0]
    assert "same slot" in notes[1]
    free = adapter(tmp_path, "c", lorikeet__directions="16-31", lorikeet__base_hash="1")
    assert checked(pair(tmp_path, {"adapter": one}, {"adapter": free})) == ()


def entry(name: str, *needs: str) -> MethodEntry:
    return MethodEntry(name=name, title=name.title(), sentence="It does.", needs=needs, schema_={})


def test_ways_that_fit_come_first_in_their_order(tmp_path: Path) -> None:
    composition = pair(tmp_path, {"box": (0.0, 0.0, 0.5, 1.0)})
    known = (
        entry("boxed", "adapters", "boxes"),
        entry("worded", "words"),
        entry("shown", "pictures"),
        entry("sum", "adapters"),
    )
    found = offers(known, composition)
    assert [offer.entry.name for offer in found] == ["worded", "sum", "boxed", "shown"]
    assert [offer.why for offer in found[:2]] == ["", ""]
    assert found[2].why == "It needs a box or a painted place for zumo car."
    assert misfit(("pictures",), composition).endswith("for every concept.")
    with pytest.raises(SettingsError, match="painted place"):
        require(known[0], composition)


def test_a_place_is_told_the_prompt_with_its_own_concept_alone(tmp_path: Path) -> None:
    composition = pair(tmp_path)
    first, second = composition.concepts
    assert own_words(first, composition) == "a photo of a tobi bear on the grass"
    assert own_words(second, composition) == "a photo of a zumo car on the grass"
    said = first.model_copy(update={"words": "a tobi bear asleep"})
    assert own_words(said, composition) == "a tobi bear asleep"
    elsewhere = composition.model_copy(update={"prompt": "a quiet evening"})
    assert own_words(first, elsewhere) == "a tobi bear, a quiet evening"


def test_a_place_may_be_told_the_whole_scene_with_its_own_concept_everywhere(tmp_path: Path) -> None:
    composition = pair(tmp_path)
    first, second = composition.concepts
    assert echoed(first, composition) == "a photo of a tobi bear and a tobi bear on the grass"
    assert echoed(second, composition) == "a photo of a zumo car and a zumo car on the grass"
    half = composition.model_copy(update={"prompt": "a zumo car at night"})
    assert echoed(first, half) == "a tobi bear at night"
    assert echoed(second, half) == "a zumo car at night"
    silent = composition.model_copy(update={"prompt": "a quiet evening"})
    assert echoed(first, silent) == "a tobi bear, a quiet evening"


@pytest.mark.parametrize(
    ("prompt", "mended"),
    [
        ("a tobi bear on the grass", "a tobi bear and a zumo car on the grass"),
        ("a tobi bear and a zumo on the grass", "a tobi bear and a zumo car on the grass"),
        ("the grass at night", "a tobi bear, the grass at night"),
        ("", "a tobi bear"),
    ],
)
def test_what_is_missing_in_the_prompt_is_remarked_and_mended(tmp_path: Path, prompt: str, mended: str) -> None:
    composition = pair(tmp_path).model_copy(update={"prompt": prompt})
    assert remarks(composition)[0].prompt == mended


def test_a_whole_prompt_is_left_alone(tmp_path: Path) -> None:
    assert remarks(pair(tmp_path)) == ()
    assert (
        remarks(pair(tmp_path).model_copy(update={"prompt": "Tobi, a small bear, and a zumo red car"}))[0].concept == 0
    )
