"""The model answers as the reference implementation does: preprocessing, embeddings, masks, and the way back to the picture's pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from segment_anything import SamPredictor
from segment_anything.modeling import Sam

from engines.api.errors import ModelError
from engines.segmentation import frames
from engines.segmentation.contracts import Prompts
from engines.segmentation.frames import Frame
from engines.segmentation.segmenters import open_segmenter
from tests.segmentation.support import TINY, cpu, open_tiny, pixels, write_tiny

SIZES = [(128, 128), (300, 200), (90, 57), (61, 240)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("sam"))


def reference(tiny: Path) -> Sam:
    """The package's own model with the same weights, and its preprocessing."""
    from engines.segmentation.sizes import build_sam

    sam = build_sam(TINY)
    model = open_tiny(tiny)
    sam.load_state_dict(model.network.state_dict())
    return sam.eval()


def picture(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", SIZES)
def test_pixels_are_those_of_the_reference_predictor(tiny: Path, size: tuple[int, int]) -> None:
    predictor = SamPredictor(reference(tiny))
    seen: list[torch.Tensor] = []
    predictor.model.image_encoder.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    predictor.set_image(picture(*size))
    frame = Frame(size[1], size[0], TINY.image_side, TINY.mask_side)
    ours = frame.pixels(Image.fromarray(picture(*size)))
    assert frame.inner == tuple(predictor.input_size)
    torch.testing.assert_close(torch.from_numpy(ours), seen[0][0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("several", [True, False])
def test_clicks_and_boxes_are_answered_as_by_the_reference_predictor(
    tiny: Path, size: tuple[int, int], several: bool
) -> None:
    width, height = size
    predictor = SamPredictor(reference(tiny))
    predictor.set_image(picture(width, height))
    points = np.array([[width * 0.3, height * 0.4], [width * 0.8, height * 0.9]])
    box = np.array([width * 0.1, height * 0.1, width * 0.7, height * 0.8])
    logits, scores, low = predictor.predict(points, np.array([1, 0]), box, multimask_output=several, return_logits=True)
    model = open_tiny(tiny)
    frame = model.frame(width, height)
    places = frame.to_model(np.concatenate([points, box.reshape(2, 2)]))
    asked = Prompts(torch.from_numpy(places)[None], torch.tensor([[1.0, 0.0, 2.0, 3.0]]))
    with torch.no_grad():
        embedding = model.encode(torch.from_numpy(frame.pixels(Image.fromarray(picture(width, height))))[None])
        ours, ours_scores = model.decode(embedding, asked, several=several)
    np.testing.assert_allclose(ours[0].numpy(), low, atol=1e-4)
    np.testing.assert_allclose(ours_scores[0].numpy(), scores, atol=1e-4)
    np.testing.assert_allclose(frame.whole(ours[0].numpy()), logits, atol=1e-4)


def test_a_click_alone_is_padded_as_the_reference_pads_it(tiny: Path) -> None:
    predictor = SamPredictor(reference(tiny))
    predictor.set_image(picture(128, 96))
    _, _, low = predictor.predict(np.array([[40.0, 50.0]]), np.array([1]), multimask_output=True)
    model = open_tiny(tiny)
    asked = Prompts(torch.tensor([[[40.0, 50.0], [0.0, 0.0]]]), torch.tensor([[1.0, -1.0]]))
    with torch.no_grad():
        frame = model.frame(128, 96)
        embedding = model.encode(torch.from_numpy(frame.pixels(Image.fromarray(picture(128, 96))))[None])
        ours, _ = model.decode(embedding, asked, several=True)
    np.testing.assert_allclose(ours[0].numpy(), low, atol=1e-4)


def test_an_earlier_mask_is_heard(tiny: Path) -> None:
    predictor = SamPredictor(reference(tiny))
    predictor.set_image(picture(128, 96))
    earlier = np.random.default_rng(1).normal(size=(1, TINY.mask_side, TINY.mask_side)).astype(np.float32)
    box = np.array([10.0, 20.0, 90.0, 80.0])
    _, _, low = predictor.predict(box=box, mask_input=earlier, multimask_output=False)
    model = open_tiny(tiny)
    frame = model.frame(128, 96)
    asked = Prompts(
        torch.from_numpy(box.reshape(1, 2, 2)).float(), torch.tensor([[2.0, 3.0]]), torch.from_numpy(earlier)[None]
    )
    with torch.no_grad():
        embedding = model.encode(torch.from_numpy(frame.pixels(Image.fromarray(picture(128, 96))))[None])
        ours, _ = model.decode(embedding, asked, several=False)
    np.testing.assert_allclose(ours[0].numpy(), low, atol=1e-4)


def test_prompts_of_several_pictures_are_answered_together(tiny: Path) -> None:
    model = open_tiny(tiny)
    asked = Prompts(torch.rand(2, 3, 2) * 128, torch.tensor([[1.0, 0.0, -1.0], [1.0, -1.0, -1.0]]))
    with torch.no_grad():
        embeddings = model.encode(pixels(2))
        together, _ = model.decode(embeddings, asked, several=True)
        for row in range(2):
            one = Prompts(asked.points[row : row + 1], asked.labels[row : row + 1])
            alone, _ = model.decode(embeddings[row : row + 1], one, several=True)
            torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_shares_of_cells_add_up_to_the_mask(size: tuple[int, int]) -> None:
    width, height = size
    frame = Frame(height, width, 128, 32)
    mask = np.zeros((height, width), bool)
    mask[height // 4 : height // 2, width // 3 :] = True
    cells, valid = frame.cells(mask), frame.valid()
    inner_height, inner_width = frame.inner
    assert cells.sum() == pytest.approx(mask.mean() * inner_height * inner_width / 16, rel=1e-3)
    assert valid.sum() == pytest.approx(inner_height * inner_width / 16, rel=1e-6)
    assert (cells <= valid + 1e-5).all()
    np.testing.assert_allclose(frame.cells(np.ones((height, width), bool)), valid, atol=1e-5)


def test_the_thinnest_strip_has_a_frame() -> None:
    frame = Frame(4000, 3, 128, 32)
    assert frame.pixels(Image.new("RGB", (3, 4000), "red"))[0].any()
    assert frame.whole(np.ones((1, 32, 32), np.float32)).shape == (1, 4000, 3)


def test_a_truncated_file_is_refused_in_words(tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "cut.safetensors"
    file.write_bytes(tiny.read_bytes()[:50_000])
    with pytest.raises(ModelError, match="could not be loaded"):
        open_segmenter(f"file:{file}", cpu())


def test_weights_that_are_not_finite_are_refused(tiny: Path, tmp_path: Path) -> None:
    weights = {name: tensor.clone() for name, tensor in open_tiny(tiny).network.state_dict().items()}
    weights["image_encoder.pos_embed"][0, 0, 0, 0] = torch.nan
    file = tmp_path / "nan.safetensors"
    save_file(weights, file)
    with pytest.raises(ModelError, match="not finite"):
        open_segmenter(f"file:{file}", cpu())


def test_metas_own_format_opens_too_and_runs_nothing(tiny: Path, tmp_path: Path) -> None:
    import pickle

    file = tmp_path / "sam_vit_t.pth"
    torch.save(open_tiny(tiny).network.state_dict(), file)
    assert torch.equal(
        open_tiny(file).network.state_dict()["mask_decoder.iou_token.weight"], open_tiny(tiny).decoder.iou_token.weight
    )

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path(tmp_path / "was-run").touch, ())

    bad = tmp_path / "bad.pth"
    bad.write_bytes(pickle.dumps({"image_encoder.pos_embed": Evil()}))
    with pytest.raises(ModelError):
        open_segmenter(f"file:{bad}", cpu())
    assert not (tmp_path / "was-run").exists()


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not here"):
        open_segmenter(f"file:{tmp_path / 'none.pth'}", cpu())
    with pytest.raises(ModelError, match="unknown way"):
        open_segmenter("hub:someone/sam", cpu())


@pytest.mark.parametrize("size", [*SIZES, (1, 700), (2500, 1300)])
def test_a_mask_is_where_its_logits_are_above_zero(size: tuple[int, int]) -> None:
    frame = Frame(size[1], size[0], 128, 32)
    drawn = np.random.default_rng(3).normal(size=(4, 32, 32)).astype(np.float32)
    drawn[1] -= 3.0  # specks
    drawn[2, 3:9, 20:] += 6.0  # something at the edge of the picture
    for logits in drawn:
        assert np.array_equal(frame.mask(logits).array(), frame.whole(logits) > 0)
    assert frame.mask(np.full((32, 32), 1.0, np.float32)).area == size[0] * size[1]
    assert frame.mask(np.full((32, 32), -1.0, np.float32)).area == 0


def test_a_mask_of_many_strips_is_one_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = Frame(300, 200, 128, 32)
    logits = np.random.default_rng(4).normal(size=(32, 32)).astype(np.float32)
    whole = frame.mask(logits)
    monkeypatch.setattr(frames, "_STRIP", 1000)
    assert frame.mask(logits).same(whole)
    assert frame.mask(np.ones((32, 32), np.float32)).area == 60_000
