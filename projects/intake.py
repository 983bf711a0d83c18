"""Taking in one file: copied byte for byte, decoded once to prove that it is whole, measured, and given a thumbnail.

The copy is what gets decoded, so a source that changes or vanishes midway cannot slip through. The copy keeps a temporary name until
everything about it is known, and nothing counts until `projects.importing` has committed its row.
"""

from __future__ import annotations

import hashlib
import io
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from projects import captions, masks, thumbnails
from projects.edit_parts import new_id
from projects.errors import ImportFailure
from projects.files import atomic_write_bytes, flush_file, replace, temporary_beside
from projects.health import SMALL_COPY_EDGE, Limits, Looks, flags_of, measure
from projects.pixels import MAX_PIXELS, Picture, header_pixels, read
from projects.project import Project
from projects.report import ReportLine, line_of
from projects.scanning import Candidate

ALREADY_THERE = "Already there"
_BLOCK = 1 << 20
_LARGEST_FILE = 2 << 30
_EXTENSION = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "AVIF": "avif", "BMP": "bmp", "GIF": "gif", "TIFF": "tif"}


class ProjectUnwritable(Exception):  # noqa: N818 - it ends an import, it is not shown by itself
    """The project's own disk refuses a write; going on with other files would only repeat it."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that lies in the project, whole and measured, but is not yet listed.

    Attributes:
        candidate: where it came from.
        id: its new id.
        file: its path relative to the project.
        size_bytes: of the file.
        sha256: of its bytes, in hexadecimal.
        width: upright, in pixels.
        height: upright, in pixels.
        looks: what was measured.
        flags: what it shows by itself; copies are found later, in order of arrival.
        caption: its words.
        mask: path of its mask relative to the project, or None.
        lines: what the person should know about it.
    """

    candidate: Candidate
    id: str
    file: str
    size_bytes: int
    sha256: str
    width: int
    height: int
    looks: Looks
    flags: frozenset[str]
    caption: str
    mask: str | None
    lines: tuple[ReportLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What the concept (or, for pictures to segment, their page) held when the import began, so that a folder dropped twice costs no copying.

    Attributes:
        sizes: file sizes in bytes.
        contents: (sha256, original name) of its pictures.
    """

    sizes: frozenset[int] = frozenset()
    contents: frozenset[tuple[str, str]] = frozenset()


@dataclass(slots=True)
class PixelBudget:
    """Keeps the pictures decoded at the same time within a bound, however large they are.

    Attributes:
        pixels: the bound; one picture beyond it may still be decoded, alone.
    """

    pixels: int = MAX_PIXELS
    _used: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def spend(self, pixels: int) -> Iterator[None]:
        """Wait until `pixels` more fit."""
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + pixels <= self.pixels)
            self._used += pixels
        try:
            yield
        finally:
            with self._changed:
                self._used -= pixels
                self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class Gate:
    """What every file of one import shares."""

    project: Project
    known: Known
    limits: Limits
    budget: PixelBudget

    def admit(self, candidate: Candidate, data: bytes | None = None) -> Arrival | ReportLine:
        """Take in one file, or its bytes when it has none.

        Returns:
            The arrival, or the line that says why there is none.

        Raises:
            ProjectUnwritable: the project's disk is full or protected; nothing is left behind.
        """
        try:
            return self._admit(candidate, data)
        except ImportFailure as failure:
            return line_of(failure, candidate.name)
        except MemoryError:
            hint = "Close other programs and import it again."
            return ReportLine("error", candidate.name, "The picture needs too much memory", hint)

    def _admit(self, candidate: Candidate, data: bytes | None) -> Arrival | ReportLine:
        with _source(candidate, data) as (source, size_bytes):
            if size_bytes in self.known.sizes and (_digest(source), candidate.name) in self.known.contents:
                return already_there(candidate.name)
            image_id = new_id()
            temporary = temporary_beside(self.project.root / "images" / image_id)
            try:
                sha256 = _copy(source, temporary)
                return self._inspect(candidate, image_id, temporary, sha256)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise

    def _inspect(self, candidate: Candidate, image_id: str, temporary: Path, sha256: str) -> Arrival:
        with _writing_the_project():  # the copy was there a moment ago: if it is not, the project's folder went away
            size_bytes = temporary.stat().st_size
            copy = temporary.open("rb")
        with copy, self.budget.spend(header_pixels(copy)):
            picture = read(copy, at_least=SMALL_COPY_EDGE)
            looks = measure(picture.rgb)
            thumbnails.store_if_possible(picture.rgb, sha256)
        file = f"images/{image_id}.{_EXTENSION[picture.format]}"
        caption, lines = _words(candidate)
        with _writing_the_project():
            flush_file(temporary)
            mask = self._mask(candidate, image_id, picture, lines)
            replace(temporary, self.project.path(file))
        return Arrival(
            candidate=candidate,
            id=image_id,
            file=file,
            size_bytes=size_bytes,
            sha256=sha256,
            width=picture.width,
            height=picture.height,
            looks=looks,
            flags=flags_of(
                looks,
                width=picture.width,
                height=picture.height,
                transparent=picture.alpha is not None,
                limits=self.limits,
            ),
            caption=caption,
            mask=mask,
            lines=tuple(lines),
        )

    def _mask(self, candidate: Candidate, image_id: str, picture: Picture, lines: list[ReportLine]) -> str | None:
        if candidate.mask is None:
            return None
        try:
            with self.budget.spend(header_pixels(candidate.mask)):
                mask, remark = masks.read_mask(candidate.mask, picture)
        except ImportFailure as failure:
            lines.append(line_of(failure, candidate.mask.name, level="warning"))
            return None
        if remark:
            lines.append(ReportLine("info", candidate.mask.name, remark.removesuffix(".")))
        file = masks.mask_name(image_id)
        atomic_write_bytes(self.project.path(file), masks.encode(mask))
        return file


def already_there(name: str) -> ReportLine:
    """The line for a file that is there already, in the same concept or among the pictures to segment."""
    return ReportLine("info", name, "Already there", "The same file is there; it was not taken a second time.")


def discard(project: Project, arrivals: list[Arrival]) -> None:
    """Delete the files of arrivals that will not be listed."""
    for arrival in arrivals:
        for file in filter(None, (arrival.file, arrival.mask)):
            with suppress(OSError):
                project.path(file).unlink(missing_ok=True)


@contextmanager
def _source(candidate: Candidate, data: bytes | None) -> Iterator[tuple[IO[bytes], int]]:
    if data is not None:
        yield io.BytesIO(data), len(data)
        return
    try:
        # Asked first, because opening a pipe would wait for ever.
        found = candidate.path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ImportFailure("Not an ordinary file", "Devices, pipes and sockets are not read.")
        source = candidate.path.open("rb")
    except (OSError, ValueError) as error:
        raise _source_failure(error) from error
    with source:
        if found.st_size == 0:
            raise ImportFailure("The file is empty", "", "Fetch the original again.")
        if found.st_size > _LARGEST_FILE:
            raise ImportFailure("The file is too large", f"It has {found.st_size / 1e9:.1f} GB; up to 2 GB are taken.")
        yield source, found.st_size


def _source_failure(error: Exception) -> ImportFailure:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ImportFailure(
        "The file cannot be read", f"{reason}.", "Check that it is still there and that you may open it."
    )


def _digest(source: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for block in _blocks(source):
        digest.update(block)
    source.seek(0)
    return digest.hexdigest()


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    try:
        while block := source.read(_BLOCK):
            yield block
    except OSError as error:
        raise _source_failure(error) from error


def _copy(source: IO[bytes], target: Path) -> str:
    digest = hashlib.sha256()
    copied = 0
    with _writing_the_project(), target.open("xb") as copy:
        for block in _blocks(source):
            copied += len(block)
            if copied > _LARGEST_FILE:
                raise ImportFailure("The file is too large", "It grew beyond 2 GB while it was read.")
            digest.update(block)
            copy.write(block)
    return digest.hexdigest()


@contextmanager
def _writing_the_project() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProjectUnwritable(error) from error


def _words(candidate: Candidate) -> tuple[str, list[ReportLine]]:
    if candidate.caption is None:
        return candidate.words, []
    try:
        caption, remark = captions.read_sidecar(candidate.caption)
    except ImportFailure as failure:
        return candidate.words, [line_of(failure, candidate.caption.name, level="warning")]
    lines = [ReportLine("info", candidate.caption.name, remark.removesuffix("."))] if remark else []
    return caption, lines
