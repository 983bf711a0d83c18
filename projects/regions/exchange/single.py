"""One black and white PNG for each mask, in a folder for each picture.

The folder is called like the picture (`masks/<picture>/...`, beside `images/`), and may hold folders called like the classes. The
2018 Data Science Bowl has both folders within one for each picture (`<picture>/images`, `<picture>/masks`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from projects.errors import ImportFailure
from projects.files import readable_text, safe_name
from projects.regions.exchange.files import pictures_in
from projects.regions.exchange.pairing import Scope, scopes, split_in
from projects.regions.exchange.pairs import black_and_white, white_on_black
from projects.regions.exchange.sheet import Drawn, Frame, Reading, Request, Sheet, each
from projects.regions.exchange.target import Page, Target
from projects.report import ReportLine


def read(request: Request) -> Reading:
    """Find the folders of masks; each file in them is one region.

    Raises:
        ImportFailure: there are none.
    """
    sheets: list[Sheet] = []
    bare: list[Path] = []
    for scope in scopes(request):
        pictures = pictures_in(scope.pictures) if scope.pictures is not None else []
        mine = list(_sheets(scope, pictures, request))
        marked = {sheet.picture for sheet in mine}
        sheets += mine
        bare += [path for path in pictures if path not in marked]
    if not sheets:
        raise ImportFailure(
            "No masks were found",
            f"{request.path.name} holds no folder of masks for each picture.",
            "Point at the folder that holds images and masks, or name the folder of pictures too.",
        )
    return Reading(tuple(sheets), tuple(bare))


def _sheets(scope: Scope, pictures: list[Path], request: Request) -> Iterator[Sheet]:
    known = {path.stem.casefold(): path for path in pictures}
    groups: dict[str, list[Path]] = {}
    for mask in pictures_in(scope.masks):
        folders = mask.relative_to(scope.masks).parts[:-1]
        # Masks that lie in no folder of their own belong to the only picture that there is.
        owner = folders[0] if folders else pictures[0].stem if len(pictures) == 1 else ""
        if owner:
            groups.setdefault(owner, []).append(mask)
    for owner, masks in groups.items():
        picture = known.get(owner.casefold())
        draw = partial(_draw, masks=masks, request=request)
        split = split_in(request, picture, masks[0])
        yield Sheet(picture.name if picture is not None else owner, owner, draw, picture, split=split)


def _draw(frame: Frame, masks: list[Path], request: Request) -> Iterator[Drawn | ReportLine]:
    def one(path: Path) -> Iterator[Drawn | ReportLine]:
        yield from black_and_white(frame, path, _label(path, request), request.threshold)

    yield from each(f"{masks[0].parent.name}/", masks, one)


def _label(path: Path, request: Request) -> str:
    """The class that a mask's folder names: `masks/<picture>/<class>/<mask>`."""
    parts = path.relative_to(request.path).parts
    depth = parts.index("masks") if "masks" in parts else -1
    return readable_text(parts[depth + 2]) if len(parts) > depth + 3 else request.label


def write(target: Target, pages: Iterable[Page]) -> None:
    """Write `images/` and `masks/<picture>/<class>/<number>.png`.

    Raises:
        OSError: a file cannot be written.
    """
    folders: dict[str, str] = {}
    for label in target.labels:
        name = safe_name(label)
        while name.casefold() in {taken.casefold() for taken in folders.values()}:
            name += "_"
        folders[label] = name
        if name != label:
            target.say(
                "info", "", f"The folder of “{label}” is called {name}", "Folders cannot be called just anything."
            )
    for page in pages:
        target.put_picture(page, f"images/{page.name}")
        marks = page.marks()
        if not marks:
            target.put_bytes(f"masks/{page.stem}/0000.png", white_on_black(page.nothing()))
        for number, drawn in enumerate(marks):
            path = f"masks/{page.stem}/{folders[drawn.label]}/{number:04}.png"
            target.put_bytes(path, white_on_black(drawn.mask))
