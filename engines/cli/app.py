"""The list of verbs. Each lives in a file of its own or beside its next of kin; heavy libraries load only inside a verb."""

from __future__ import annotations

import typer

from engines.cli import adapters, bench, demo, doctor, documents, pictures, teach, work

app = typer.Typer(
    name="lorikeet",
    help="Teach a subject to an image model on your own computer, see before and after, and take the adapter with you.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.command("new")(documents.new)
app.command("import")(documents.import_)
app.command("teach")(teach.teach)
app.command("generate")(pictures.generate)
app.command("compare")(pictures.compare)
app.command("inspect")(adapters.inspect)
app.command("export")(adapters.export)
app.command("run")(work.run)
app.command("queue")(work.queue)
app.command("describe")(work.describe)
app.command("serve", hidden=True)(work.serve)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)
app.command("bench")(bench.bench)
