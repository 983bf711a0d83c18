"""Atomic writing and safe names."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from projects import files


def test_a_write_replaces_the_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "note.txt"
    files.atomic_write_text(target, "a long first text")
    files.atomic_write_text(target, "kürzer")
    assert target.read_bytes() == "kürzer".encode()
    assert [entry.name for entry in tmp_path.iterdir()] == ["note.txt"]


def test_json_is_readable_and_refuses_what_json_cannot_say(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    files.atomic_write_json(target, {"words": "grün", "list": [1, 2]})
    before = target.read_text("utf-8")
    assert '"grün"' in before
    with pytest.raises(ValueError, match="JSON"):
        files.atomic_write_json(target, {"loss": float("nan")})
    assert target.read_text("utf-8") == before


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    target = tmp_path / "kept.bin"
    target.write_bytes(b"old")

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os if moment == "fsync" else files.Path, moment, full)
    with pytest.raises(OSError, match="No space left"):
        files.atomic_write_bytes(target, b"new")
    assert target.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept.bin"]


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with files.atomic_path(tmp_path / "x.bin") as temporary:
            temporary.write_bytes(b"half")
            assert files.is_temporary(temporary.name)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_unique_path_counts_up_and_minds_case(tmp_path: Path) -> None:
    (tmp_path / "Dog.png").touch()
    assert files.unique_path(tmp_path / "dog.png").name == "dog (2).png"
    (tmp_path / "dog (2).png").touch()
    assert files.unique_path(tmp_path / "dog.png").name == "dog (3).png"
    assert files.unique_path(tmp_path / "cat.png").name == "cat.png"
    assert files.unique_path(tmp_path / "missing" / "cat.png").name == "cat.png"


@given(st.text(max_size=400))
@example("../../etc/passwd")
@example("CON")
@example("nul.tar.gz")
@example("com1 .txt")
@example("ä" * 300 + ".png")
@example("a" * 99 + " .png")
@example("\udcff\udcfe.jpg")
@example("photo\u202egpj.exe")
@example("..\\..\\boot.ini")
@example("C:autoexec.bat")
@example(". . .")
def test_a_safe_name_is_safe_everywhere(text: str) -> None:
    name = files.safe_name(text)
    assert files.safe_name(name) == name
    assert name.strip(". ") == name
    assert name
    assert not set(name) & set('<>:"/\\|?*')
    assert all(ord(sign) >= 32 for sign in name)
    assert len(name) <= 101
    assert len(name.encode("utf-8")) <= 181
    assert name.split(".")[0].strip().lower() not in {"con", "prn", "aux", "nul", "com1", "lpt9", "conin$"}
    assert Path("folder", name).parent == Path("folder")


def test_a_safe_name_keeps_its_extension() -> None:
    assert files.safe_name("x" * 300 + ".jpeg").endswith("x.jpeg")
    assert files.safe_name("Mein Hund.JPG") == "Mein Hund.JPG"
    assert files.safe_name("") == "unnamed"
    assert files.safe_name("日本語.png") == "日本語.png"


def test_a_safe_name_can_be_made(tmp_path: Path) -> None:
    for text in ("ä" * 300 + ".png", "👩‍👩‍👧" * 100, "a/b\\c:d", "\0null"):
        (tmp_path / files.safe_name(text)).touch(exist_ok=False)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_folder_is_writable_only_when_files_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.is_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not files.is_writable(tmp_path / "missing")


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "folder"
    for text in ("first", "second"):
        with files.atomic_folder(target) as folder:
            (folder / "file").write_text(text)
            assert not target.exists() or (target / "file").read_text() == "first"
        assert (target / "file").read_text() == text
    with pytest.raises(FileNotFoundError), files.atomic_folder(target) as folder:
        (folder / "file").rename(folder / "none" / "file")
    assert (target / "file").read_text() == "second"
    assert [path.name for path in target.parent.iterdir()] == ["folder"]
