"""What people give the command line that cannot work, or only badly: a sentence each, nothing lost, nothing half made."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from engines.api.errors import JobError
from engines.cli import main
from engines.cli.codes import EXPECTED, FINE
from engines.cli.jobs import Wishes, plan, prepare_run
from engines.diffusion import same_base
from engines.diffusion.backbones.stable_diffusion import ABILITIES, Family
from engines.diffusion.exchange import write_adapter
from engines.launch.folder import load_job, run_folders
from projects import edits, queries
from projects.project import Project
from tests.diffusion.support import open_tiny, random_adapter


def make_photos(folder: Path, count: int, edge: int = 24) -> Path:
    """Different every one, so that none passes for another's twin."""
    draws = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        squares = draws.integers(0, 255, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(squares).resize((edge, edge), Image.Resampling.NEAREST).save(folder / f"{number:04d}.png")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_photos(tmp_path / "photos", 5)


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    begun: list[Path] = []
    monkeypatch.setattr("engines.launch.queue.begin", lambda folder: begun.append(folder) or "started")
    return begun


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(list(words)) == EXPECTED
    return capsys.readouterr().err


def test_a_method_that_does_not_fit_the_base_is_refused_before_anything_is_made(
    photos: Path, tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Family, "abilities", tuple(one for one in ABILITIES if one != "context_linears"))
    project = tmp_path / "p"
    words = ["teach", str(photos), "--trigger", "zork", "--base", str(tiny_sd), "--project", str(project)]
    told = refused(capsys, *words, "--method", "tara")
    assert "“Token-aware” does not fit this base model" in told
    assert "“Stable Diffusion 1.x and 2.x” has no layers that read the words." in told
    assert not project.exists()
    told = refused(capsys, *words, "--set", "method.words_only=true")
    assert "“LoRA” does not fit" in told


@pytest.mark.parametrize("word", [" ", "!!", "…"])
def test_a_trigger_that_is_no_word_makes_no_project(
    word: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(capsys, "teach", str(photos), "--trigger", word, "--project", str(tmp_path / "p"))
    assert "is not a trigger word" in told
    assert not (tmp_path / "p").exists()


def test_a_concept_without_a_trigger_makes_no_run(photos: Path, tmp_path: Path) -> None:
    with Project.create(tmp_path / "p", "P") as project:
        edits.add_concept(project, "Zork", trigger="", class_noun="dog")
    main(["import", str(tmp_path / "p"), str(photos)])
    with Project.open(tmp_path / "p") as project:
        concept = queries.concepts(project)[0]
        with pytest.raises(JobError, match="A trigger word is missing"):
            prepare_run(project, concept.id, plan(Wishes()))
        assert queries.runs(project) == ()
    assert list((tmp_path / "p" / "runs").iterdir()) == []


def test_words_that_are_common_or_shared_and_few_photos_are_told_and_no_obstacle(
    tmp_path: Path, nothing_starts: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    one, project = make_photos(tmp_path / "one", 1), str(tmp_path / "p")
    assert main(["teach", str(one), "--trigger", "dog", "--project", project, "--detach"]) == FINE
    told = capsys.readouterr().err
    assert "knows “dog” as an ordinary word already" in told
    assert "Only 1 photo: more views of the subject teach it better." in told
    assert "Without a class word" in told
    main(["import", project, str(make_photos(tmp_path / "others", 5)), "--concept", "Second", "--trigger", "Dog "])
    assert main(["teach", project, "--concept", "Second", "--detach"]) == FINE
    assert "“dog” has the same trigger word; used together they cannot be told apart." in capsys.readouterr().err
    assert len(nothing_starts) == 2


def test_a_thousand_photos_come_in_and_are_told_of_in_a_few_lines(
    tmp_path: Path, nothing_starts: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    many = make_photos(tmp_path / "many", 1000)
    assert main(["import", str(new_project(tmp_path)), str(many), "--concept", "Zork", "--trigger", "zork"]) == FINE
    told = capsys.readouterr().out.splitlines()
    assert "1000 pictures came into “Zork”" in "".join(told)
    assert len(told) < 10
    assert any("0004.png and 995 more: Smaller than training likes." in line for line in told)
    assert main(["teach", str(tmp_path / "p"), "--detach"]) == FINE
    (run,) = run_folders(tmp_path / "p")
    assert len(load_job(run)[1]) == 1000


def new_project(tmp_path: Path) -> Path:
    Project.create(tmp_path / "p", "P").close()
    return tmp_path / "p"


def test_masks_of_another_size_are_fitted_or_left_out_with_a_sentence(
    tmp_path: Path, nothing_starts: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    photos = make_photos(tmp_path / "photos", 3, edge=48)
    Image.new("L", (24, 24), 255).save(photos / "0000-masklabel.png")
    Image.new("L", (48, 24), 255).save(photos / "0001-masklabel.png")
    Image.new("L", (48, 48), 0).save(photos / "0002-masklabel.png")
    words = ["teach", str(photos), "--trigger", "zork", "--project", str(tmp_path / "p"), "--detach"]
    assert main(words) == FINE
    told = capsys.readouterr().err
    assert "0000-masklabel.png: The mask was resized from 24 × 24 to 48 × 48." in told
    assert "0001-masklabel.png: The mask has another shape than its picture." in told
    assert "0002-masklabel.png: The mask is black everywhere." in told
    images = load_job(nothing_starts[0])[1]
    assert [image.mask is not None for image in images] == [True, False, False]


def test_a_base_that_was_exchanged_is_noticed_at_resume(tiny_sd: Path, tmp_path: Path) -> None:
    base = f"file:{tmp_path / 'base'}"
    shutil.copytree(tiny_sd, tmp_path / "base")
    for _life in range(2):
        same_base.keep(tmp_path, base, open_tiny(tmp_path / "base"))
    kept = (tmp_path / "base.json").read_bytes()
    weights = tmp_path / "base" / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    save_file({name: one + 1 for name, one in tensors.items()}, weights, {"format": "pt"})
    with pytest.raises(JobError, match="The base model has changed"):
        same_base.keep(tmp_path, base, open_tiny(tmp_path / "base"))
    assert (tmp_path / "base.json").read_bytes() == kept


@pytest.fixture
def foreign(tiny_sd: Path, tmp_path: Path) -> dict[str, torch.Tensor]:
    write_adapter(random_adapter(open_tiny(tiny_sd)), tmp_path / "good.safetensors", "kohya")
    return load_file(tmp_path / "good.safetensors")


def first(tensors: dict[str, torch.Tensor], ending: str) -> str:
    return next(name for name in sorted(tensors) if name.endswith(ending))


def test_a_foreign_adapter_with_missing_or_misshapen_keys_is_refused_wherever_it_is_used(
    foreign: dict[str, torch.Tensor], tiny_sd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    up, down = first(foreign, "lora_up.weight"), first(foreign, "lora_down.weight")
    spoilt = {
        "lacks its up half": {name: one for name, one in foreign.items() if name != up},
        "do not meet": {**foreign, up: torch.ones(foreign[up].shape[0], foreign[up].shape[1] + 1)},
        "does not fit the base model": {
            **foreign,
            down: torch.ones(foreign[down].shape[0], foreign[down].shape[1] + 3),
        },
        "is not a layer of": {name.replace("lora_unet_", "lora_unet_zzz_"): one for name, one in foreign.items()},
        "holds values that are not numbers": {**foreign, down: foreign[down] * float("nan")},
        "is not part of a LoRA": {**foreign, "strange.weight": torch.ones(2)},
    }
    for number, (sentence, tensors) in enumerate(spoilt.items()):
        file = tmp_path / f"{number}.safetensors"
        save_file({name: one.contiguous() for name, one in tensors.items()}, file)
        out = tmp_path / f"out-{number}"
        base = ["--base", str(tiny_sd), "--steps", "1", "--out", str(out)]
        assert sentence in refused(capsys, "generate", "a dog", "--adapter", str(file), *base)
        assert sentence in refused(capsys, "compare", str(file), "--prompt", "a dog", *base, "--no-beside")
        assert not out.is_dir() or not any(out.glob("column-1*"))


@pytest.mark.parametrize("sentence", ["lacks its up half", "do not meet"])
def test_what_the_header_shows_is_said_by_inspect_already(
    sentence: str, foreign: dict[str, torch.Tensor], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = first(foreign, "lora_up.weight")
    if sentence == "do not meet":
        foreign[name] = torch.ones(foreign[name].shape[0], foreign[name].shape[1] + 1)
    else:
        del foreign[name]
    save_file(foreign, tmp_path / "spoilt.safetensors")
    assert sentence in refused(capsys, "inspect", str(tmp_path / "spoilt.safetensors"))
