"""Reading the words that lie beside a picture: `name.txt` or `name.caption`, in whatever encoding they were saved."""

from __future__ import annotations

import codecs
from pathlib import Path

from projects.edits import LONGEST_CAPTION
from projects.errors import ImportFailure
from projects.files import readable_text

MOST_BYTES = 65_536


def read_sidecar(path: Path) -> tuple[str, str]:
    """Return the caption in `path` as one line of text, and a remark for the report (empty when all is plain).

    Raises:
        ImportFailure: the file cannot be read, or is not text.
    """
    try:
        with path.open("rb") as handle:
            data = handle.read(MOST_BYTES + 1)
    except OSError as error:
        raise ImportFailure("The caption cannot be read", f"{path.name}: {error.strerror or error}.") from error
    text, remark = _decode(data[:MOST_BYTES], path.name)
    words = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    if len(words) > LONGEST_CAPTION or len(data) > MOST_BYTES:
        remark = f"The caption is longer than {LONGEST_CAPTION} characters; its beginning was taken."
    return words[:LONGEST_CAPTION], remark


def _decode(data: bytes, name: str) -> tuple[str, str]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return readable_text(data.decode("utf-16", "replace")), ""
    if b"\0" in data:
        raise ImportFailure("The caption is not text", f"{name} holds something else.", "Save it as plain text.")
    # The bound may have cut a character in two; that must not look like another encoding.
    for cut in range(4 if len(data) == MOST_BYTES else 1):
        try:
            return data[: len(data) - cut].decode("utf-8-sig"), ""
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", "replace"), "The caption is not UTF-8; it was read as Western European text."
