"""The exported folder: encoder, decoder and classes as ONNX with the adapter inside, what they are, and an example that runs them.

    encoder.onnx    a picture to its embedding (very large models keep their weights beside it, in encoder.onnx.data)
    decoder.onnx    embedding and prompts to masks; inputs and outputs of the reference implementation's exported decoder
    classes.onnx    embedding to a mask for each class; only with adapters that find classes by themselves
    adapter.json    what the files are, how pictures are prepared, and how exact they were found to be
    run.py          a few lines that need onnxruntime, numpy and Pillow; README.md says the rest

The folder appears whole or not at all, and every graph in it was held to torch first.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from engines.api.errors import AdapterError
from engines.api.places import resources, samples
from engines.core.contracts import ProgressHook
from engines.core.devices import pick
from engines.segmentation.export import graphs
from engines.segmentation.export.about import facts_of, readme, tool_settings
from engines.segmentation.export.adapted import Adapted, open_adapted
from engines.segmentation.export.smaller import Loss, measured, quantise
from engines.segmentation.export.writing import Drawing, data_of, remove_graph, write_graph
from engines.segmentation.runtime import Graph
from projects.files import atomic_folder, atomic_write_json, atomic_write_text
from projects.pixels import load_rgb

ENCODER, DECODER, CLASSES = "encoder.onnx", "decoder.onnx", "classes.onnx"
FACTS = "adapter.json"
Takes = Literal["pixels", "colours"]
_SIZES = ((200.0, 300.0), (333.0, 100.0), (64.0, 64.0))
_STEPS = 5
_EXACT = "exact.onnx"


@dataclass(frozen=True)
class Wish:
    """What is to be exported.

    Attributes:
        base: the model, as in a job; `adapter` its adapter file, None for the plain model.
        folder: where it goes.
        takes: what the encoder is given: normalised and padded `pixels`, or `colours` as the AnyLabeling family of tools hands them over.
        candidates: the decoder gives all its masks instead of the one that answers best.
        int8: the encoder's weights get eight bits, and what that costs is measured.
        overwrite: replace a folder of this name.
    """

    base: str
    adapter: Path | None
    folder: Path
    takes: Takes = "pixels"
    candidates: bool = False
    int8: bool = False
    overwrite: bool = False


def export_folder(wish: Wish, progress: ProgressHook) -> dict[str, Any]:
    """Write the folder and return its facts, as in `adapter.json`.

    Raises:
        ModelError: the base cannot be opened, or a graph cannot be written or answers differently than torch.
        AdapterError: the adapter is damaged or was made for another base, or the folder exists.
    """
    _check_free(wish)
    progress("export", "Loading the model", 0, _STEPS)
    opened = open_adapted(wish.base, wish.adapter, pick("cpu", "fp32"))
    with atomic_folder(wish.folder) as folder:
        differences = {}
        for number, (name, drawing) in enumerate(_drawings(opened, wish), start=1):
            progress("export", f"Writing and checking {name}", number, _STEPS)
            differences[name] = write_graph(drawing, folder / (_EXACT if wish.int8 and name == ENCODER else name))
        loss = None
        if wish.int8:
            progress("export", "Making the encoder smaller", _STEPS - 1, _STEPS)
            loss = _with_eight_bits(opened, wish, folder / _EXACT, folder / DECODER)
        facts = facts_of(opened, wish.adapter, wish.takes, differences, None if loss is None else asdict(loss))
        atomic_write_json(folder / FACTS, facts)
        atomic_write_text(folder / "README.md", readme(facts))
        shutil.copyfile(resources() / "export" / "run.py", folder / "run.py")
        if wish.takes == "colours":
            atomic_write_text(folder / "anylabeling.yaml", tool_settings(facts))
    progress("export", "Done", _STEPS, _STEPS)
    return facts


def _check_free(wish: Wish) -> None:
    """Only an earlier export is ever replaced, never a folder with anything else in it."""
    if wish.folder.exists() and not (wish.overwrite and (wish.folder / FACTS).is_file()):
        what = "It holds something else and" if wish.overwrite else f"{wish.folder.name}"
        title = "There is a folder of this name"
        raise AdapterError(title, f"{what} was not overwritten.", "Choose another name.")


def _drawings(opened: Adapted, wish: Wish) -> Iterator[tuple[str, Drawing]]:
    model = opened.model
    sizes = model.info.sizes
    lots = torch.Generator().manual_seed(0)
    if wish.takes == "colours":
        shapes = [(sizes.image_side, sizes.image_side // 2), (sizes.image_side * 2 // 3, sizes.image_side)]
        colours = [(torch.rand(*shape, 3, generator=lots) * 255,) for shape in shapes]
        yield ENCODER, Drawing(graphs.EncodedColours(model), *graphs.ENCODER, colours, {"x": {0: "height", 1: "width"}})
    else:
        pixels = [(torch.randn(1, 3, sizes.image_side, sizes.image_side, generator=lots),) for _ in range(2)]
        yield ENCODER, Drawing(graphs.Encoded(model), *graphs.ENCODER, pixels)
    asked = [(*prompts, torch.tensor(size)) for prompts, size in zip(prompt_trials(opened), _SIZES, strict=True)]
    network: nn.Module = graphs.InPicture(
        graphs.Clicked(model), sizes.image_side, model.drawn_side, best=not wish.candidates
    )
    free = {"point_coords": {1: "num_points"}, "point_labels": {1: "num_points"}, "mask_input": {2: "side", 3: "side"}}
    masks = {"masks": {2: "height", 3: "width"}}
    yield DECODER, Drawing(network, (*graphs.PROMPTS, graphs.SIZE), graphs.IN_PICTURE, asked, free | masks)
    if opened.tokens is not None:
        network = graphs.InPicture(graphs.Classes(model, opened.tokens), sizes.image_side, model.drawn_side, best=False)
        seen = [(trial[0], trial[-1]) for trial in asked]
        yield CLASSES, Drawing(network, (graphs.PROMPTS[0], graphs.SIZE), graphs.IN_PICTURE, seen, masks)


def prompt_trials(opened: Adapted) -> list[tuple[torch.Tensor, ...]]:
    """Prompts that a decoder is tried with: a click, a box with clicks, and clicks that refine a mask."""
    sizes, side = opened.model.info.sizes, opened.model.drawn_side
    lots = torch.Generator().manual_seed(1)
    trials: list[tuple[torch.Tensor, ...]] = []
    for labels, known in (((1, -1), 0.0), ((2, 3, 1, 0, 1), 0.0), ((1, 0, -1), 1.0)):
        trials.append(
            (
                torch.randn(1, sizes.out_chans, sizes.token_side, sizes.token_side, generator=lots),
                torch.rand(1, len(labels), 2, generator=lots) * sizes.image_side,
                torch.tensor([labels], dtype=torch.float32),
                torch.randn(1, 1, side, side, generator=lots) * 4.0,
                torch.tensor([known]),
            )
        )
    return trials


def _with_eight_bits(opened: Adapted, wish: Wish, exact: Path, decoder: Path) -> Loss:
    """Write a smaller encoder in the place of the exact one, and measure what it costs."""
    smaller = exact.with_name(ENCODER)
    quantise(exact, smaller, apart=data_of(exact).exists())
    pictures = []
    for file in sorted(samples().glob("*/00.png")):
        picture = load_rgb(file)
        frame = opened.model.frame(picture.width, picture.height)
        given = frame.pixels(picture)[None] if wish.takes == "pixels" else frame.colours(picture).astype(np.float32)
        pictures.append((frame, given))
    loss = measured(Graph(exact), Graph(smaller), Graph(decoder), pictures)
    remove_graph(exact)
    return loss
