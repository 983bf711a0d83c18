"""The decoders that answer clicks: exported once for each model and adapter into the user's cache, and opened from there.

A cached one is opened without torch and without the model. It is verified before it appears, and made anew when it is damaged.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from engines.api.errors import AdapterError, ModelError
from engines.api.places import cache_home
from engines.segmentation.runtime import Graph
from engines.segmentation.segmenters import place_of
from projects.files import atomic_folder, atomic_write_json

_EDITION = 1
"""Raised when the graphs or the facts beside them change."""
_KEPT = 24
_DECODER, _CLASSES, _FACTS = "decoder.onnx", "classes.onnx", "facts.json"


@dataclass(frozen=True)
class Facts:
    """What is known of an adapted model without opening it.

    Attributes:
        side: of the square a picture is padded to; `mask_side` that of a mask.
        encoder_changes: whether the adapter changes what the model sees, else embeddings are those of the plain model.
        classes: names of what it finds without being asked; empty when it finds nothing.
    """

    side: int
    mask_side: int
    encoder_changes: bool
    classes: tuple[str, ...]


class Decoder:
    """The graphs of one adapted model.

    Attributes:
        facts: what is known of it.
        hashes: sha256 of the model's file and of the adapter's (empty without one).
        clicked: prompts for a picture to all masks and their expected IoU.
    """

    def __init__(self, folder: Path, hashes: tuple[str, str]) -> None:
        """Open the graphs of a folder; raises ModelError when they are damaged."""
        self.hashes, self._folder = hashes, folder
        try:
            told = json.loads((folder / _FACTS).read_text("utf-8"))
            self.facts = Facts(**{**told, "classes": tuple(told["classes"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            title = "The exported model cannot be opened"
            raise ModelError(title, f"“{_FACTS}” is missing or damaged.", "Export it again.") from error
        self.clicked = Graph(folder / _DECODER)
        self._classes: Graph | None = None

    @property
    def seen_by(self) -> str:
        """Hash of the adapter, as far as embeddings depend on it."""
        return self.hashes[1] if self.facts.encoder_changes else ""

    @property
    def classes(self) -> Graph:
        """A picture to a mask for each class.

        Raises:
            AdapterError: it finds nothing without being asked.
        """
        if not self.facts.classes:
            title = "This model finds nothing without being asked"
            raise AdapterError(title, "It answers clicks and boxes only.", "Look for all objects instead, or click.")
        if self._classes is None:
            self._classes = Graph(self._folder / _CLASSES)
        return self._classes


def hashes_of(base: str, adapter: Path | None) -> tuple[str, str]:
    """sha256 of a model's file and of an adapter's (empty for None), remembered while the files do not change.

    Raises:
        ModelError: the model is not there.
        AdapterError: the adapter is not there.
    """
    from engines.core.weights import sha256_of

    base_hash = sha256_of(place_of(base))
    if adapter is None:
        return base_hash, ""
    if not adapter.is_file():
        title = "This adapter cannot be read"
        raise AdapterError(title, f"There is no file at {adapter}.", "Choose it again; it may have been moved.")
    return base_hash, sha256_of(adapter)


def decoder_for(base: str, adapter: Path | None, working: Callable[[str], None], *, finer: int = 0) -> Decoder:
    """The decoder of a model with an adapter in it, made when it is not there yet.

    Args:
        base: as in a job.
        adapter: its file; None for the plain model.
        working: told what takes time.
        finer: how many times finer than the model's own its masks shall be; 0 takes what the adapter was set to.

    Raises:
        ModelError: the model cannot be opened, or its decoder cannot be exported.
        AdapterError: the adapter is damaged, was made for another model, or cannot draw finer masks.
    """
    from engines.core.weights import joint_hash

    hashes = hashes_of(base, adapter)
    folder = cache_home() / "decoders" / joint_hash((*hashes, str(_EDITION), *([str(finer)] if finer else [])))[:40]
    with suppress(ModelError):
        found = Decoder(folder, hashes)
        folder.touch()
        return found
    working("Preparing the model for clicks")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(folder) as empty:
        _export(base, adapter, empty, finer)
    _forget_old(folder.parent)
    return Decoder(folder, hashes)


def _export(base: str, adapter: Path | None, folder: Path, finer: int) -> None:
    from engines.core.devices import pick
    from engines.segmentation.export import graphs
    from engines.segmentation.export.adapted import open_adapted
    from engines.segmentation.export.folder import prompt_trials
    from engines.segmentation.export.lean import LeanDecoder, is_plain
    from engines.segmentation.export.writing import Drawing, write_graph

    opened = open_adapted(base, adapter, pick("cpu", "fp32"))
    model, sizes = opened.model, opened.model.info.sizes
    if finer:
        if model.drawing is None:
            title = "This model cannot draw finer masks"
            raise AdapterError(title, hint="Use an adapter of I-MedSAM (“Fine borders”), or leave this out.")
        model.drawing.finer = finer
    plain = model.drawing is None and is_plain(model.decoder)
    network = graphs.Clicked(model, LeanDecoder(model) if plain else None)
    free = {"point_coords": {1: "num_points"}, "point_labels": {1: "num_points"}}
    trials = prompt_trials(opened)
    write_graph(Drawing(network, graphs.PROMPTS, graphs.LOW_RES, trials, free), folder / _DECODER)
    if opened.tokens is not None:
        found = graphs.Classes(model, opened.tokens)
        seen = [trial[:1] for trial in trials]
        write_graph(Drawing(found, graphs.PROMPTS[:1], graphs.LOW_RES, seen), folder / _CLASSES)
    classes = opened.adapter.classes if opened.adapter is not None and opened.tokens is not None else ()
    facts = Facts(sizes.image_side, model.drawn_side, opened.encoder_changes, classes)
    atomic_write_json(folder / _FACTS, asdict(facts))


def _forget_old(home: Path) -> None:
    """Every training leaves a new adapter, so only the decoders used last are kept."""
    with suppress(OSError):  # another process may tidy up too
        folders = sorted((one for one in home.iterdir() if one.is_dir()), key=lambda one: one.stat().st_mtime)
        for old in folders[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)
