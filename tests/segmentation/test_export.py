"""What is exported answers as the adapted model does, and what does not is not handed out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from segment_anything.build_sam import _build_sam
from torch import nn

from engines.api.errors import AdapterError, ModelError
from engines.launch.sam_sizes import PUBLISHED
from engines.segmentation.adapter_file import attach_for_use, read_segment_adapter
from engines.segmentation.contracts import Prompts
from engines.segmentation.export import graphs
from engines.segmentation.export.adapted import Adapted, open_adapted
from engines.segmentation.export.checkpoint import export_checkpoint
from engines.segmentation.export.folder import Wish, export_folder, prompt_trials
from engines.segmentation.export.lean import LeanDecoder, is_plain
from engines.segmentation.export.writing import Drawing, data_of, write_graph
from engines.segmentation.runtime import Graph
from engines.segmentation.segmenters._segment_anything import SegmentAnything
from engines.segmentation.tuners import registry
from tests.segmentation.support import cpu, open_tiny, write_adapter, write_tiny

WIDTH, HEIGHT = 150, 90


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("pictures") / "leaves.png"
    values = np.random.default_rng(0).integers(0, 255, (HEIGHT // 10, WIDTH // 10, 3), dtype=np.uint8)
    Image.fromarray(values).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(file)
    return file


@pytest.fixture(scope="module")
def exported(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that cannot be merged, exported."""
    folder = tmp_path_factory.mktemp("exported")
    adapter = write_adapter(tiny, folder / "birds.safetensors", "sam-adapter", reduction=8)
    export_folder(Wish(f"file:{tiny}", adapter, folder / "birds"), quiet)
    return folder / "birds"


