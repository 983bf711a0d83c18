"""Making, judging and comparing pictures."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import (
    BitImageProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPTokenizer,
    Dinov2Config,
    Dinov2Model,
)

from engines.api.errors import AdapterError, ModelError, SettingsError
from engines.api.requests import Compare
from engines.api.uses import AdapterUse
from engines.core.intervals import FEWEST
from engines.diffusion.compare import Comparison, compare
from engines.diffusion.describe import describe
from engines.diffusion.encoders import open_encoder
from engines.diffusion.evaluate import change, following, likeness, variety
from engines.diffusion.exchange import write_adapter
from engines.diffusion.generate import Generator
from engines.diffusion.report import FIGURES, Made, Seen, column_figures, difference, rows
from tests.diffusion.support import CPU, make_pictures, open_tiny, random_adapter


@pytest.fixture(scope="module")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory, tiny_sd: Path) -> Path:
    """A CLIP of random weights with the tiny base's tokenizer."""
    folder = tmp_path_factory.mktemp("tiny-clip")
    tokenizer = CLIPTokenizer.from_pretrained(tiny_sd / "tokenizer")
    text = {
        "vocab_size": len(tokenizer), "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "max_position_embeddings": 32, "eos_token_id": tokenizer.eos_token_id,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32, "patch_size": 8,
    }  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


@pytest.fixture
def adapter_file(tiny_sd: Path, tmp_path: Path) -> Path:
    file = tmp_path / "a.safetensors"
    write_adapter(random_adapter(open_tiny(tiny_sd), alpha=20.0), file)
    return file


def opened(folder: Path) -> Generator:
    generator = Generator(CPU)
    generator.open(f"file:{folder}")
    return generator


def one(generator: Generator, seed: int = 1, prompt: str = "a dog") -> bytes:
    return next(iter(generator.pictures([prompt], [seed], steps=2))).tobytes()


def test_seeds_decide_and_neighbours_do_not(tiny_sd: Path) -> None:
    generator = opened(tiny_sd)
    assert one(generator, 1) == one(generator, 1) != one(generator, 2)
    batch = list(generator.pictures(["a dog"] * 3, [2, 1, 3], steps=2))
    alone = next(iter(generator.pictures(["a dog"], [1], steps=2)))
    difference = torch.tensor(list(batch[1].tobytes())).int() - torch.tensor(list(alone.tobytes())).int()
    assert int(difference.abs().max()) <= 1


def test_sizes_are_rounded_to_what_the_base_can_make(tiny_sd: Path) -> None:
    made = next(iter(opened(tiny_sd).pictures(["a"], [1], steps=1, size=(45, 30))))
    assert made.size == (48, 32)


def test_adapters_come_and_go(tiny_sd: Path, adapter_file: Path) -> None:
    generator = opened(tiny_sd)
    plain = one(generator)
    generator.use([AdapterUse(file=str(adapter_file))])
    changed = one(generator)
    assert changed != plain
    generator.use([AdapterUse(file=str(adapter_file), weight=0.0)])
    assert one(generator) == plain
    generator.use([AdapterUse(file=str(adapter_file), weight=0.5)] * 2)
    torch.testing.assert_close(
        torch.tensor(list(one(generator))).float(), torch.tensor(list(changed)).float(), atol=2.0, rtol=0
    )
    generator.use([])
    assert one(generator) == plain


def test_a_file_that_does_not_fit_changes_nothing(tiny_sd: Path, adapter_file: Path, tmp_path: Path) -> None:
    generator = opened(tiny_sd)
    plain = one(generator)
    (tmp_path / "bad.safetensors").write_bytes(b"no adapter")
    with pytest.raises(AdapterError):
        generator.use([AdapterUse(file=str(adapter_file)), AdapterUse(file=str(tmp_path / "bad.safetensors"))])
    assert one(generator) == plain


