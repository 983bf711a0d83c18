"""Before and after: the same questions, exact figures, a report that can be read back, and nothing left in the model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.api.errors import JobError
from engines.core.run import FINE, run_folder
from engines.launch.folder import create_run
from engines.segmentation.adapter_file import read_segment_adapter
from engines.segmentation.evaluate import AUTOMATIC, BOX, CLICK, Examiner, asked_of
from engines.segmentation.examination import Examination, as_text, measure
from engines.segmentation.scenes import SceneShelf
from projects.regions.mask import Mask
from tests.segmentation.support import cpu, open_tiny, write_tiny
from tests.segmentation.test_adapt import a_job, scenes


def quiet(*_: object) -> None:
    """Hear nothing."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("sam"))


def test_a_finished_run_is_measured_before_and_after(tiny: Path, tmp_path: Path) -> None:
    pictures = scenes(tmp_path)
    folder = create_run(tmp_path, a_job(tiny, "lora"), pictures)
    assert run_folder(folder) == FINE
    adapter = read_segment_adapter(folder / "adapter.safetensors")
    wanted = Examination(f"file:{tiny}", adapter, pictures, clicks=True)
    found = json.loads(as_text(measure(wanted, tmp_path, cpu(), progress=quiet)))
    assert set(found["ways"]) == {CLICK, BOX, AUTOMATIC}
    assert found["pictures"] == 2
    for way, report in found["ways"].items():
        assert [one["after"] for one in report["pictures"]] == sorted(one["after"] for one in report["pictures"])
        for side in ("before", "after"):
            mean = report[side]["mean"]["dice"]
            assert 0 <= mean["low"] <= mean["mean"] <= mean["high"] <= 1
        change = report["change"]["dice"]["mean"]
        assert change == pytest.approx(
            report["after"]["mean"]["dice"]["mean"] - report["before"]["mean"]["dice"]["mean"]
        )
        assert ("clicks" in report) == (way == CLICK)
    first = found["ways"][AUTOMATIC]["pictures"][0]
    scene = next(one for one in pictures if one.file == first["file"])
    assert [Mask.from_text(one, scene.width, scene.height).array().shape for one in first["masks_after"]] == [
        (scene.height, scene.width)
    ] * 2


def test_dice_of_the_report_is_that_of_its_masks(tiny: Path, tmp_path: Path) -> None:
    pictures = scenes(tmp_path)
    folder = create_run(tmp_path, a_job(tiny), pictures)
    assert run_folder(folder) == FINE
    adapter = read_segment_adapter(folder / "adapter.safetensors")
    found = measure(Examination(f"file:{tiny}", adapter, pictures), tmp_path, cpu(), progress=quiet)
    for one in found["ways"][BOX]["pictures"]:
        scene = next(scene for scene in pictures if scene.file == one["file"])
        truth = Mask.from_text(scene.objects[0].counts, scene.width, scene.height).array()
        said = Mask.from_text(one["masks_after"][0], scene.width, scene.height).array()
        expected = 2 * np.count_nonzero(truth & said) / (np.count_nonzero(truth) + np.count_nonzero(said))
        assert one["after"] == pytest.approx(expected)


def test_a_picture_that_holds_nothing_is_learned_from_and_counts_in_the_figures(tiny: Path, tmp_path: Path) -> None:
    pictures = scenes(tmp_path)
    blank = [one.model_copy(update={"objects": (), "empty": True}) for one in pictures]
    pictures = [
        *pictures,
        blank[0].model_copy(update={"split": "train"}),
        blank[0].model_copy(update={"split": "validation"}),
    ]
    folder = create_run(tmp_path, a_job(tiny), pictures)
    assert run_folder(folder) == FINE
    adapter = read_segment_adapter(folder / "adapter.safetensors")
    found = measure(Examination(f"file:{tiny}", adapter, pictures), tmp_path, cpu(), progress=quiet)
    asked = {way: len(report["pictures"]) for way, report in found["ways"].items()}
    assert asked == {CLICK: 2, BOX: 2, AUTOMATIC: 3}, "nothing can be clicked at where nothing is"
    assert found["pictures"] == 3
    counts = found["ways"][AUTOMATIC]["after"]
    assert counts["both_empty"] + counts["invented"] > 0
    unknown = [one.model_copy(update={"empty": False}) for one in pictures]
    found = measure(Examination(f"file:{tiny}", adapter, unknown), tmp_path, cpu(), progress=quiet)
    assert len(found["ways"][AUTOMATIC]["pictures"]) == 2, "of a picture that nobody looked through nothing is known"


def test_a_split_without_masks_is_said(tiny: Path, tmp_path: Path) -> None:
    pictures = scenes(tmp_path)
    folder = create_run(tmp_path, a_job(tiny), pictures)
    assert run_folder(folder) == FINE
    adapter = read_segment_adapter(folder / "adapter.safetensors")
    with pytest.raises(JobError, match="nothing to measure on"):
        measure(Examination(f"file:{tiny}", adapter, pictures, split="test"), tmp_path, cpu(), progress=quiet)


@pytest.mark.parametrize("way", [CLICK, BOX, AUTOMATIC])
def test_what_is_asked_of_the_plain_model_is_what_the_reference_would_answer(
    way: str, tiny: Path, tmp_path: Path
) -> None:
    from segment_anything import SamPredictor

    from tests.segmentation.test_model import reference

    pictures = scenes(tmp_path)
    model = open_tiny(tiny)
    shelf = SceneShelf(model, tmp_path, pictures, torch.device("cpu"))
    asked = asked_of(shelf, 1, way, ("disc", "other"))
    maps, _ = Examiner(model, shelf, encoder_changes=True, tokens=None).maps(1, asked, way)
    predictor = SamPredictor(reference(tiny))
    predictor.set_image(np.asarray(shelf.picture(1)))
    if way == AUTOMATIC:
        sparse, dense = predictor.model.prompt_encoder(points=None, boxes=None, masks=None)
        with torch.no_grad():
            low, _ = predictor.model.mask_decoder(
                image_embeddings=predictor.features,
                image_pe=predictor.model.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=False,
            )
        whole = predictor.model.postprocess_masks(low, predictor.input_size, predictor.original_size)[0]
        assert maps.shape[0] == 2
        np.testing.assert_allclose(maps, np.repeat(whole.numpy(), 2, axis=0), atol=1e-3)
    elif way == BOX:
        x, y, width, height = asked.truths[0].box
        logits, _, _ = predictor.predict(
            box=np.array([x, y, x + width - 1, y + height - 1]), multimask_output=False, return_logits=True
        )
        np.testing.assert_allclose(maps, logits, atol=1e-3)
    else:
        assert maps.shape == (1, shelf.scenes[1].height, shelf.scenes[1].width)
