"""Clicks are answered as by the reference's predictor, from embeddings that are computed once, without torch where all is at hand."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from segment_anything import SamPredictor
from segment_anything.utils.amg import calculate_stability_score

from engines.api.errors import AdapterError, ModelError, SettingsError
from engines.api.segment_requests import Click
from engines.launch.local import checkout
from engines.segmentation import decoders, proposals
from engines.segmentation.adapter_file import attach_for_use, read_segment_adapter
from engines.segmentation.clicks import Asked, Clicks, Found, Shared
from engines.segmentation.contracts import Prompts
from engines.segmentation.decoders import Decoder, decoder_for
from engines.segmentation.embeddings import Embeddings, Pictures
from engines.segmentation.frames import Frame
from engines.segmentation.sizes import build_sam
from engines.segmentation.warm import WarmModel
from projects.errors import ImportFailure
from projects.regions.mask import Mask
from tests.segmentation.support import TINY, cpu, open_tiny, write_adapter, write_tiny

WIDTH, HEIGHT = 150, 90


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("decoders")


@pytest.fixture(autouse=True)
def _one_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoders are exported once for all tests here."""
    monkeypatch.setattr(decoders, "cache_home", lambda: home)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return draw(tmp_path / "picture.png")


def draw(file: Path, *, size: tuple[int, int] = (WIDTH, HEIGHT), seed: int = 0, mode: str = "RGB") -> Path:
    """A picture of soft blobs."""
    values = np.random.default_rng(seed).integers(0, 255, (9, 15, 3), dtype=np.uint8)
    Image.fromarray(values).resize(size, Image.Resampling.BICUBIC).convert(mode).save(file)
    return file


def never(_done: int, _total: int) -> None:
    """Nothing interrupts."""


def session(base: Path, adapter: Path | None = None, shared: Shared | None = None) -> Clicks:
    address = f"file:{base}"
    shared = shared or Shared(WarmModel(cpu))
    return Clicks(address, adapter, decoder_for(address, adapter, lambda _text: None), shared)


def predictor(tiny: Path, picture: Path) -> SamPredictor:
    """The reference with the same weights, looking at the picture."""
    sam = build_sam(TINY)
    sam.load_state_dict(open_tiny(tiny).network.state_dict())
    found = SamPredictor(sam.eval())
    found.set_image(np.asarray(Image.open(picture).convert("RGB")))
    return found


def same(found: Found, logits: np.ndarray, score: float) -> None:
    """The mask is where the logits are above zero, but for pixels whose logits hardly differ from it."""
    clear = np.abs(logits) > 1e-3
    assert (found.mask.array() == (logits > 0))[clear].all()
    assert clear.mean() > 0.9
    assert found.score == pytest.approx(score, abs=1e-3)


def test_a_click_gives_the_predictors_three_masks_the_likeliest_first(tiny: Path, picture: Path) -> None:
    logits, scores, _ = predictor(tiny, picture).predict(
        np.array([[40.0, 30.0]]), np.array([1]), multimask_output=True, return_logits=True
    )
    found = session(tiny).ask(Asked(picture), [Click(x=40, y=30)], None, never)
    assert len(found) == 3
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one, number in zip(found, np.argsort(-scores, kind="stable"), strict=True):
        same(one, logits[number], scores[number])


@pytest.mark.parametrize("box", [None, (20.0, 10.0, 100.0, 70.0)])
@pytest.mark.parametrize("clicks", [[], [(40.0, 30.0, 1)], [(40.0, 30.0, 1), (120.0, 80.0, 0)]])
def test_more_clicks_and_boxes_give_the_predictors_one_mask(
    tiny: Path, picture: Path, clicks: list[tuple[float, float, int]], box: tuple[float, ...] | None
) -> None:
    if box is None and len(clicks) < 2:
        return
    logits, scores, _ = predictor(tiny, picture).predict(
        np.array([click[:2] for click in clicks]) if clicks else None,
        np.array([click[2] for click in clicks]) if clicks else None,
        np.array(box) if box else None,
        multimask_output=False,
        return_logits=True,
    )
    asked = [Click(x=x, y=y, inside=bool(inside)) for x, y, inside in clicks]
    (found,) = session(tiny).ask(Asked(picture), asked, box, never)
    same(found, logits[0], scores[0])
    if box is not None:  # drawn from the other corner
        turned = (box[2], box[3], box[0], box[1])
        assert session(tiny).ask(Asked(picture), asked, turned, never)[0].mask.same(found.mask)


