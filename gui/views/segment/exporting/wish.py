"""What can be made of a finished adapter, in plain words, and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gui.workers.runs import RunView
from projects.files import safe_name

Kind = Literal["onnx", "checkpoint", "adapter"]


@dataclass(frozen=True)
class KindWords:
    """One kind of export in words."""

    key: Kind
    title: str
    what: str


KINDS: tuple[KindWords, ...] = (
    KindWords(
        "onnx",
        "ONNX, for other programs",
        "A folder: encoder and decoder, and a short Python program that runs them.",
    ),
    KindWords(
        "checkpoint",
        "A Segment Anything checkpoint",
        "One file that opens wherever Segment Anything does.",
    ),
    KindWords(
        "adapter",
        "The adapter alone",
        "The small file itself, for Lorikeet elsewhere, beside the same model.",
    ),
)


@dataclass(frozen=True)
class Source:
    """A finished adapter.

    Attributes:
        file: it lies here.
        tuner: registered name of the way it was taught.
        base: the model it was made on, as in a job; None when nobody knows (a file from elsewhere).
    """

    file: Path
    title: str
    tuner: str
    base: str | None

    @staticmethod
    def of_run(view: RunView) -> Source | None:
        """What a run made; None while it has made nothing."""
        job = view.info.adaptation
        if view.adapter is None or job is None:
            return None
        return Source(view.adapter, view.title, job.method.name, job.base)


@dataclass(frozen=True)
class ExportWish:
    """What is to be written, and where.

    Attributes:
        base: the model, as in a job.
        int8: an encoder with weights of eight bits (ONNX).
        colours: the encoder takes colours as the AnyLabeling tools hand them over (ONNX).
    """

    source: Source
    kind: Kind
    target: Path
    base: str
    int8: bool = False
    colours: bool = False

    def arguments(self) -> list[str]:
        """The words of the command line."""
        words = ["segment", "export", str(self.source.file), "--to", self.kind, "--out", str(self.target)]
        words += ["--base", self.base, "--json"]
        if self.kind == "onnx":
            words += ["--int8"] if self.int8 else []
            words += ["--takes", "colours"] if self.colours else []
        return words


def ending_of(kind: Kind, *, pickled: bool) -> str:
    """How the name of such an export ends; folders have no ending."""
    if kind == "onnx":
        return ""
    return ".pth" if kind == "checkpoint" and pickled else ".safetensors"


def first_name(title: str, kind: Kind) -> str:
    """A name to begin with, without its ending."""
    added = {"onnx": " ONNX", "checkpoint": " merged", "adapter": ""}[kind]
    return safe_name(f"{title}{added}", fallback="adapter")
