"""Several subjects in one made picture: nobody stands on anybody, what is known stays, and the files can be taught from."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engines.api.errors import SettingsError
from engines.api.job import JobConcept
from engines.diffusion.generate import Generator
from engines.diffusion.objective import NoiseSchedule
from engines.diffusion.scenes.around import leads_to
from engines.diffusion.scenes.cutting import cut_out, laid
from engines.diffusion.scenes.layout import Spot, lay_out
from engines.diffusion.scenes.making import Ingredient, Wish, known_cells, make_scenes
from projects.errors import ImportFailure
from tests.diffusion.support import CPU


def photo(
    folder: Path, name: str, colour: tuple[int, int, int], *, box: tuple[int, int, int, int] = (20, 10, 60, 70)
) -> tuple[Path, Path]:
    """A block of one colour on grey, and its mask."""
    picture, mask = Image.new("RGB", (80, 80), (90, 90, 90)), Image.new("L", (80, 80))
    picture.paste(colour, box)
    mask.paste(255, box)
    files = folder / f"{name}.png", folder / f"{name}-mask.png"
    picture.save(files[0])
    mask.save(files[1])
    return files


@pytest.mark.parametrize("count", [2, 3, 5])
def test_nobody_stands_on_anybody_or_sticks_out(count: int) -> None:
    for seed in range(50):
        draws = random.Random(seed)
        ratios = [draws.uniform(1 / 3, 3) for _ in range(count)]
        spots = lay_out(ratios, draws)
        for spot, ratio in zip(spots, ratios, strict=True):
            assert spot.left >= 0
            assert spot.left + spot.width <= 1 + 1e-9
            assert spot.top >= -1e-9
            assert spot.top + spot.height <= 0.951
            assert spot.width / spot.height == pytest.approx(ratio)
        ordered = sorted(spots, key=lambda spot: spot.left)
        assert all(one.left + one.width <= other.left + 1e-9 for one, other in itertools.pairwise(ordered))
        heights = sorted(spot.height for spot in spots)
        assert heights[0] >= 0.7 * heights[-1] - 1e-9


def test_a_cut_out_is_what_the_mask_shows(tmp_path: Path) -> None:
    found = cut_out(*photo(tmp_path, "a", (200, 30, 30)))
    assert found.size == (40, 60)
    assert found.getpixel((20, 30)) == (200, 30, 30, 255)
    put = laid(Image.new("RGB", (100, 100), (0, 0, 255)), [found], [Spot(0.5, 0.25, 0.4, 0.6)])
    assert put.picture.getpixel((70, 55)) == (200, 30, 30)
    assert put.picture.getpixel((20, 55)) == (0, 0, 255)
    assert put.masks[0].getbbox() == (50, 25, 90, 85)
    empty = photo(tmp_path, "b", (1, 1, 1), box=(0, 0, 0, 0))
    with pytest.raises(ImportFailure, match="shows nothing"):
        cut_out(*empty)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_leading_answer_ends_at_what_is_known(prediction: str) -> None:
    schedule = NoiseSchedule.from_config({"num_train_timesteps": 1000, "prediction_type": prediction})
    clean, noise = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    for step in (10, 500, 990):
        at = torch.tensor([step])
        answer = leads_to(schedule, clean, schedule.add_noise(clean, noise, at), at)
        torch.testing.assert_close(answer, schedule.target(clean, noise, at), atol=2e-3, rtol=2e-3)


def test_seams_belong_to_what_is_drawn() -> None:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (16, 16, 48, 48))
    known = known_cells([mask], (8, 8))[0, 0]
    assert known[3:5, 3:5].all()
    assert not known[:2].any()
    assert not known[2].any(), "the cell at the edge touches the seam"


def test_scenes_are_pictures_with_words_and_masks_and_come_out_the_same_again(tiny_sd: Path, tmp_path: Path) -> None:
    generator = Generator(CPU)
    generator.open(f"file:{tiny_sd}")
    bear = Ingredient(
        JobConcept(name="Tobi", trigger="tobi", class_noun="bear"), (photo(tmp_path, "a", (200, 30, 30)),)
    )
    duck = Ingredient(
        JobConcept(name="Quibo", trigger="quibo", class_noun="duck"), (photo(tmp_path, "b", (30, 200, 30)),)
    )
    made = make_scenes(generator, [bear, duck], Wish(count=2, seed=5, steps=2), tmp_path / "out")
    assert [one.caption for one in made] == [
        "a photo of a tobi bear and a quibo duck",
        "a photo of a tobi bear and a quibo duck in the snow",
    ]
    assert (tmp_path / "out" / "scene-000.txt").read_text("utf-8") == made[0].caption
    assert len(json.loads((tmp_path / "out" / "scenes.json").read_text("utf-8"))["scenes"]) == 2
    picture = np.asarray(Image.open(tmp_path / "out" / made[0].file)).astype(int)
    mask = np.asarray(Image.open(tmp_path / "out" / made[0].mask))
    assert picture.shape[:2] == mask.shape
    middle = [int((spot.left + spot.width / 2) * mask.shape[1]) for spot in made[0].spots]
    high = [int((spot.top + spot.height / 2) * mask.shape[0]) for spot in made[0].spots]
    assert np.abs(picture[high[0], middle[0]] - (200, 30, 30)).max() < 12
    assert np.abs(picture[high[1], middle[1]] - (30, 200, 30)).max() < 12
    again = make_scenes(generator, [bear, duck], Wish(count=1, seed=5, steps=2), tmp_path / "again")
    assert (tmp_path / "again" / again[0].file).read_bytes() == (tmp_path / "out" / made[0].file).read_bytes()


def test_what_cannot_be_put_together_is_said(tiny_sd: Path, tmp_path: Path) -> None:
    generator = Generator(CPU)
    generator.open(f"file:{tiny_sd}")
    bear = Ingredient(JobConcept(name="Tobi", trigger="", class_noun=""), (photo(tmp_path, "a", (200, 30, 30)),))
    with pytest.raises(SettingsError, match="two subjects"):
        make_scenes(generator, [bear], Wish(), tmp_path / "out")
    with pytest.raises(SettingsError, match="cannot be cut out"):
        make_scenes(
            generator,
            [bear, Ingredient(JobConcept(name="Quibo", trigger="", class_noun=""), ())],
            Wish(),
            tmp_path / "out",
        )
    assert not (tmp_path / "out").exists()
