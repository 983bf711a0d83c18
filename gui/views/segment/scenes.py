"""The picture on the board and what is marked in it, decoded on other threads; the next pictures are read ahead."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from gui.canvas.marking.piece import Piece
from gui.canvas.marking.pyramid import Pyramid, read_pyramid
from gui.widgets.notice import Notice
from gui.workers.background import Background, Task
from gui.workers.reading import Question, Reader
from projects import queries
from projects.project import Project
from projects.records import Image, Region
from projects.regions.mask import Mask

_KEPT = 4
_KEPT_PIXELS = 60_000_000


@dataclass(frozen=True)
class Marked:
    """A region and its mask, ready to be drawn."""

    region: Region
    piece: Piece


class Scenes(QObject):
    """Reads one picture at a time, and its regions as often as they change.

    Signals:
        picture_read: (picture's id, `Pyramid`).
        picture_failed: (picture's id, `Notice`).
        regions_read: (picture's id, tuple of `Marked`, the lowest first).
    """

    picture_read = Signal(str, object)
    picture_failed = Signal(str, object)
    regions_read = Signal(str, object)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._project: Project | None = None
        self._image: Image | None = None
        self._kept: OrderedDict[str, Pyramid] = OrderedDict()
        self._reading: dict[str, Task[Pyramid]] = {}
        self._known: dict[str, Marked] = {}
        self._regions = Reader(background, self._question, failed=self._not_read, parent=self)
        self._regions.read.connect(self._have_regions)

    def show(self, project: Project | None, image: Image | None) -> None:
        """Another picture is wanted; its pixels and its regions are told as they come."""
        if project is not self._project:
            self._kept.clear()
        self._project, self._image = project, image
        self._known = {}
        if project is None or image is None:
            return
        kept = self._kept.get(image.sha256)
        if kept is not None:
            self._kept.move_to_end(image.sha256)
            self.picture_read.emit(image.id, kept)
        else:
            self._read(project, image, priority=5)
        self._regions.soon()

    def refresh(self) -> None:
        """The regions may be different now."""
        self._regions.soon()

    def ahead(self, images: Sequence[Image]) -> None:
        """These pictures are likely to be wanted next."""
        for image in images:
            small = image.width * image.height <= _KEPT_PIXELS // 2
            if self._project is not None and small and image.sha256 not in self._kept:
                self._read(self._project, image, priority=0)

    def _read(self, project: Project, image: Image, *, priority: int) -> None:
        if image.sha256 in self._reading:
            return

        def came(pyramid: Pyramid) -> None:
            self._reading.pop(image.sha256, None)
            if project is self._project:
                self._keep(image.sha256, pyramid)
            if self._image is not None and image.id == self._image.id:
                self.picture_read.emit(image.id, pyramid)

        def failed(notice: Notice) -> None:
            self._reading.pop(image.sha256, None)
            if self._image is not None and image.id == self._image.id:
                self.picture_failed.emit(image.id, notice)

        self._reading[image.sha256] = self._background.run(
            lambda _task: read_pyramid(project.path(image.file)),
            done=came,
            failed=failed,
            owner=self,
            priority=priority,
        )

    def _keep(self, sha256: str, pyramid: Pyramid) -> None:
        self._kept[sha256] = pyramid
        self._kept.move_to_end(sha256)
        while len(self._kept) > 1 and (
            len(self._kept) > _KEPT or sum(kept.width * kept.height for kept in self._kept.values()) > _KEPT_PIXELS
        ):
            self._kept.popitem(last=False)

    def _question(self) -> Question[tuple[str, tuple[Marked, ...]]]:
        project, image, known = self._project, self._image, self._known

        def work() -> tuple[str, tuple[Marked, ...]]:
            if project is None or image is None:
                return "", ()
            return image.id, tuple(_marked(region, image, known) for region in queries.regions(project, image.id))

        return Question((project, image.id if image is not None else ""), work)

    def _have_regions(self, answer: tuple[str, tuple[Marked, ...]]) -> None:
        image_id, marked = answer
        self._known = {item.region.id: item for item in marked}
        self.regions_read.emit(image_id, marked)

    def _not_read(self, notice: Notice) -> None:
        if self._image is not None:
            self.picture_failed.emit(self._image.id, notice)


def _marked(region: Region, image: Image, known: dict[str, Marked]) -> Marked:
    """The region with its mask, decoded only where it is another one than before."""
    before = known.get(region.id)
    if before is not None and before.region.counts == region.counts:
        return Marked(region, before.piece)
    return Marked(region, Piece(Mask.from_text(region.counts, image.width, image.height)))
