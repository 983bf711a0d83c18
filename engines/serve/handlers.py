"""How each kind of request is answered. Torch is loaded by the first that needs it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engines.api.compose import Compose, Merge
from engines.api.erase_requests import MeasureErasers, SuggestWords
from engines.api.errors import JobError, SettingsError
from engines.api.interference import AskInterference, TryTogether
from engines.api.requests import Answer, Compare, Done, Export, Generate, Inspect, Picture, Release, Request, Working
from engines.api.segment_requests import AskMask, FindObjects, OpenAhead, OpenPicture
from engines.launch.folder import load_job, run_of
from engines.serve import erasing
from engines.serve.mailbox import Unwanted
from engines.serve.segmenting import Segmenting
from projects.files import atomic_path

if TYPE_CHECKING:
    from engines.diffusion.generate import Generator
    from engines.diffusion.report import Made

_MAX_PICTURES = 1000
_LOOK_S = 0.1


class Handlers:
    """Answers requests one at a time; keeps the base model warm in between.

    Attributes:
        segmenting: what answers about pictures to be segmented.

    Args:
        tell: sends an answer.
        unwanted: whether the request at work gave way; asked between denoising steps.
        libraries: the thread that fetches torch and its kin, if there is one.
    """

    def __init__(
        self,
        tell: Callable[[Answer], None],
        unwanted: Callable[[], bool],
        libraries: threading.Thread | None = None,
    ) -> None:
        self._tell = tell
        self._unwanted = unwanted
        self._libraries = libraries
        self._generator: Generator | None = None
        self.segmenting = Segmenting(tell, self._wait_for_libraries)

    def answer(self, request: Request) -> Done:
        """Do what is asked, telling of progress on the way, and return the last answer.

        Raises:
            Unwanted: it gave way to another request.
            UserError: it cannot be done, in words.
        """
        match request:
            case Generate():
                return self._generate(request)
            case Compare():
                return self._compare(request)
            case Compose():
                return self._compose(request)
            case Merge():
                return self._merge(request)
            case AskInterference():
                return self._interference(request)
            case TryTogether():
                return self._together(request)
            case Inspect():
                from engines.launch.adapter_info import describe

                return Done(id=request.id, data=describe(Path(request.file)).as_data())
            case Export():
                return self._export(request)
            case SuggestWords() | MeasureErasers():
                folder = _folder(request.folder) if isinstance(request, MeasureErasers) else Path()
                generator = self._warm(request.id, request.base)
                return erasing.answer(request, generator, folder, tell=self._tell, check=self._check)
            case OpenPicture() | OpenAhead() | AskMask() | FindObjects():
                return self.segmenting.answer(request, self._check)
            case Release():
                self.release()
                return Done(id=request.id)
            case _:
                raise SettingsError("The request is not understood", f"“{request.type}” is not answered here.")

    def release(self) -> None:
        """Give the memory of all models back."""
        generator, self._generator = self._generator, None
        if generator is not None:
            generator.release()
        self.segmenting.release()

    def _generate(self, request: Generate) -> Done:
        pairs = [(prompt, seed) for prompt in request.prompts for seed in request.seeds]
        if not 0 < len(pairs) <= _MAX_PICTURES:
            raise SettingsError(
                "There is nothing to make", f"Ask for 1 to {_MAX_PICTURES} pictures: prompts and seeds."
            )
        folder = _folder(request.folder)
        generator = self._warm(request.id, request.base)
        generator.use(request.adapters)
        pictures = generator.pictures(
            [prompt for prompt, _ in pairs],
            [seed for _, seed in pairs],
            steps=request.steps,
            guidance=request.guidance,
            negative=request.negative,
            size=(request.width, request.height),
            on_step=self._stepping(request.id, "Making pictures"),
        )
        files = []
        for number, ((prompt, seed), picture) in enumerate(zip(pairs, pictures, strict=True)):
            path = folder / f"picture-{number:03d}-seed-{seed}.png"
            with atomic_path(path, durable=False) as temporary:
                picture.save(temporary, format="PNG")
            files.append(str(path))
            self._tell(Picture(id=request.id, file=str(path), prompt=prompt, seed=seed))
        return Done(id=request.id, data={"files": files})

    def _compare(self, request: Compare) -> Done:
        folder = _folder(request.folder)
        generator = self._warm(request.id, request.base)
        from engines.diffusion.compare import Comparison, compare

        def made(one: Made) -> None:
            file = str(folder / one.file)
            self._tell(Picture(id=request.id, file=file, prompt=one.prompt, seed=one.seed, column=one.column))

        report = compare(
            generator,
            Comparison.of(request),
            folder,
            on_picture=made,
            on_step=self._stepping(request.id, "Comparing"),
        )
        return Done(id=request.id, data=report)

    def _compose(self, request: Compose) -> Done:
        self._wait_for_libraries(self._check)
        from engines.diffusion.compose import prepared
        from engines.serve.composing import composed

        folder = _folder(request.folder)
        notes = prepared(request.composition)
        generator = self._warm(request.id, request.composition.base)
        return composed(request, generator, folder, self._tell, self._stepping(request.id, "Composing"), notes)

    def _interference(self, request: AskInterference) -> Done:
        self._wait_for_libraries(self._check)
        from engines.diffusion.interference.verdict import report

        return Done(id=request.id, data=report(request.adapters).model_dump(mode="json"))

    def _together(self, request: TryTogether) -> Done:
        _folder(request.folder)
        generator = self._warm(request.id, request.base)
        from engines.diffusion.interference.pictures import try_together

        def drawn(file: str, prompt: str, seed: int, column: int) -> None:
            self._tell(Picture(id=request.id, file=file, prompt=prompt, seed=seed, column=column))

        on_step = self._stepping(request.id, "Trying them together")
        return Done(id=request.id, data=try_together(generator, request, on_picture=drawn, on_step=on_step))

    def _merge(self, request: Merge) -> Done:
        self._wait_for_libraries(self._check)
        from engines.serve.composing import merged

        def warm() -> Generator:
            return self._warm(request.id, request.base)

        return merged(request, warm, self._tell, self._stepping(request.id, "Merging"))

    def _export(self, request: Export) -> Done:
        self._wait_for_libraries(self._check)
        from engines.diffusion.exchange import export

        captions = captions_beside(Path(request.file)) if request.include_captions else None
        written = export(
            Path(request.file),
            Path(request.target),
            request.format,
            overwrite=request.overwrite,
            captions=captions,
        )
        return Done(id=request.id, data=written.as_data())

    def _warm(self, request_id: str, base: str) -> Generator:
        """The generator with this base open; the slow part of a first request."""
        self._check()
        if self._generator is None:
            self._tell(Working(id=request_id, text="Starting"))
            self._wait_for_libraries(self._check)
            from engines.core.devices import pick
            from engines.diffusion.generate import Generator

            self._generator = Generator(pick())

        def progress(_phase: str, text: str, done: int, total: int) -> None:
            self._check()
            self._tell(Working(id=request_id, text=text, done=done, total=total))

        self._generator.open(base, progress=progress)
        return self._generator

    def _wait_for_libraries(self, check: Callable[[], None]) -> None:
        while (libraries := self._libraries) is not None and libraries.is_alive():
            libraries.join(_LOOK_S)
            check()
        self._libraries = None

    def _stepping(self, request_id: str, text: str) -> Callable[[int, int], None]:
        def on_step(done: int, total: int) -> None:
            self._check()
            self._tell(Working(id=request_id, text=text, done=done, total=total))

        return on_step

    def _check(self) -> None:
        if self._unwanted():
            raise Unwanted


def captions_beside(adapter: Path) -> dict[str, int]:
    """How often each caption was learned from, when the adapter lies in a run's folder (or a checkpoint's); else empty."""
    run = run_of(adapter)
    counts: Counter[str] = Counter()
    if run is not None:
        with suppress(JobError):  # a damaged run is told about elsewhere
            job, images = load_job(run)
            for image in images:
                counts[image.caption.replace("[trigger]", job.concept.trigger)] += image.repeats
    return dict(counts)


def _folder(text: str) -> Path:
    folder = Path(text)
    if not folder.is_absolute():
        raise SettingsError("The folder for the pictures must be given in full", f"“{text}” is relative.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