def test_a_click_that_follows_makes_the_chosen_mask_better(tiny: Path, picture: Path) -> None:
    reference = predictor(tiny, picture)
    _, scores, low = reference.predict(np.array([[40.0, 30.0]]), np.array([1]), multimask_output=True)
    second = np.argsort(-scores, kind="stable")[1]
    both = np.array([[40.0, 30.0], [120.0, 80.0]]), np.array([1, 0])
    logits, expected, _ = reference.predict(
        *both, mask_input=low[None, second], multimask_output=False, return_logits=True
    )
    clicks = [Click(x=40, y=30), Click(x=120, y=80, inside=False)]
    one = session(tiny)
    one.ask(Asked(picture), clicks[:1], None, never)
    (alone,) = one.ask(Asked(picture), clicks, None, never, remember=False)
    (found,) = one.ask(Asked(picture), clicks, None, never, follow=1, remember=False)
    same(found, logits[0], expected[0])
    assert found.score != alone.score
    (forgotten,) = session(tiny).ask(Asked(picture), clicks, None, never, follow=1)
    assert forgotten.mask.same(alone.mask)


@pytest.mark.parametrize("tuner", ["lora", "adaptformer", "sam-adapter", "decoder", "i-medsam"])
def test_an_adapter_answers_as_in_torch(tiny: Path, picture: Path, tmp_path: Path, tuner: str) -> None:
    adapter = write_adapter(tiny, tmp_path / "a.safetensors", tuner)
    shared = Shared(WarmModel(cpu))
    session(tiny, None, shared).open(Asked(picture), never)  # the plain model before and after
    one = session(tiny, adapter, shared)
    clicked = one.ask(Asked(picture), [Click(x=40, y=30)], None, never)
    classes = one.classes(Asked(picture), never)
    plain = session(tiny, None, shared).ask(Asked(picture), [Click(x=40, y=30)], None, never)
    model = open_tiny(tiny)
    _, tokens = attach_for_use(read_segment_adapter(adapter), model)
    assert tokens is not None
    image = Image.open(picture)
    frame = model.frame(*image.size)
    asked = Prompts(torch.from_numpy(frame.to_model([[[40.0, 30.0], [0.0, 0.0]]])), torch.tensor([[1.0, -1.0]]))
    with torch.no_grad():
        embedding = model.encode(torch.from_numpy(frame.pixels(image))[None])
        low, scores = model.decode(embedding, asked, several=True, side=model.drawn_side)
        named = Prompts(torch.zeros(2, 0, 2), torch.zeros(2, 0), tokens=tokens.unsqueeze(1))
        by_class, class_scores = model.decode(embedding, named, several=False, side=model.drawn_side)
    frame = replace(frame, mask_side=model.drawn_side)
    for found, number in zip(clicked, scores[0].argsort(descending=True, stable=True), strict=True):
        same(found, frame.whole(low[0, number].numpy()), float(scores[0, number]))
    for found in classes:
        same(found, frame.whole(by_class[found.label, 0].numpy()), float(class_scores[found.label, 0]))
    assert one.names == ("leaf", "a bird")
    assert [found.score for found in plain] != [found.score for found in clicked]
    expected, _, _ = predictor(tiny, picture).predict(np.array([[40.0, 30.0]]), np.array([1]), multimask_output=True)
    assert max((plain[0].mask.array() == mask).mean() for mask in expected) > 0.99


