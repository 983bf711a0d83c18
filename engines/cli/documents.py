"""`new` and `import`: make a project and bring pictures into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engines.api.errors import UserError
from engines.cli.codes import EXPECTED, FINE, INTERRUPTED
from engines.cli.interrupts import Interrupts
from engines.cli.output import Bar, Voice

if TYPE_CHECKING:
    from projects.project import Project
    from projects.records import Concept
    from projects.report import ImportReport, ReportLine

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
TriggerOption = Annotated[str, typer.Option("--trigger", help="The word that will call the subject in a prompt.")]
ClassOption = Annotated[str, typer.Option("--class", help="The ordinary word for its kind, such as dog.")]
ConceptOption = Annotated[str, typer.Option("--concept", help="Name of the concept; needed when there are several.")]


_NAMED = 5


def new(
    folder: Annotated[Path, typer.Argument(help="Where the project shall lie; a new or empty folder.")],
    name: Annotated[str, typer.Option("--name", help="What you call it; the folder's name when left out.")] = "",
    as_json: Json = False,
) -> int:
    """Make a new, empty project."""
    from projects.project import Project

    with Project.create(folder, name or folder.name) as project:
        document = {"project": str(project.root), "name": project.name}
        Voice(as_json).result(document, f"Made the project “{project.name}” in {project.root}")
    return FINE


def import_(
    project: Annotated[Path, typer.Argument(help="The project's folder.")],
    paths: Annotated[
        list[Path], typer.Argument(help="Pictures, or folders of pictures with their captions and masks.")
    ],
    concept: ConceptOption = "",
    trigger: TriggerOption = "",
    class_noun: ClassOption = "",
    to_segment: Annotated[
        bool, typer.Option("--to-segment", help="As pictures to segment, which belong to no concept.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Bring pictures into a project; the originals are never touched."""
    from projects.project import Project

    voice = Voice(as_json)
    if to_segment and (concept or trigger or class_noun):
        title = "Pictures to segment belong to no concept"
        raise UserError(title, hint="Leave out --concept, --trigger and --class, or --to-segment.")
    check_word(trigger)
    with Project.open(project) as opened:
        chosen = None
        if not to_segment:
            chosen = choose_concept(opened, concept, trigger=trigger, class_noun=class_noun, fallback=paths[0])
        report = take_in(opened, paths, chosen.id if chosen is not None else None, voice)
        voice.result(report_document(report, chosen), report_words(report, chosen))
    if report.cancelled:
        return INTERRUPTED
    return FINE if report.added or not any(line.level == "error" for line in report.lines) else EXPECTED


def choose_concept(
    project: Project, name: str, *, trigger: str = "", class_noun: str = "", fallback: Path | None = None
) -> Concept:
    """The concept meant by the options; one is made when there is none of that name.

    Args:
        project: an open project.
        name: as given; empty means the only one there is.
        trigger: for a new concept; for one that is there, its new trigger.
        class_noun: likewise.
        fallback: a folder or file to name a new concept after.

    Raises:
        UserError: there are several and no name, or none and nothing to name it after.
    """
    from projects import edits, queries

    known = queries.concepts(project)
    wanted = [one for one in known if one.name.casefold() == name.casefold()] if name else list(known)
    if not name and len(wanted) > 1:
        title = "Which concept is meant?"
        raise UserError(title, hint="Add --concept with one of: " + ", ".join(one.name for one in wanted) + ".")
    if wanted:
        found = wanted[0]
        if trigger or class_noun:
            edits.rename_concept(project, found.id, trigger=trigger or None, class_noun=class_noun or None)
        return queries.concept(project, found.id)
    called = name or trigger or (default_word(fallback) if fallback is not None else "")
    if not called:
        title = "The project has no concept yet"
        raise UserError(
            title, hint="Import pictures of your subject first: lorikeet import PROJECT PICTURES --trigger WORD."
        )
    change = edits.add_concept(project, called, trigger=trigger or default_word(Path(called)), class_noun=class_noun)
    return queries.concept(project, change.ids[0])


def default_word(path: Path) -> str:
    """A trigger word made from a file's or folder's name."""
    stem = path.resolve().stem if path.suffix else path.resolve().name
    return "".join(letter for letter in stem.casefold() if letter.isalnum())[:40] or "subject"


def check_word(trigger: str) -> None:
    """See that a trigger word, where one is given, is a word.

    Raises:
        UserError: it holds neither a letter nor a digit.
    """
    if trigger and not any(sign.isalnum() for sign in trigger):
        title = f"“{trigger}” is not a trigger word"
        raise UserError(title, "It needs at least one letter or digit.", "A made-up word, such as tealbear, is best.")


def check_free(files: Sequence[Path], *, overwrite: bool) -> None:
    """See before the work that its files can be written and replace nothing by accident.

    Raises:
        UserError: one of them is there and may not be replaced, or its folder is a file.
    """
    for folder in dict.fromkeys(file.parent for file in files):
        if folder.exists() and not folder.is_dir():
            title = f"{folder} is not a folder"
            raise UserError(title, hint="Choose another place.")
    there = [file for file in files if file.exists()]
    if there and not overwrite:
        title = f"{there[0]} is there already"
        what = f"So are {len(there) - 1} more of the files to be written." if len(there) > 1 else ""
        raise UserError(title, what, "Choose another name or folder, or add --overwrite.")


def take_in(project: Project, paths: Sequence[Path], concept_id: str | None, voice: Voice) -> ImportReport:
    """Import with a progress bar; Ctrl-C keeps what came in so far."""
    from projects.importing import import_paths

    with Bar("Importing") as bar, Interrupts() as interrupts:

        def progress(done: int, total: int, name: str) -> bool:
            bar.update(done, total, name[:40])
            return not interrupts.asked

        report = import_paths(project, paths, concept_id, progress=progress)
    if report.cancelled:
        voice.say("Stopped; what came in stays.")
    return report


def report_document(report: ImportReport, concept: Concept | None) -> dict[str, object]:
    """The report as plain data; without a concept for pictures to segment."""
    return {
        "concept": concept.name if concept is not None else None,
        "concept_id": concept.id if concept is not None else None,
        "trigger": concept.trigger if concept is not None else None,
        "added": list(report.added),
        "seconds": round(report.seconds, 3),
        "cancelled": report.cancelled,
        "lines": line_documents(report.lines),
    }


def report_words(report: ImportReport, concept: Concept | None) -> str:
    """The report for people."""
    count = len(report.added)
    where = f"came into “{concept.name}”" if concept is not None else "came in to segment"
    head = f"{count} picture{'' if count == 1 else 's'} {where} ({report.seconds:.1f} s)."
    return "\n".join([head, *line_words(report.lines)])


def line_documents(lines: Sequence[ReportLine]) -> list[dict[str, str]]:
    """The lines of a report as plain data."""
    return [{"level": line.level, "file": line.file, "title": line.title, "hint": line.hint} for line in lines]


def line_words(lines: Sequence[ReportLine]) -> list[str]:
    """The lines of a report for people; the same words about many files are said once."""
    marks = {"error": "!!", "warning": "! ", "info": "  "}
    files: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        files.setdefault((marks[line.level], f"{line.title}. {line.hint}".rstrip()), []).append(line.file)
    told = []
    for (mark, words), names in files.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        named = ", ".join(name for name in names[:_NAMED] if name)
        told.append(f"{mark} {named + more + ': ' if named else ''}{words}")
    return told