def quiet(_phase: str, _text: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def adapted(tiny: Path, adapter: Path) -> tuple[SegmentAnything, torch.Tensor]:
    """The model with the adapter's layers in it, and the tokens of its classes."""
    model = open_tiny(tiny)
    _, tokens = attach_for_use(read_segment_adapter(adapter), model)
    assert tokens is not None
    return model, tokens


def clicked(model: SegmentAnything, picture: Path) -> np.ndarray:
    """Logits (4, height, width) for a click at 40, 30, every mask of the decoder."""
    image = Image.open(picture)
    frame = model.frame(*image.size)
    points = torch.from_numpy(frame.to_model([[[40.0, 30.0], [0.0, 0.0]]]))
    with torch.no_grad():
        embedding = model.encode(torch.from_numpy(frame.pixels(image))[None])
        prompts = model.embed(Prompts(points, torch.tensor([[1.0, -1.0]])))
        low, _ = model.masks(embedding, *prompts, side=model.drawn_side)
    return replace(frame, mask_side=model.drawn_side).whole(low[0].numpy())


def run(file: Path, *given: np.ndarray) -> list[np.ndarray]:
    """As anybody runs a graph."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([one.name for one in session.get_inputs()], given, strict=True)))


@pytest.mark.parametrize("tuner", [name for name, _ in registry().items()])
def test_every_way_to_adapt_is_exported_and_answers_as_in_torch(
    tuner: str, tiny: Path, picture: Path, tmp_path: Path
) -> None:
    adapter = write_adapter(tiny, tmp_path / "birds.safetensors", tuner)
    facts = export_folder(Wish(f"file:{tiny}", adapter, tmp_path / "out", candidates=True), quiet)
    assert facts["adapter"]["merged"] == registry().get(tuner).merges
    model, tokens = adapted(tiny, adapter)
    image = Image.open(picture)
    frame = model.frame(*image.size)
    (embedding,) = run(tmp_path / "out" / "encoder.onnx", frame.pixels(image)[None])
    points = frame.to_model([[[40.0, 30.0], [0.0, 0.0]]])
    labels, nothing = np.array([[1, -1]], np.float32), np.zeros((1, 1, 32, 32), np.float32)
    size = np.array([HEIGHT, WIDTH], np.float32)
    masks, _, _ = run(
        tmp_path / "out" / "decoder.onnx", embedding, points, labels, nothing, np.zeros(1, np.float32), size
    )
    expected = clicked(model, picture)
    assert masks.shape == (1, 4, HEIGHT, WIDTH)
    np.testing.assert_allclose(masks[0], expected, atol=1e-3 * max(1.0, np.abs(expected).max()))
    found, _, _ = run(tmp_path / "out" / "classes.onnx", embedding, size)
    with torch.no_grad():
        asked = Prompts(torch.zeros(2, 0, 2), torch.zeros(2, 0), tokens=tokens.unsqueeze(1))
        low, _ = model.decode(torch.from_numpy(embedding), asked, several=False, side=model.drawn_side)
    expected = replace(frame, mask_side=model.drawn_side).whole(low[:, 0].numpy())
    np.testing.assert_allclose(found[0], expected, atol=1e-3 * max(1.0, float(low.abs().max())))


def test_one_mask_answers_best_whatever_is_asked(tiny: Path, tmp_path: Path) -> None:
    model = open_tiny(tiny)
    graph = graphs.InPicture(graphs.Clicked(model), 128, 32, best=True)
    everything = graphs.Clicked(model)
    embedding, nothing = torch.randn(1, 32, 8, 8, generator=torch.Generator().manual_seed(0)), torch.zeros(1, 1, 32, 32)
    for labels in ([1.0, -1.0], [1.0, 0.0, -1.0], [2.0, 3.0], [2.0, 3.0, 1.0]):
        asked = (torch.rand(1, len(labels), 2) * 128, torch.tensor([labels]), nothing, torch.zeros(1))
        with torch.no_grad():
            low, scores = everything(embedding, *asked)
            _, score, chosen = graph(embedding, *asked, torch.tensor([HEIGHT, WIDTH]))
        best = 1 + int(scores[0, 1:].argmax()) if labels == [1.0, -1.0] else 0
        assert torch.equal(chosen[:, 0], low[:, best])
        assert torch.equal(score[:, 0], scores[:, best])


def test_annotation_tools_find_what_they_look_for(exported: Path, picture: Path) -> None:
    """As labelme does it: input `x`, square sides in the input's shape, -1 for no mask, a mask input of 256 pixels."""
    encoder = onnxruntime.InferenceSession(exported / "encoder.onnx", providers=["CPUExecutionProvider"])
    assert encoder.get_inputs()[0].name == "x"
    assert encoder.get_inputs()[0].shape == [1, 3, 128, 128]
    decoder = onnxruntime.InferenceSession(exported / "decoder.onnx", providers=["CPUExecutionProvider"])
    given = {
        "image_embeddings": np.random.default_rng(0).normal(size=(1, 32, 8, 8)).astype(np.float32),
        "point_coords": np.array([[[40, 30], [0, 0]]], np.float32),
        "point_labels": np.array([[1, -1]], np.float32),
        "mask_input": np.zeros((1, 1, 256, 256), np.float32),
        "has_mask_input": np.array([-1], np.float32),
        "orig_im_size": np.array([HEIGHT, WIDTH], np.float32),
    }
    first, _, _ = decoder.run(None, given)
    second, _, _ = decoder.run(
        None, {**given, "mask_input": given["mask_input"][..., :32, :32], "has_mask_input": np.zeros(1, np.float32)}
    )
    assert first.shape == (1, 1, HEIGHT, WIDTH)
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_an_encoder_of_colours_sees_the_same(tiny: Path, picture: Path, tmp_path: Path) -> None:
    export_folder(Wish(f"file:{tiny}", None, tmp_path / "out", takes="colours"), quiet)
    model, image = open_tiny(tiny), Image.open(picture)
    frame = model.frame(*image.size)
    (embedding,) = run(tmp_path / "out" / "encoder.onnx", frame.colours(image).astype(np.float32))
    with torch.no_grad():
        expected = model.encode(torch.from_numpy(frame.pixels(image))[None])
    np.testing.assert_allclose(embedding, expected.numpy(), atol=1e-3)
    settings = json.loads((tmp_path / "out" / "anylabeling.yaml").read_text())
    assert (tmp_path / "out" / settings["encoder_model_path"]).is_file()


FORBIDDEN = """
import runpy, sys
class Forbids:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "torchvision", "segment_anything", "safetensors", "scipy", "engines", "projects"}:
            raise ImportError(name)
sys.meta_path.insert(0, Forbids())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_example_runs_on_onnxruntime_alone(exported: Path, tiny: Path, picture: Path, tmp_path: Path) -> None:
    photo = Path(shutil.copy(picture, tmp_path))
    for place in (["40", "30"], []):
        words = [sys.executable, "-c", FORBIDDEN, str(exported / "run.py"), str(photo), *place]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "leaves-0-leaf.png",
        "leaves-0-mask.png",
        "leaves-1-a_bird.png",
        "leaves.png",
    ]
    model, _ = adapted(tiny, exported.parent / "birds.safetensors")
    with torch.no_grad():
        masks = clicked(model, picture) > 0
    mask = np.asarray(Image.open(tmp_path / "leaves-0-mask.png")) > 127
    assert mask.shape == (HEIGHT, WIDTH)
    assert max((mask == one).mean() for one in masks[1:]) > 0.999


def test_the_folder_says_what_it_is(exported: Path) -> None:
    facts = json.loads((exported / "adapter.json").read_text("utf-8"))
    assert facts["adapter"]["classes"] == ["leaf", "a bird"]
    assert facts["adapter"]["settings"]["reduction"] == 8
    assert facts["adapter"]["decoder_trained"]
    assert set(facts["files"]) == {"encoder.onnx", "decoder.onnx", "classes.onnx"}
    assert all(one["largest_difference_from_torch"] < 1e-3 for one in facts["files"].values())
    page = (exported / "README.md").read_text("utf-8")
    assert "Birds on leaves" in page
    assert "Apache-2.0" in page


def test_eight_bits_are_smaller_and_their_cost_is_told(tiny: Path, tmp_path: Path) -> None:
    facts = export_folder(Wish(f"file:{tiny}", None, tmp_path / "small", int8=True), quiet)
    export_folder(Wish(f"file:{tiny}", None, tmp_path / "exact"), quiet)
    assert 0 < facts["encoder_int8"]["embedding"] < 0.1
    assert 0.8 < facts["encoder_int8"]["overlap"] <= 1
    sizes = [(tmp_path / name / "encoder.onnx").stat().st_size for name in ("small", "exact")]
    assert sizes[0] < sizes[1]
    assert "eight bits" in (tmp_path / "small" / "README.md").read_text()
    assert not list((tmp_path / "small").glob("exact*"))


class Baked(nn.Module):
    """Answers otherwise the second time, which tracing cannot see."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * float(x.mean())


def test_a_graph_that_answers_differently_is_not_handed_out(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="answers differently"):
        write_graph(Drawing(Baked(), ("x",), ("y",), [(torch.ones(3),), (torch.full((3,), 2.0),)]), tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


def test_large_weights_lie_apart_and_move_with_their_folder(tiny: Path, tmp_path: Path) -> None:
    model, folder = open_tiny(tiny), tmp_path / "here"
    folder.mkdir()
    pixels = [(torch.randn(1, 3, 128, 128),) for _ in range(2)]
    write_graph(Drawing(graphs.Encoded(model), *graphs.ENCODER, pixels), folder / "encoder.onnx", one_file_bytes=1000)
    assert sorted(file.name for file in folder.iterdir()) == ["encoder.onnx", "encoder.onnx.data"]
    moved = folder.rename(tmp_path / "there")
    with torch.no_grad():
        expected = model.encode(pixels[1][0]).numpy()
    np.testing.assert_allclose(run(moved / "encoder.onnx", pixels[1][0].numpy())[0], expected, atol=1e-3)
    data_of(moved / "encoder.onnx").unlink()
    with pytest.raises(ModelError, match="missing or damaged"):
        Graph(moved / "encoder.onnx")


def test_a_damaged_graph_is_refused_in_words(tmp_path: Path, exported: Path) -> None:
    file = tmp_path / "decoder.onnx"
    file.write_bytes((exported / "decoder.onnx").read_bytes()[:100_000])
    for path in (file, tmp_path / "none.onnx"):
        with pytest.raises(ModelError, match="missing or damaged"):
            Graph(path)


def test_what_cannot_be_exported_leaves_nothing_behind(tiny: Path, exported: Path, tmp_path: Path) -> None:
    other = write_tiny(tmp_path, seed=5)
    adapter = write_adapter(tiny, tmp_path / "a.safetensors")
    with pytest.raises(AdapterError, match="another model"):
        export_folder(Wish(f"file:{other}", adapter, tmp_path / "out"), quiet)
    (tmp_path / "bad.safetensors").write_bytes(adapter.read_bytes()[:2000])
    with pytest.raises(AdapterError):
        export_folder(Wish(f"file:{tiny}", tmp_path / "bad.safetensors", tmp_path / "out"), quiet)
    assert not (tmp_path / "out").exists()
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]
    with pytest.raises(AdapterError, match="folder of this name"):
        export_folder(Wish(f"file:{tiny}", None, exported), quiet)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(AdapterError, match="something else"):
        export_folder(Wish(f"file:{tiny}", None, tmp_path / "thesis", overwrite=True), quiet)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


def test_the_lean_decoder_gives_the_same_masks(tiny: Path) -> None:
    model = open_tiny(tiny)
    plain, lean = graphs.Clicked(model), graphs.Clicked(model, LeanDecoder(model))
    for trial in prompt_trials(Adapted(model)):
        with torch.no_grad():
            for ours, theirs in zip(lean(*trial), plain(*trial), strict=True):
                torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_only_a_plain_decoder_is_rearranged(tiny: Path) -> None:
    model = open_tiny(tiny)
    assert is_plain(model.decoder)
    handle = model.decoder.transformer.register_forward_hook(lambda *_: None)
    assert not is_plain(model.decoder)
    handle.remove()

    class Other(nn.Linear):
        """Put in by somebody."""

    model.decoder.transformer.layers[0].mlp.lin1 = Other(32, 64)
    assert not is_plain(model.decoder)


def test_a_merged_checkpoint_opens_where_segment_anything_does(tmp_path: Path) -> None:
    sizes = replace(PUBLISHED["vit_b"], embed_dim=32, depth=2, heads=2, global_blocks=(1,))
    base = write_tiny(tmp_path, sizes=sizes)
    adapter = write_adapter(base, tmp_path / "a.safetensors", "lora")
    merged = open_adapted(f"file:{base}", adapter, cpu()).model.network.state_dict()
    for name in ("merged.safetensors", "merged.pth"):
        note = export_checkpoint(f"file:{base}", adapter, tmp_path / name)
        assert "ONNX" in note  # the classes it finds by itself stay behind
        opened = open_tiny(tmp_path / name).network.state_dict()
        assert opened.keys() == merged.keys()
        assert all(torch.equal(opened[key], merged[key]) for key in merged)
    built = _build_sam(32, 2, 2, [1], checkpoint=tmp_path / "merged.pth").state_dict()
    assert built.keys() == merged.keys()
    assert all(torch.equal(built[key], merged[key]) for key in merged)
    changed = [
        key for key, values in open_tiny(base).network.state_dict().items() if not torch.equal(values, built[key])
    ]
    assert "image_encoder.blocks.0.attn.qkv.weight" in changed


def test_a_checkpoint_is_refused_where_layers_were_added_or_a_file_is(tiny: Path, tmp_path: Path) -> None:
    adapter = write_adapter(tiny, tmp_path / "a.safetensors", "adaptformer")
    with pytest.raises(AdapterError, match="cannot be put"):
        export_checkpoint(f"file:{tiny}", adapter, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
    (tmp_path / "mine.pth").write_text("mine")
    with pytest.raises(AdapterError, match="not overwritten"):
        export_checkpoint(f"file:{tiny}", None, tmp_path / "mine.pth")
    assert export_checkpoint(f"file:{tiny}", None, tmp_path / "mine.pth", overwrite=True) == ""