def test_masks_may_be_asked_for_finer(tiny: Path, picture: Path, tmp_path: Path) -> None:
    adapter, address = write_adapter(tiny, tmp_path / "a.safetensors", "i-medsam", finer=1), f"file:{tiny}"
    shared, click = Shared(WarmModel(cpu)), [Click(x=40, y=30)]
    found = {}
    for finer, side in ((0, 32), (4, 128)):
        decoder = decoder_for(address, adapter, lambda _text: None, finer=finer)
        assert decoder.facts.mask_side == side
        one = Clicks(address, adapter, decoder, shared)
        first = one.ask(Asked(picture), click, None, never)
        refined = one.ask(Asked(picture), [*click, Click(x=80, y=50, inside=False)], None, never, follow=0)
        found[finer] = [answer.mask.array() for answer in (*first, *refined)]
    assert len(found[0]) == len(found[4]) == 4
    shares = [float((own == fine).mean()) for own, fine in zip(found[0], found[4], strict=True)]
    assert min(shares) > 0.8
    assert min(shares) < 1.0
    lora = write_adapter(tiny, tmp_path / "l.safetensors", "lora")
    with pytest.raises(AdapterError, match="finer masks"):
        decoder_for(address, lora, lambda _text: None, finer=2)


class Counting(WarmModel):
    """Counts how often something is looked at."""

    looked = 0

    def encode(self, *given: object) -> np.ndarray:  # type: ignore[override]
        self.looked += 1
        return super().encode(*given)  # type: ignore[arg-type]


def test_a_picture_is_looked_at_once(tiny: Path, picture: Path, tmp_path: Path) -> None:
    model, folder = Counting(cpu), tmp_path / "cache"
    shared = Shared(model)
    one = session(tiny, None, shared)
    frame, there = one.open(Asked(picture, folder), never)
    assert (frame.width, frame.height, there) == (WIDTH, HEIGHT, False)
    before = one.ask(Asked(picture, folder), [Click(x=40, y=30)], None, never)
    assert model.looked == 1
    # From the disk, for another session and another name; an adapter that leaves the encoder alone sees what the plain model saw.
    copied = Path(shutil.copy(picture, tmp_path / "same pixels.png"))
    other = Shared(model)
    adapter = write_adapter(tiny, tmp_path / "d.safetensors", "decoder")
    assert session(tiny, None, other).open(Asked(copied, folder), never)[1]
    assert session(tiny, adapter, other).open(Asked(copied, folder), never)[1]
    after = session(tiny, None, other).ask(Asked(copied, folder), [Click(x=40, y=30)], None, never)
    assert [one.mask.text for one in after] == [one.mask.text for one in before]
    assert model.looked == 1
    # Other pixels under the same name, another adapter: looked at again.
    draw(picture, seed=5)
    assert not one.open(Asked(picture, folder), never)[1]
    lora = write_adapter(tiny, tmp_path / "l.safetensors", "lora")
    assert not session(tiny, lora, other).open(Asked(copied, folder), never)[1]
    assert model.looked == 3


def test_a_damaged_or_full_cache_costs_time_only(tiny: Path, picture: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    session(tiny).open(Asked(picture, folder), never)
    (file,) = folder.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:50])
    assert not session(tiny).open(Asked(picture, folder), never)[1]
    (tmp_path / "no folder").write_text("a file is in the way")
    assert session(tiny).ask(Asked(picture, tmp_path / "no folder"), [Click(x=1, y=1)], None, never)


def test_memory_is_bounded_and_given_back(tiny: Path, tmp_path: Path) -> None:
    model = Counting(cpu)
    shared = Shared(model, Embeddings(most_bytes=2 * 32 * 64 * 4))
    one = session(tiny, None, shared)
    files = [draw(tmp_path / f"{number}.png", seed=number) for number in range(3)]
    for file in (*files, files[2], files[1], files[0]):
        one.open(Asked(file), never)
    assert shared.embeddings.bytes <= 2 * 32 * 64 * 4
    assert model.looked == 4
    shared.release()
    assert shared.embeddings.bytes == 0
    assert model._model is None


def test_looking_can_be_interrupted_between_blocks(tiny: Path, picture: Path) -> None:
    class Enough(Exception):
        pass

    def interrupted(done: int, _total: int) -> None:
        if done == 1:
            raise Enough

    one = session(tiny)
    with pytest.raises(Enough):
        one.open(Asked(picture), interrupted)
    assert not one.open(Asked(picture), never)[1]


