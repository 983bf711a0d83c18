"""Where a picture lies in a view: fitted, zoomed and panned. Pure arithmetic, no widget.

View coordinates are pixels of the widget with the origin at its top left; picture coordinates are pixels of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

LARGEST = 64.0


@dataclass(frozen=True)
class Frame:
    """A picture of `picture_w` x `picture_h` in a view of `view_w` x `view_h`.

    Attributes:
        zoom: 1 fits the whole picture; 2 shows it twice as large.
        centre_x: which point of the picture lies in the middle of the view, as shares of its width and height.
        centre_y: see `centre_x`.
    """

    view_w: float = 0.0
    view_h: float = 0.0
    picture_w: float = 0.0
    picture_h: float = 0.0
    zoom: float = 1.0
    centre_x: float = 0.5
    centre_y: float = 0.5

    @property
    def scale(self) -> float:
        """View pixels for each picture pixel; 0 while there is nothing to show."""
        if min(self.view_w, self.view_h, self.picture_w, self.picture_h) <= 0:
            return 0.0
        return min(self.view_w / self.picture_w, self.view_h / self.picture_h) * self.zoom

    @property
    def rect(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the picture in view coordinates."""
        width, height = self.picture_w * self.scale, self.picture_h * self.scale
        return (
            self.view_w / 2 - width * self.centre_x,
            self.view_h / 2 - height * self.centre_y,
            width,
            height,
        )

    def to_picture(self, x: float, y: float) -> tuple[float, float]:
        """The place in the picture under a place of the view; (0, 0) while there is nothing to show."""
        left, top, _width, _height = self.rect
        return ((x - left) / self.scale, (y - top) / self.scale) if self.scale else (0.0, 0.0)

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """The place in the view where a place of the picture is."""
        left, top, _width, _height = self.rect
        return left + x * self.scale, top + y * self.scale

    @property
    def seen(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the part of the picture that the view shows, in picture coordinates."""
        left, top = self.to_picture(0.0, 0.0)
        right, bottom = self.to_picture(self.view_w, self.view_h)
        return max(left, 0.0), max(top, 0.0), min(right, self.picture_w), min(bottom, self.picture_h)

    def resized(self, view_w: float, view_h: float) -> Frame:
        """The same look in a view of another size."""
        return _settled(replace(self, view_w=view_w, view_h=view_h))

    def showing(self, picture_w: float, picture_h: float) -> Frame:
        """Another picture; zoom and place stay when the shape is the same."""
        if self.picture_w and self.picture_h and picture_w * self.picture_h == picture_h * self.picture_w:
            return replace(self, picture_w=picture_w, picture_h=picture_h)
        return Frame(self.view_w, self.view_h, picture_w, picture_h)

    def zoomed(self, factor: float, x: float, y: float) -> Frame:
        """Zoom by `factor` so that the point under (x, y) of the view stays where it is."""
        zoom = min(max(self.zoom * factor, 1.0), LARGEST)
        if not self.scale:
            return self
        left, top, width, height = self.rect
        share_x, share_y = (x - left) / width, (y - top) / height
        grown = replace(self, zoom=zoom)
        _left, _top, new_w, new_h = grown.rect
        centre_x = share_x - (x - self.view_w / 2) / new_w
        centre_y = share_y - (y - self.view_h / 2) / new_h
        return _settled(replace(grown, centre_x=centre_x, centre_y=centre_y))

    def moved(self, dx: float, dy: float) -> Frame:
        """Drag the picture by (dx, dy) view pixels."""
        if not self.scale:
            return self
        _left, _top, width, height = self.rect
        return _settled(replace(self, centre_x=self.centre_x - dx / width, centre_y=self.centre_y - dy / height))

    def fitted(self) -> Frame:
        """The whole picture again."""
        return replace(self, zoom=1.0, centre_x=0.5, centre_y=0.5)


def _settled(frame: Frame) -> Frame:
    """Never drag a picture away from its view: what is smaller is centred, what is larger covers the view."""
    if not frame.scale:
        return frame
    _left, _top, width, height = frame.rect
    return replace(
        frame,
        centre_x=_clamp(frame.centre_x, frame.view_w / width),
        centre_y=_clamp(frame.centre_y, frame.view_h / height),
    )


def _clamp(centre: float, seen: float) -> float:
    """Clamp the centre when a share `seen` of the picture fits the view."""
    return 0.5 if seen >= 1 else min(max(centre, seen / 2), 1 - seen / 2)
