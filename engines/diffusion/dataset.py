"""Fills the caches and lays the data out for training and for measuring; afterwards no encoder is needed any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from engines.api.job import JobConcept, JobImage
from engines.api.recipe import Recipe
from engines.core.cache import TensorCache, key_of
from engines.core.contracts import ProgressHook
from engines.core.weights import sha256_of
from engines.diffusion.captions import caption_of, held_captions
from engines.diffusion.contracts import Base, TextStates
from engines.diffusion.data import (
    LATENTS,
    RESIDENT_BYTES,
    Bucket,
    Captions,
    DrawSettings,
    Entry,
    Latents,
    PictureBatches,
)
from engines.diffusion.pictures import Shape, prepare, shapes
from projects.errors import ImportFailure

HOLD_OUT_FROM = 8
"""With so many photos, some are kept apart for measuring."""


@dataclass(frozen=True)
class Dataset:
    """Everything a run learns from and is measured on.

    Attributes:
        batches: the training order.
        measured: buckets of the pictures measured on, and `measured_apart` whether those are kept out of the training.
        captions: the table both refer to.
        masked: whether masks count.
        skipped: pictures that could not be read, as sentences.
    """

    batches: PictureBatches
    measured: tuple[Bucket, ...]
    measured_apart: bool
    captions: Captions
    masked: bool
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Cached:
    """A picture whose latents lie in the cache."""

    file: Path
    grid: tuple[int, int]
    key: str
    mirrored: str | None
    caption: str
    repeats: int


class Filler:
    """Encodes what the caches lack."""

    def __init__(
        self, base: Base, recipe: Recipe, cache: Path, device: torch.device, *, progress: ProgressHook
    ) -> None:
        info = base.info
        data = recipe.data
        self._base, self._data, self._device, self._progress = base, data, device, progress
        self._latents = TensorCache(cache / "latents")
        self._texts = TensorCache(cache / "text")
        self._shapes = shapes(data.resolution or info.resolution, info.side_multiple, square=not data.buckets)
        self._common = {
            "encoder": info.encoder_hash,
            "shapes": self._shapes,
            "dtype": str(next(iter(_weights(base))).dtype),
        }

    @property
    def latents(self) -> TensorCache:
        """Where latents lie."""
        return self._latents

    def pictures(self, root: Path, images: Sequence[JobImage], concept: JobConcept) -> tuple[list[_Cached], list[str]]:
        """Encode the subject's pictures; those that cannot be read are skipped and named.

        Raises:
            ImportFailure: none of them can be read.
        """
        found, skipped = [], []
        for number, image in enumerate(images):
            self._progress("pictures", "Preparing the pictures", number, len(images))
            mask = root / image.mask if image.mask and self._data.use_masks else None
            caption = caption_of(image.caption, concept)
            try:
                found.append(self._picture(root / image.file, mask, image.sha256, caption, image.repeats))
            except ImportFailure as error:
                skipped.append(str(error))
        if not found:
            title = "None of the pictures can be read"
            raise ImportFailure(
                title, skipped[0] if skipped else "There are none.", "Add pictures that open in other programs."
            )
        return found, skipped

    def class_rows(self, files: Sequence[Path], grid: tuple[int, int]) -> list[str]:
        """Encode class pictures for one shape of latents (h, w); keys."""
        factor = self._base.info.latent_factor
        shape = (grid[1] * factor, grid[0] * factor)
        keys = []
        for number, file in enumerate(files):
            self._progress("class pictures", "Preparing the pictures of the class", number, len(files))
            keys.append(self._encode(file, None, "", [shape], flip=False)[0])
        return keys

    def captions(self, texts: Sequence[str], *, trains: bool) -> Captions:
        """Text states, or token numbers when the text encoder trains; row 0 is the empty caption."""
        if trains:
            return Captions(None, self._base.tokenize(texts).to(self._device))
        rows: list[TextStates] = []
        for number, text in enumerate(texts):
            key = key_of(what="text", encoder=self._base.info.text_hash, text=text, dtype=self._common["dtype"])
            entry = self._texts.get(key)
            if entry is None:
                self._progress("captions", "Preparing the captions", number, len(texts))
                states = self._base.encode_prompts([text])
                entry = {name: state.float() if state.is_floating_point() else state for name, state in states.items()}
                self._texts.put(key, entry)
            rows.append(entry)
        return Captions({name: torch.cat([row[name] for row in rows]).to(self._device) for name in rows[0]}, None)

    def _picture(self, file: Path, mask: Path | None, sha256: str, caption: str, repeats: int) -> _Cached:
        digest = sha256 or _digest(file)
        key, grid = self._encode(file, mask, digest, self._shapes, flip=False)
        mirrored = self._encode(file, mask, digest, self._shapes, flip=True)[0] if self._data.flip else None
        return _Cached(file, grid, key, mirrored, caption, repeats)

    def _encode(
        self, file: Path, mask: Path | None, digest: str, among: list[Shape], *, flip: bool
    ) -> tuple[str, tuple[int, int]]:
        key = key_of(
            what="latents",
            picture=digest or _digest(file),
            mask=_digest(mask) if mask else "",
            flip=flip,
            **{**self._common, "shapes": among},
        )
        entry = self._latents.get(key)
        if entry is None or set(entry) != set(LATENTS):
            prepared = prepare(file, mask, among, self._base.info.latent_factor, flip=flip)
            mean, std = self._base.encode_pixels(prepared.pixels)
            area = torch.ones(1, 1, *mean.shape[-2:]) if prepared.mask is None else prepared.mask
            entry = {"mean": mean, "std": std, "mask": area, "frame": prepared.frame}
            self._latents.put(key, entry)
        return key, (int(entry["mean"].shape[-2]), int(entry["mean"].shape[-1]))


def build(
    base: Base,
    root: Path,
    images: Sequence[JobImage],
    concept: JobConcept,
    recipe: Recipe,
    device: torch.device,
    *,
    class_files: Sequence[Path],
    class_text: str,
    text_trains: bool,
    progress: ProgressHook,
) -> Dataset:
    """Fill the caches under `<root>/cache` and lay out the data.

    Args:
        base: its encoders are used here and may be released afterwards.
        root: the project's folder.
        images: pictures of the subject.
        concept: the subject's words.
        recipe: data, loop and objective settings.
        device: where batches shall lie.
        class_files: pictures of the class, or none.
        class_text: their caption.
        text_trains: whether the text encoder trains, so that captions cannot be encoded in advance.
        progress: hears about it.

    Raises:
        ImportFailure: no picture can be read.
    """
    filler = Filler(base, recipe, root / "cache", device, progress=progress)
    pictures, skipped = filler.pictures(root, images, concept)
    own = [one.caption for one in pictures]
    held = held_captions(own, concept) if recipe.objective.hold_weight else ()
    texts = list(dict.fromkeys(["", *own, *([class_text] if class_files else []), *held]))
    captions = filler.captions(texts, trains=text_trains)
    apart = _held_out(pictures)
    learned = [one for one in pictures if one not in apart]
    masked = recipe.data.use_masks and any(image.mask for image in images)
    settings = DrawSettings(
        batch_size=recipe.loop.batch_size,
        caption_dropout=recipe.data.caption_dropout,
        masked=masked,
        unmasked_weight=recipe.data.unmasked_weight,
        class_caption=texts.index(class_text) if class_files else 0,
        held_captions=tuple(texts.index(text) for text in held),
        seed=recipe.loop.seed,
    )
    buckets = _buckets(learned, texts, filler, device, class_files)
    measured = _buckets(apart or learned, texts, filler, device, ())
    batches = PictureBatches(buckets, captions, settings, device)
    return Dataset(batches, tuple(measured), bool(apart), captions, masked, tuple(skipped))


def _held_out(pictures: list[_Cached]) -> list[_Cached]:
    """Every eighth picture, when there are enough."""
    if len(pictures) < HOLD_OUT_FROM:
        return []
    return pictures[HOLD_OUT_FROM // 2 :: HOLD_OUT_FROM][:4]


def _buckets(
    pictures: Sequence[_Cached], texts: list[str], filler: Filler, device: torch.device, class_files: Sequence[Path]
) -> list[Bucket]:
    keys = {key for one in pictures for key in (one.key, one.mirrored) if key}
    grids = sorted({one.grid for one in pictures})
    room = RESIDENT_BYTES // max(1, len(keys) + len(class_files) * len(grids))
    buckets = []
    for grid in grids:
        inside = [one for one in pictures if one.grid == grid]
        entries = tuple(Entry(one.key, texts.index(one.caption), one.repeats, one.mirrored) for one in inside)
        extra = filler.class_rows(class_files, grid)
        own = dict.fromkeys([key for entry in entries for key in (entry.key, entry.mirrored) if key] + extra)
        sample = filler.latents.get(entries[0].key) or {}
        size = sum(tensor.numel() * 4 for tensor in sample.values())
        latents = Latents(filler.latents, list(own), device, resident=size <= room)
        buckets.append(Bucket(latents, entries, tuple(latents.row(key) for key in extra)))
    return buckets


def _weights(base: Base) -> Sequence[torch.Tensor]:
    return list(base.resident()[0].parameters())[:1]


def _digest(file: Path) -> str:
    try:
        return sha256_of(file)
    except OSError as error:
        title = "A picture is missing"
        raise ImportFailure(
            title, f"{file.name}: {error.strerror or error}.", "Put it back, or remove it from the concept."
        ) from error
