"""Class pictures for prior preservation (DreamBooth, Ruiz et al. 2023): what the base model shows for "a photo of a bear", kept in the cache."""

from __future__ import annotations

from pathlib import Path

from engines.core.cache import key_of
from engines.core.contracts import CLASS_PICTURES, ProgressHook
from engines.diffusion.contracts import Base
from engines.diffusion.sampling import Sampling, draw
from projects.files import atomic_path

_SEED = 1_000_000


def class_pictures(base: Base, prompt: str, count: int, cache: Path, *, progress: ProgressHook) -> list[Path]:
    """Files of `count` pictures of the class; only missing ones are made. Call it before an adapter is attached.

    Args:
        base: the plain base model.
        prompt: the class caption.
        count: how many.
        cache: the project's cache folder.
        progress: hears (`class pictures`, text, done, count).
    """
    how = Sampling().resolved(base)
    key = key_of(
        what="class",
        base=base.info.base_hash,
        prompt=prompt,
        steps=how.steps,
        guidance=how.guidance,
        rescale=base.info.guidance_rescale,
        sampler=dict(base.sampler().config),
        size=[how.width, how.height],
    )
    folder = cache / "class" / key
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{number:04d}.png" for number in range(count)]
    missing = [number for number, file in enumerate(files) if not file.is_file()]
    told = count - len(missing)
    pictures = draw(base, [prompt] * len(missing), [_SEED + number for number in missing], how)
    for number in missing:
        progress(CLASS_PICTURES, "Making pictures of the class", told, count)
        with atomic_path(files[number], durable=False) as temporary:
            next(pictures).save(temporary, format="PNG")
        told += 1
    return files