def test_pictures_of_every_kind_are_answered(tiny: Path, tmp_path: Path) -> None:
    one = session(tiny)
    grey = draw(tmp_path / "grey.png", mode="L")
    deep = tmp_path / "deep.png"
    Image.fromarray((np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 4).astype(np.uint16)).save(deep)
    turned = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(draw(tmp_path / "x.png")).save(turned, exif=exif)
    for file, size in ((grey, (WIDTH, HEIGHT)), (deep, (WIDTH, HEIGHT)), (turned, (HEIGHT, WIDTH))):
        (first, *_) = one.ask(Asked(file), [Click(x=20, y=20)], None, never)
        assert (first.mask.width, first.mask.height) == size


def test_what_cannot_be_answered_is_said_in_words(tiny: Path, picture: Path, tmp_path: Path) -> None:
    one = session(tiny)
    with pytest.raises(SettingsError, match="Nothing was pointed at"):
        one.ask(Asked(picture), [], None, never)
    with pytest.raises(AdapterError, match="without being asked"):
        one.classes(Asked(picture), never)
    with pytest.raises(ImportFailure):
        one.open(Asked(tmp_path / "none.png"), never)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ImportFailure):
        one.open(Asked(tmp_path / "text.png"), never)
    with pytest.raises(ModelError):
        session(tmp_path / "none.pth")
    with pytest.raises(AdapterError, match="no file"):
        session(tiny, tmp_path / "none.safetensors")
    other = write_tiny(tmp_path, seed=5)
    with pytest.raises(AdapterError, match="another model"):
        session(other, write_adapter(tiny, tmp_path / "a.safetensors"))


def test_a_decoder_is_exported_once_and_again_when_it_is_damaged(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoders, "cache_home", lambda: tmp_path)
    said: list[str] = []
    address = f"file:{tiny}"
    decoder_for(address, None, said.append)
    decoder_for(address, None, said.append)
    assert said == ["Preparing the model for clicks"]
    (folder,) = (tmp_path / "decoders").iterdir()
    for name in ("decoder.onnx", "facts.json"):
        (folder / name).write_bytes((folder / name).read_bytes()[:20])
        assert isinstance(decoder_for(address, None, said.append), Decoder)
    assert len(said) == 3
    monkeypatch.setattr(decoders, "_KEPT", 1)
    adapter = write_adapter(tiny, tmp_path / "a.safetensors", "decoder")
    decoder_for(address, adapter, said.append)
    assert [one.name for one in (tmp_path / "decoders").iterdir()] != [folder.name]
    assert len(list((tmp_path / "decoders").iterdir())) == 1


