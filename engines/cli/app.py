"""The list of verbs. Each lives in a file of its own or beside its next of kin; heavy libraries load only inside a verb."""

from __future__ import annotations

from collections.abc import Callable

import typer

from engines.cli import (
    adapters,
    adapting,
    bench,
    combining,
    demo,
    doctor,
    documents,
    erasing,
    evaluate,
    interference,
    masks,
    merging,
    pictures,
    scenes,
    segmenting,
    teach,
    volumes,
    work,
)


def make_app() -> typer.Typer:
    """Put the command line together."""
    app = typer.Typer(
        name="lorikeet",
        help="Teach a subject to an image model on your own computer, see before and after, and take the adapter with you.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for name, verb in VERBS.items():
        app.command(name, hidden=name == "serve")(verb)
    for name, verbs in GROUPS.items():
        group = typer.Typer(name=name, help=HELP[name], no_args_is_help=True, rich_markup_mode=None)
        for verb_name, verb in verbs.items():
            group.command(verb_name)(verb)
        app.add_typer(group)
    return app


VERBS: dict[str, Callable[..., int]] = {
    "new": documents.new,
    "import": documents.import_,
    "teach": teach.teach,
    "generate": pictures.generate,
    "compare": pictures.compare,
    "compose": combining.compose,
    "erase": erasing.erase,
    "evaluate": evaluate.evaluate,
    "interference": interference.interference,
    "scenes": scenes.scenes,
    "merge": merging.merge,
    "inspect": adapters.inspect,
    "export": adapters.export,
    "run": work.run,
    "queue": work.queue,
    "describe": work.describe,
    "serve": work.serve,
    "doctor": doctor.doctor,
    "demo": demo.demo,
    "bench": bench.bench,
}

GROUPS: dict[str, dict[str, Callable[..., int]]] = {
    "masks": {"import": masks.import_, "export": masks.export},
    "segment": {
        "adapt": adapting.adapt,
        "evaluate": adapting.evaluate,
        "predict": segmenting.predict,
        "export": segmenting.export,
        "volume": volumes.find,
    },
    "volumes": {"import": volumes.import_},
}

HELP = {
    "masks": "Bring masks in, or take them out, in the formats of other tools.",
    "segment": "Adapt a segmentation model to marked pictures, measure what came of it, use it, and take it with you.",
    "volumes": "Bring scans in three dimensions into a project.",
}
