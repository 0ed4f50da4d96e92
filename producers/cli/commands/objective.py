"""`snapline set objective`: how old the last good backup of an application may be."""

from typing import Annotated

import typer

from producers.actions import objectives
from producers.cli.context import OutputOption, note, session_of
from producers.cli.render import Output, show

App = Annotated[str, typer.Argument(help="Slug of the application.")]


def set_(
    ctx: typer.Context,
    app: App,
    length: Annotated[str, typer.Argument(metavar="LENGTH", help="A duration such as 24h.")],
    output: OutputOption = Output.TABLE,
) -> None:
    """Say how old the last good backup of an application may be, before an alarm is raised."""
    found = objectives.put(session_of(ctx), app, length)
    show({"app": app, "objective_seconds": int(found.total_seconds())}, output)


def remove(ctx: typer.Context, app: App) -> None:
    """Forget an application's objective."""
    objectives.forget(session_of(ctx), app)
    note(f"application {app} has no objective any more")
