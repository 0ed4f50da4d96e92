"""What commands share: the session of this run, and where notes go."""

from os import environ
from typing import Annotated, cast

import typer
from rich.console import Console

from producers.cli.render import Output, printable
from producers.session import Session
from schemas.events import DEFAULT_DESTINATION
from schemas.settings import from_environment

SOURCE = "snapline/cli"

notes = Console(stderr=True, highlight=False, markup=False, emoji=False)
"""Where progress goes; results go to standard output."""

OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How results are printed.")]


DestinationOption = Annotated[
    str, typer.Option("--destination", help="Storage destination; `storage list` shows those that there are.")
]


def note(text: str) -> None:
    """A remark, on standard error: as it is, without markup and anything that a terminal would obey."""
    notes.print(printable(text), soft_wrap=True)


def where(destination: str) -> str:
    """What a command that is shown needs, so that it looks in that destination."""
    return "" if destination == DEFAULT_DESTINATION else f" --destination {destination}"


def session_of(ctx: typer.Context) -> Session:
    """The session of this run: made when a command first asks for it, closed when the command ends. Raises Invalid for
    settings that are wrong."""
    root = ctx.find_root()
    if root.obj is None:
        root.obj = Session(from_environment(environ), SOURCE)
        root.call_on_close(root.obj.close)
    return cast(Session, root.obj)
