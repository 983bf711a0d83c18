"""What the source may not contain: swallowed errors, ways to run foreign code, machine paths, rich text from outside, deep inheritance."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.source import ROOT, Source, calls, dotted, files, listing, product

WORKER_TOP = "engines/core/"
PLAIN_TEXT_HOME = "gui/widgets/"
UNWANTED_CALLS = {"eval", "exec", "os.system", "os.popen", "pickle.load", "pickle.loads", "torch.hub.load", "yaml.load"}
UNWANTED_KEYWORDS = {
    "shell": True,
    "weights_only": False,
    "allow_pickle": True,
    "trust_remote_code": True,
    "safe_serialization": False,
}
UNPICKLERS = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}


def _broad(handler: ast.ExceptHandler) -> bool:
    """Catches everything and does not pass it on; tidying up and raising again swallows nothing."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or dotted(kind) in {"Exception", "BaseException"} for kind in kinds)


def test_errors_are_swallowed_nowhere_but_at_the_two_tops() -> None:
    """Only the worker's top and one hook of the window may catch everything."""
    broad = [
        f"{source.name}:{node.lineno}"
        for source in product()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler) and _broad(node)
    ]
    window = [place for place in broad if place.startswith("gui/")]
    worker = [place for place in broad if place.startswith(WORKER_TOP)]
    others = set(broad) - set(window) - set(worker)
    assert not others, listing(sorted(others))
    assert len(window) <= 1, listing(window)
    assert len(worker) <= 1, listing(worker)


def test_nothing_runs_foreign_code() -> None:
    offences = []
    for source in product():
        for call in calls(source.tree):
            if dotted(call.func) in UNWANTED_CALLS:
                offences.append(f"{source.name}:{call.lineno} {dotted(call.func)}")
            for keyword in call.keywords:
                unwanted = UNWANTED_KEYWORDS.get(keyword.arg or "")
                if unwanted is not None and isinstance(keyword.value, ast.Constant) and keyword.value.value is unwanted:
                    offences.append(f"{source.name}:{call.lineno} {keyword.arg}={unwanted}")
            safe = any(
                keyword.arg == "weights_only"
                and isinstance(keyword.value, ast.Constant)
                and keyword.value.value is True
                for keyword in call.keywords
            )
            if dotted(call.func) == "torch.load" and not safe:
                offences.append(f"{source.name}:{call.lineno} torch.load without weights_only=True")
    assert not offences, listing(offences)


def test_nothing_unpickles() -> None:
    """The name of the error that others raise may be used, nothing else of such a module."""
    offences = []
    for source in product():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLERS:
                offences.append(f"{source.name}:{node.lineno} from {node.module}")
            if not isinstance(node, ast.Attribute) or node.attr in {"UnpicklingError", "PickleError"}:
                continue
            if dotted(node).split(".")[0] in UNPICKLERS:
                offences.append(f"{source.name}:{node.lineno} {dotted(node)}")
    assert not offences, listing(offences)


def test_no_path_of_anybodys_machine() -> None:
    machine = re.compile(r"(?<![\w.\-\]])(/(home|root|Users|work)/\w|[A-Z]:\\+Users\\)")
    offences = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()[:80]}"
        for path in files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if machine.search(line)
    ]
    assert not offences, listing(offences)


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
    offences = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files()
        if path.suffix == ".py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if marks.search(line)
    ]
    offences += [
        f"{source.name}:{node.lineno} NotImplementedError"
        for source in product()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" in ast.dump(node.exc)
    ]
    assert not offences, listing(offences)


def test_words_from_outside_are_never_rich_text() -> None:
    """Qt guesses whether a label's text is HTML; captions and file names must not become markup, so labels come from gui.widgets."""
    offences = [
        f"{source.name}:{call.lineno} {dotted(call.func)}"
        for source in product()
        if source.name.startswith("gui/") and not source.name.startswith(PLAIN_TEXT_HOME)
        for call in calls(source.tree)
        if re.match(r"(QtWidgets\.)?(QLabel|QMessageBox|QErrorMessage)\b", dotted(call.func))
    ]
    offences += [
        f"{source.name}:{node.lineno} derives from QLabel"
        for source in product()
        if source.name.startswith("gui/") and not source.name.startswith(PLAIN_TEXT_HOME)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and any(dotted(base).endswith("QLabel") for base in node.bases)
    ]
    offences += [
        f"{source.name}:{call.lineno} {dotted(call.func)}: gui.widgets.text.set_tip does it"
        for source in product()
        if source.name.startswith("gui/") and source.name != "gui/widgets/text.py"
        for call in calls(source.tree)
        if dotted(call.func).endswith(".setToolTip")
    ]
    assert not offences, listing(offences)


def _imported(source: Source) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        elif isinstance(node, ast.Import):
            names.update({alias.asname or alias.name: alias.name for alias in node.names})
    return names


def _our_bases() -> dict[str, list[str]]:
    """Our classes by full name, each with those bases that are ours too."""
    defined = {
        f"{source.module}.{node.name}": (source, node)
        for source in product()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
    }
    bases: dict[str, list[str]] = {}
    for full, (source, node) in defined.items():
        imported = _imported(source)
        resolved = []
        for base in node.bases:
            name = dotted(base.value if isinstance(base, ast.Subscript) else base)
            head, _, rest = name.partition(".")
            candidate = f"{imported[head]}.{rest}".rstrip(".") if head in imported else f"{source.module}.{name}"
            if candidate in defined:
                resolved.append(candidate)
        bases[full] = resolved
    return bases


def test_inheritance_is_one_deep() -> None:
    """Code is shared by calling. The tree of expected failures is the one exception."""
    bases = _our_bases()
    offences = [
        f"{name} <- {parent} <- {grandparents}"
        for name, parents in bases.items()
        for parent in parents
        if (grandparents := bases[parent]) and not name.startswith(("projects.errors.", "engines.api.errors."))
    ]
    assert not offences, listing(offences)


def test_no_function_eats_misspelt_options() -> None:
    """`**options` must be passed on by the function that takes it."""
    offences = []
    for source in product():
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.args.kwarg is None:
                continue
            name = node.args.kwarg.arg
            used = any(
                isinstance(inner, ast.Name) and inner.id == name for stmt in node.body for inner in ast.walk(stmt)
            )
            if not used:
                offences.append(f"{source.name}:{node.lineno} {node.name}(**{name})")
    assert not offences, listing(offences)


@pytest.mark.parametrize("folder", ["engines", "gui", "projects"])
def test_every_folder_of_code_is_a_package(folder: str) -> None:
    missing = sorted(
        {
            path.parent.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*.py")
            if not (path.parent / "__init__.py").exists()
        }
    )
    assert not missing, missing
