"""The family of a base is told without opening it, in the names that the families register under."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engines.diffusion.backbones import registry, stable_diffusion, stable_diffusion_xl
from engines.launch.family import LARGER, PIPELINES, SMALLER, family_of


def test_names_are_those_the_families_register() -> None:
    assert {
        stable_diffusion.PIPELINE: stable_diffusion.NAME,
        stable_diffusion_xl.PIPELINE: stable_diffusion_xl.NAME,
    } == PIPELINES
    assert {name for name, _ in registry().items()} == set(PIPELINES.values())


def test_folders_files_and_what_cannot_be_told(tiny_sd: Path, tiny_sdxl: Path, tmp_path: Path) -> None:
    assert family_of("starter") == SMALLER
    assert family_of(f"file:{tiny_sd}") == SMALLER
    assert family_of(f"file:{tiny_sdxl}") == LARGER
    for name, expected in (("model.diffusion_model.input_blocks.0.0.weight", SMALLER), ("conditioner.x", LARGER)):
        file = tmp_path / f"{expected}.safetensors"
        save_file({name: torch.ones(2)}, file)
        assert family_of(f"file:{file}") == expected


@pytest.mark.parametrize("text", ["", "{", "[]", '{"_class_name": "Flux"}'])
def test_a_strange_folder_is_of_no_family(text: str, tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(text)
    assert family_of(f"file:{tmp_path}") == ""
    assert family_of(f"file:{tmp_path / 'gone'}") == ""
    assert family_of("hub:owner/name") == ""