def test_it_can_be_ended_between_steps(tiny_sd: Path) -> None:
    class Ended(Exception):
        """As a cancelled request raises."""

    seen: list[tuple[int, int]] = []

    def on_step(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 2:
            raise Ended

    with pytest.raises(Ended):
        list(opened(tiny_sd).pictures(["a"], [1], steps=5, on_step=on_step))
    assert seen == [(1, 5), (2, 5)]


def test_nothing_open_is_said() -> None:
    generator = Generator(CPU)
    with pytest.raises(ModelError, match="No base model"):
        generator.pictures(["a"], [1])
    with pytest.raises(ModelError, match="No base model"):
        generator.use([AdapterUse(file="a.safetensors", weight=1.0)])


def test_equal_pictures_are_wholly_alike(tiny_clip: Path) -> None:
    judge = open_encoder(CPU, f"file:{tiny_clip}")
    pictures = [Image.new("RGB", (50, 40), colour) for colour in ("red", "blue")]
    vectors = judge.images([*pictures, pictures[0]])
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
    assert likeness(vectors[:1], vectors[2:])[0] == pytest.approx(1.0, abs=1e-5)
    words = judge.texts(["a dog", "a cat"])
    assert following(words, words) == pytest.approx([1.0, 1.0], abs=1e-5)


@pytest.fixture(scope="module")
def tiny_dino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DINOv2 of random weights."""
    folder = tmp_path_factory.mktemp("tiny-dino")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = Dinov2Config(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14)
        Dinov2Model(config).save_pretrained(folder)
    BitImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}).save_pretrained(folder)
    return folder


def test_a_dino_judges_likeness_and_reads_nothing(
    tiny_sd: Path, tiny_dino: Path, adapter_file: Path, tmp_path: Path
) -> None:
    judge = open_encoder(CPU, f"file:{tiny_dino}")
    red, blue = (Image.new("RGB", (50, 40), colour) for colour in ("red", "blue"))
    vectors = judge.images([red, blue, red])
    assert likeness(vectors[:1], vectors[2:])[0] == pytest.approx(1.0, abs=1e-5)
    assert likeness(vectors[:1], vectors[1:2])[0] < 0.999
    with pytest.raises(ModelError, match="reads no words"):
        judge.texts(["a dog"])
    images = make_pictures(tmp_path, 2)
    wanted = Comparison(
        base=f"file:{tiny_sd}",
        adapters=(AdapterUse(file=str(adapter_file)),),
        labels=("Mine",),
        prompts=("a sks dog",),
        seeds=(1,),
        references=tuple(tmp_path / image.file for image in images),
        steps=2,
        encoder=f"file:{tiny_dino}",
    )
    report = compare(Generator(CPU), wanted, tmp_path / "report")
    assert report["columns"][1]["likeness"]["count"] == 1
    assert report["columns"][1]["following"] is None
    assert "following" not in report["pictures"][0]


def test_a_comparison_is_fair_whole_and_written_down(
    tiny_sd: Path, tiny_clip: Path, adapter_file: Path, tmp_path: Path
) -> None:
    images = make_pictures(tmp_path, 3)
    (tmp_path / images[2].file).write_bytes(b"broken")
    wanted = Comparison(
        base=f"file:{tiny_sd}",
        adapters=(AdapterUse(file=str(adapter_file)), AdapterUse(file=str(adapter_file), weight=0.0)),
        labels=("Mine", "Nothing"),
        prompts=("a sks dog", "a sks dog in the snow with a very long description that has to be cut"),
        seeds=(1, 2),
        references=tuple(tmp_path / image.file for image in images),
        trigger="sks",
        class_noun="dog",
        steps=2,
        encoder=f"file:{tiny_clip}",
        beside=False,
    )
    seen: list[Made] = []
    progress: list[tuple[int, int]] = []
    folder = tmp_path / "report"
    report = compare(
        Generator(CPU), wanted, folder, on_picture=seen.append, on_step=lambda *step: progress.append(step)
    )
    assert json.loads((folder / "report.json").read_text()) == report
    assert [column["label"] for column in report["columns"]] == ["Base", "Mine", "Nothing"]
    assert len(report["pictures"]) == len(seen) == 12
    base, nothing = ([p for p in report["pictures"] if p["column"] == c] for c in (0, 2))
    for one_picture, other in zip(base, nothing, strict=True):
        assert (folder / one_picture["file"]).read_bytes() == (folder / other["file"]).read_bytes()
        assert one_picture["likeness"] == pytest.approx(other["likeness"])
    assert report["columns"][2]["closer"] == {"won": 0, "of": 4}
    assert report["columns"][2]["clearly"] is None  # two prompts are too few for intervals
    assert "002.png was left out" in report["note"]
    assert report["columns"][1]["likeness"]["mean"] != report["columns"][0]["likeness"]["mean"]
    assert report["conditions"]["encoder"]["name"] == str(tiny_clip)
    assert len(report["conditions"]["encoder"]["sha256"]) == 64
    assert report["conditions"]["photos"] == 2
    with Image.open(folder / "sheet.png") as sheet:
        assert sheet.width > 500
        assert sheet.height > 800
    assert progress == sorted(progress)
    assert progress[-1][0] == progress[-1][1]


def test_what_an_adapter_should_leave_alone_is_measured_without_the_trigger(
    tiny_sd: Path, tiny_clip: Path, adapter_file: Path, tmp_path: Path
) -> None:
    request = Compare(
        id="1", base=f"file:{tiny_sd}", adapters=(AdapterUse(file=str(adapter_file)), AdapterUse(file=str(adapter_file), weight=0.0)),
        labels=("Mine", "Nothing"), prompts=("a sks dog",), seeds=(1, 2, 3), trigger="sks", class_noun="dog", steps=1,
        references=tuple(str(tmp_path / image.file) for image in make_pictures(tmp_path, 2)), beside=True, folder=str(tmp_path),
    )  # fmt: skip
    wanted = replace(Comparison.of(request), encoder=f"file:{tiny_clip}")
    folder = tmp_path / "r"
    report = compare(Generator(CPU), wanted, folder)
    base, mine, nothing = report["columns"]
    assert report["class"]["prompts"][0] == "a photo of a dog"
    assert all("dog" in prompt for prompt in report["class"]["prompts"])
    assert not any("dog" in prompt or "sks" in prompt for prompt in report["elsewhere"]["prompts"])
    for key, part in (("class_change", "class"), ("change", "elsewhere")):
        prompts = report[part]["prompts"]
        assert not any("sks" in prompt for prompt in prompts)
        assert base[key] is None
        assert nothing[key]["mean"] == pytest.approx(0.0, abs=1e-6)
        assert 1e-6 < mine[key]["low"] <= mine[key]["mean"] <= mine[key]["high"]
        assert mine[key]["count"] == len(prompts) * 2  # two seeds are enough here
        assert report[part]["another_seed"] > 0
        assert {row["file"] for row in report[part]["pictures"]} < set(wanted.files())
    assert base["class_likeness"]["mean"] == pytest.approx(nothing["class_likeness"]["mean"])
    assert base["class_likeness"]["mean"] != mine["class_likeness"]["mean"]
    assert {row["prompt"] for row in report["pictures"]} == {"a sks dog"}
    assert sorted(path.name for path in folder.iterdir()) == sorted(wanted.files())
    without = compare(Generator(CPU), replace(wanted, beside=False), tmp_path / "s")
    assert without["elsewhere"] is without["class"] is without["columns"][1]["change"] is None
    assert without["columns"][1]["following"] == mine["following"]


def unit(*rows: tuple[float, ...]) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.tensor(rows), dim=-1)


def test_change_and_variety_are_distances() -> None:
    near = unit((1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
    assert change(near, near) == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)
    assert change(near[:1], near[1:2]) == pytest.approx([1.0])
    assert variety(near, ["a", "a", "b"]) == [pytest.approx(1.0), pytest.approx(1.0), None]


def test_two_adapters_are_held_against_each_other_picture_by_picture() -> None:
    """The second is always a little closer, by less than prompts differ: only pairs can tell."""
    prompts = [f"p{number}" for number in range(FEWEST)]
    made = [Made(column, prompt, 1, "f") for column in range(3) for prompt in prompts]
    angles = [0.2 * number + offset for offset in (0.5, 0.0, 0.01) for number in range(FEWEST)]
    vectors = unit(*((math.cos(angle), math.sin(angle)) for angle in angles))
    told = {"subject": rows(made, Seen(vectors, None, unit((0.0, 1.0)))), "class": [], "elsewhere": []}
    found = difference(told, 1, 2)
    assert found["closer"] == {"won": FEWEST, "of": FEWEST}
    assert found["clearly"] is True
    assert found["gain"]["likeness"]["mean"] == pytest.approx(
        column_figures(told, 2)["likeness"]["mean"] - column_figures(told, 1)["likeness"]["mean"]
    )
    assert {name for name, figure in found["gain"].items() if figure is not None} == {"likeness"}
    assert set(found["gain"]) == set(FIGURES)
    assert difference(told, 2, 1)["closer"]["won"] == 0
    few = {**told, "subject": [row for row in told["subject"] if row["prompt"] != "p0"]}
    assert difference(few, 1, 2)["clearly"] is None


def test_without_a_judge_there_are_no_figures(tiny_sd: Path, adapter_file: Path, tmp_path: Path) -> None:
    request = Compare(
        id="1", base=f"file:{tiny_sd}", adapters=(AdapterUse(file=str(adapter_file)),), labels=("Mine",),
        prompts=("a",), seeds=(1,), steps=1, folder=str(tmp_path),
    )  # fmt: skip
    report = compare(Generator(CPU), replace(Comparison.of(request), encoder="file:/no/such/folder"), tmp_path / "r")
    assert report["columns"][1]["likeness"] is None
    assert report["columns"][1]["following"] is None
    assert "missing" in report["note"]
    assert "likeness" not in report["pictures"][0]
    with pytest.raises(SettingsError):
        compare(Generator(CPU), replace(Comparison.of(request), prompts=()), tmp_path / "r")


def test_the_catalog_names_everything() -> None:
    catalog = describe()
    assert [method.name for method in catalog.methods] == ["lora", "orthogonal", "tara"]
    assert catalog.methods[0].schema_["properties"]["rank"]["title"] == "Rank"
    assert [backbone.name for backbone in catalog.backbones] == ["stable-diffusion", "stable-diffusion-xl"]
    assert [preset.title for preset in catalog.presets] == ["Quick", "Balanced", "Best", "Mergeable", "Composable"]
    assert not catalog.broken
    assert catalog.devices[-1].kind == "cpu"


def test_presets_are_valid() -> None:
    from engines.api.recipe import apply_preset
    from engines.diffusion.methods import method_of
    from engines.diffusion.presets import PRESETS

    for preset in PRESETS:
        recipe = apply_preset(preset)
        assert recipe.loop.learning_rate == 0.0  # the base model decides
        method_of(preset.method_name, preset.method)
    assert sum(preset.recommended for preset in PRESETS) == 1
