"""`snapline worker`, `schema` and `settings`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

import schemas
from producers.cli import shapes
from producers.cli.context import OutputOption, note, session_of
from producers.cli.exits import Exit
from producers.cli.render import Output, show
from schemas import generate, metrics_document, topology
from schemas.errors import Invalid
from schemas.settings import PREFIX, Settings


def worker(queue: Annotated[str, typer.Argument(help="A queue of the line, or volumes.<node>.")]) -> None:
    """Serve one queue until stopped."""
    try:
        topology.queue(queue)
    except KeyError as error:
        raise Invalid(str(error.args[0])) from error
    os.execv(sys.executable, [sys.executable, "-m", "workers.app", queue])  # noqa: S606  # becomes the worker


def schema(
    check: Annotated[bool, typer.Option("--check", help="Only say which files are stale.")] = False,
) -> None:
    """Write what others rely on from the models: schemas/, docs/output.json, docs/metrics.md, manifests in deploy/."""
    from producers.installing import tree

    directory = Path(schemas.__file__).parent
    docs, deploy = directory.parent / "docs", directory.parent / "deploy"
    documents = {docs / "output.json": shapes.document(), docs / "metrics.md": metrics_document.document()}
    if not check:
        for path, text in documents.items():
            path.write_text(text)
        note(f"{len(generate.write(directory)) + len(documents) + tree.write(deploy)} files written")
        return
    stale = [*generate.stale(directory), *(path for path, text in documents.items() if path.read_text() != text)]
    stale += tree.stale(deploy)
    for path in stale:
        print(path.relative_to(directory.parent))  # noqa: T201  # the result
    raise typer.Exit(Exit.FAILED if stale else Exit.OK)


def settings(ctx: typer.Context, output: OutputOption = Output.TABLE) -> None:
    """Every SNAPLINE_ variable: its default and whether it is set. Secrets are not shown."""
    chosen = session_of(ctx).settings
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(chosen, name)
        secret = isinstance(value, SecretStr)
        rows.append(
            {
                "variable": PREFIX + name.upper(),
                "value": ("(set)" if value.get_secret_value() else "") if secret else str(value or ""),
                "meaning": field.description or "",
            }
        )
    show(rows, output)
