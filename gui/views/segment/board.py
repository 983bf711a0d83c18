"""The state of marking: which picture is on the board, what is chosen in it, and the edits that follow.

Nothing here knows a widget. Whatever is edited is heard of as any other change of the project is, and read again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal

from gui.canvas.marking.stroke import Stroke
from gui.services import Services
from gui.views.segment import marks
from gui.views.segment.contents import Contents, question
from gui.views.segment.marks import Thing
from gui.views.segment.scenes import Marked, Scenes
from gui.workers.editing import Done, Editing
from gui.workers.reading import Reader
from projects import edits_regions
from projects.change import Change, Edit
from projects.records import Image, Label, Origin, Split
from projects.regions.mask import Mask

_AHEAD = 2
_READ_PARTS = frozenset({"images", "concepts", "labels", "regions", "splits"})


class Board(QObject):
    """One picture at a time.

    Signals:
        contents_changed: pictures, labels or counts are different (`contents`).
        image_changed: another picture is on the board (`image`).
        regions_changed: what is marked in it, or how it is shown, is different.
        label_changed: new marks get another label (`label`).
        failed: an edit was not possible; carries a `Notice`.
    """

    contents_changed = Signal()
    image_changed = Signal()
    regions_changed = Signal()
    label_changed = Signal()
    failed = Signal(object)

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = services.session
        self.scenes = Scenes(services.background, self)
        self.editing = Editing(services.session, services.background, self)
        self.contents = Contents()
        self.image: Image | None = None
        self.marked: tuple[Marked, ...] = ()
        self.selected: frozenset[str] = frozenset()
        self.hidden: frozenset[str] = frozenset()
        self.all_hidden = False
        self._label_id = ""
        self._wanted = ""
        self._reader = Reader(
            services.background, lambda: question(services.session), failed=services.notify, parent=self
        )
        self._reader.read.connect(self._have_contents)
        self.scenes.regions_read.connect(self._have_regions)
        self.editing.failed.connect(self.failed)
        self.editing.rested.connect(self.scenes.refresh)
        session = services.session
        session.opened.connect(self._another_project)
        session.closed.connect(self._another_project)
        session.changed.connect(self._changed)
        self._reader.soon()

    # --- what there is

    @property
    def can_edit(self) -> bool:
        """Whether there is a picture that may be marked."""
        return self.image is not None and not self._session.read_only

    @property
    def label(self) -> Label | None:
        """The label that new marks get; None before there is any."""
        labels = self.contents.labels
        return self.contents.label(self._label_id) or (labels[0] if labels else None)

    @property
    def place(self) -> int:
        """The number of the picture on the board, from 0; -1 for none."""
        ids = [image.id for image in self.contents.images]
        return ids.index(self.image.id) if self.image is not None and self.image.id in ids else -1

    @property
    def proposals(self) -> tuple[str, ...]:
        """Ids of the regions of this picture that nobody vouches for yet."""
        return tuple(item.region.id for item in self.marked if not item.region.accepted)

    def shown(self) -> tuple[Marked, ...]:
        """The regions to be drawn, the lowest first."""
        return () if self.all_hidden else tuple(item for item in self.marked if item.region.id not in self.hidden)

    def at(self, x: float, y: float) -> Marked | None:
        """The smallest region shown at a place of the picture, so that what lies within another can be reached."""
        here = [item for item in self.shown() if item.piece.contains(x, y)]
        return min(here, key=lambda item: item.region.area) if here else None

    # --- going about

    def go(self, image_id: str) -> None:
        """Put another picture on the board."""
        image = next((image for image in self.contents.images if image.id == image_id), None)
        if image is None or (self.image is not None and self.image.id == image_id):
            return
        self._put(image)

    def want(self, image_id: str) -> None:
        """Put a picture on the board as soon as it is there: it has just come in."""
        self._wanted = image_id
        self._reader.soon()

    def step(self, by: int) -> None:
        """The next picture or the one before; the ends are ends."""
        images, place = self.contents.images, self.place
        if images and 0 <= place + by < len(images):
            self.go(images[place + by].id)

    def next_unmarked(self) -> bool:
        """The next picture in which nothing is marked, going round; whether there is one."""
        images, place = self.contents.images, self.place
        for image in (*images[place + 1 :], *images[: max(place, 0)]):
            if image.id not in self.contents.accepted:
                self.go(image.id)
                return True
        return False

    def choose_label(self, label_id: str) -> None:
        """New marks get this label; what is selected gets it too."""
        if self.contents.label(label_id) is None:
            return
        if self.selected and self.can_edit:
            self.do(marks.relabel(tuple(self.selected), label_id))
        if label_id != self._label_id:
            self._label_id = label_id
            self.label_changed.emit()

    def select(self, region_ids: Collection[str]) -> None:
        """Choose regions of this picture."""
        if frozenset(region_ids) != self.selected:
            self.selected = frozenset(region_ids)
            self.regions_changed.emit()

    def hide(self, region_ids: Collection[str]) -> None:
        """Take regions out of sight, or back into it; nothing is edited."""
        if frozenset(region_ids) != self.hidden:
            self.hidden = frozenset(region_ids)
            self.regions_changed.emit()

    def hide_all(self, *, hidden: bool) -> None:
        """See the picture alone, or with its marks again."""
        if hidden != self.all_hidden:
            self.all_hidden = hidden
            self.regions_changed.emit()

    # --- edits

    def do(self, edit: Edit, done: Done | None = None) -> None:
        """Make an edit beside the window; it can be undone like any other."""
        self.editing.do(edit, done)

    def add(self, masks: Sequence[Mask], origin: Origin, *, accepted: bool = True) -> None:
        """Add masks of the label in hand."""
        self._mark(
            lambda image, label: marks.add(image, [Thing(mask, label) for mask in masks], origin, accepted=accepted),
            select=False,
        )

    def outline(self, points: Sequence[tuple[float, float]]) -> None:
        """Add what an outline encloses, and choose it."""
        self._mark(lambda image, label: marks.outline(image, label, points))

    def paint(self, made: Stroke) -> bool:
        """Paint into the chosen region or take away from it; else begin a new one, or take away from what lies there.

        False when there is nothing to do.
        """
        region_id = self._painted_region(made)
        if not self.can_edit or (made.erase and not region_id):
            return False
        self._mark(lambda image, label: marks.stroke(image, label, region_id, made), select=not region_id)
        return True

    def remove_selected(self) -> None:
        """Take the chosen regions out."""
        if self.selected and self.can_edit:
            self.do(marks.remove(tuple(self.selected)))
            self.select(())

    def add_label(self, name: str, done: Done | None = None) -> None:
        """Add a label and take it in hand."""

        def added(change: Change) -> None:
            self._label_id = change.ids[0]
            self.label_changed.emit()
            if done is not None:
                done(change)

        self.do(partial(edits_regions.add_label, name=name), added)

    def check_empty(self, *, empty: bool) -> None:
        """Say that nothing is in the picture on the board, or no longer; what is marked in it counts for more."""
        if self.image is not None and self.can_edit:
            self.do(partial(edits_regions.set_checked_empty, image_ids=(self.image.id,), empty=empty))

    def set_split(self, image_ids: Sequence[str], split: Split | None) -> None:
        """Choose the part that pictures play in a training."""
        self.do(partial(edits_regions.set_split, image_ids=tuple(image_ids), split=split))

    # --- following

    def _mark(self, make: Callable[[Image, str], Edit], *, select: bool = True) -> None:
        image = self.image
        if image is None or not self.can_edit:
            return
        label = self.label.id if self.label is not None else ""
        self.do(make(image, label), (lambda change: self.select(change.ids)) if select else None)

    def _painted_region(self, made: Stroke) -> str:
        if len(self.selected) == 1:
            return next(iter(self.selected))
        under = self.at(*made.points[0]) if made.erase else None
        return under.region.id if under is not None else ""

    def _another_project(self) -> None:
        self.contents, self._label_id = Contents(), ""
        self._put(None)
        self.contents_changed.emit()
        self._reader.soon()

    def _changed(self, change: Change) -> None:
        if change.parts & _READ_PARTS:
            self._reader.soon()
        if change.parts & {"labels", "regions"}:
            self.scenes.refresh()

    def _have_contents(self, contents: Contents) -> None:
        self.contents = contents
        known = {image.id: image for image in contents.images}
        if self._wanted in known:
            wanted, self._wanted = self._wanted, ""
            self.go(wanted)
        if self.image is not None and self.image.id in known:
            self.image = known[self.image.id]
        else:
            first = next((image for image in contents.images if image.id not in contents.accepted), None)
            self._put(first or (contents.images[0] if contents.images else None))
        self.contents_changed.emit()

    def _have_regions(self, image_id: str, marked: tuple[Marked, ...]) -> None:
        if self.image is None or image_id != self.image.id:
            return
        # What was just made may be chosen before it is read.
        gone = {item.region.id for item in self.marked} - {item.region.id for item in marked}
        self.marked = marked
        self.selected -= gone
        self.regions_changed.emit()

    def _put(self, image: Image | None) -> None:
        if image is None and self.image is None:
            return
        self.image, self.marked = image, ()
        self.selected, self.hidden, self.all_hidden = frozenset(), frozenset(), False
        self.image_changed.emit()
        self.regions_changed.emit()
        self.scenes.show(self._session.project, image)
        if image is not None:
            place = self.place
            self.scenes.ahead(self.contents.images[place + 1 : place + 1 + _AHEAD])