def test_a_click_costs_no_torch_where_all_is_at_hand(tiny: Path, picture: Path, home: Path) -> None:
    """With the decoder exported and the embedding in memory; reading embeddings from the disk is torch's business."""
    session(tiny).open(Asked(picture), never)
    code = (
        "import sys, json, numpy as np\n"
        "from pathlib import Path\n"
        "from engines.segmentation import decoders\n"
        f"decoders.cache_home = lambda: Path({str(home)!r})\n"
        f"found = decoders.decoder_for('file:' + {str(tiny)!r}, None, print)\n"
        "masks, scores = found.clicked(np.zeros((1, 32, 8, 8), 'f'), np.zeros((1, 2, 2), 'f'),\n"
        "    np.array([[1, -1]], 'f'), np.zeros((1, 1, 32, 32), 'f'), np.zeros(1, 'f'))\n"
        "print(json.dumps([list(masks.shape), 'torch' in sys.modules]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[1, 4, 32, 32], False]


def test_proposals_are_sure_stable_and_told_once() -> None:
    frame = Frame(768, 1024, 1024, 256)
    inside = frame.valid() > 0.5
    y, x = np.mgrid[:256, :256]
    disc = (64.3 - np.hypot(y - 96, x - 96)) * 4
    shifted = (64.3 - np.hypot(y - 96, x - 100)) * 4
    soft = (64.3 - np.hypot(y - 96, x - 96)) * 0.45
    elsewhere = (32.3 - np.hypot(y - 64, x - 210)) * 4
    padding = (20.3 - np.hypot(y - 235, x - 48)) * 4
    logits = np.stack([disc, shifted, soft, elsewhere, padding]).astype(np.float32)
    scores = np.array([0.9, 0.95, 0.99, 0.93, 0.99], np.float32)
    kept = proposals.told_once(proposals.worthy((1.0, 2.0), logits, scores, inside))
    assert [one.number for one in kept] == [1, 3]
    assert proposals.worthy((1.0, 2.0), logits, scores - 0.2, inside) == []
    for one in logits[[0, 2, 3]]:
        expected = float(calculate_stability_score(torch.from_numpy(one), 0.0, 1.0))
        assert proposals.stability(one) == pytest.approx(expected)


def test_a_coarser_grid_and_a_meeker_model_are_judged_by_their_own_measure() -> None:
    y, x = np.mgrid[:64, :64]
    disc = ((16.3 - np.hypot(y - 24, x - 24)) * 0.5).clip(-5, 4).astype(np.float32)[None]
    inside = np.ones((64, 64), bool)
    assert proposals.stability(disc[0]) > float(calculate_stability_score(torch.from_numpy(disc[0]), 0.0, 1.0))
    assert len(proposals.worthy((0.0, 0.0), disc, np.array([0.8], np.float32), inside)) == 1
    assert proposals.worthy((0.0, 0.0), disc, np.array([0.7], np.float32), inside) == []
    assert proposals.stability(np.full((4, 4), -1.0, np.float32)) == 0.0


def test_boxes_told_twice_are_those_torchvision_drops() -> None:
    from torchvision.ops import nms

    lots = np.random.default_rng(0)
    corners = lots.integers(0, 200, (60, 2))
    boxes = np.concatenate([corners, corners + lots.integers(5, 80, (60, 2))], axis=1)
    scores = lots.random(60)
    found = proposals.told_once(
        [proposals.Proposal((0.0, 0.0), n, float(scores[n]), tuple(int(v) for v in boxes[n])) for n in range(60)]
    )
    expected = nms(torch.from_numpy(boxes).double(), torch.from_numpy(scores), proposals.MOST_OVERLAP)
    assert [one.number for one in found] == expected.tolist()


def test_everything_is_found_by_a_grid_of_clicks(tiny: Path, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposals, "MOST_WRONG", 100.0)
    monkeypatch.setattr(proposals, "MOST_UNSTABLE", 1.0)
    one = session(tiny)
    steps: list[tuple[int, int]] = []
    found = one.everything(Asked(picture), 3, lambda done, total: steps.append((done, total)))
    assert steps[-9:] == [(number, 9) for number in range(9)]
    assert found
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    clicks = [(float(x), float(y)) for x, y in proposals.grid(3, Frame(HEIGHT, WIDTH, 128, 32))]
    assert clicks[0] == (25.0, 15.0)
    answers = [each for x, y in clicks for each in one.ask(Asked(picture), [Click(x=x, y=y)], None, never)]
    for each in found:
        assert any(each.mask.same(answer.mask) and each.score == answer.score for answer in answers)
    monkeypatch.setattr(proposals, "MOST_WRONG", -100.0)
    assert one.everything(Asked(picture), 3, never) == []


def test_pictures_are_known_again_by_their_pixels(tmp_path: Path) -> None:
    pictures = Pictures()
    first, pixels = pictures.look(draw(tmp_path / "a.png"))
    assert pixels is not None
    assert pictures.look(tmp_path / "a.png") == (first, None)
    Image.open(tmp_path / "a.png").save(tmp_path / "b.bmp")
    assert pictures.look(tmp_path / "b.bmp")[0] == first
    flat = Image.new("RGB", (6, 4))
    flat.save(tmp_path / "flat.png")
    flat.resize((4, 6)).save(tmp_path / "tall.png")
    assert pictures.look(tmp_path / "flat.png")[0].sha256 != pictures.look(tmp_path / "tall.png")[0].sha256


def test_an_empty_mask_is_no_class_that_was_found(
    tiny: Path, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = write_adapter(tiny, tmp_path / "a.safetensors", "decoder")
    one = session(tiny, adapter)
    empty = Mask.from_counts([WIDTH * HEIGHT], WIDTH, HEIGHT)
    monkeypatch.setattr(Frame, "mask", lambda _self, _logits: empty)
    assert one.classes(Asked(picture), never) == []
