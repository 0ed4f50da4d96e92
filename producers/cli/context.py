"""What commands share: the session of this run, and where notes go."""

import sys
from os import environ
from typing import Annotated, cast

import typer
from rich.console import Console
from typer._click.globals import get_current_context

from producers.cli.exits import Exit
from producers.cli.render import ListOutput, Output, printable
from producers.session import Session
from schemas.errors import Invalid
from schemas.events import DEFAULT_DESTINATION, THE_DEFAULT
from schemas.settings import from_environment

SOURCE = "snapline/cli"

notes = Console(stderr=True, highlight=False, markup=False, emoji=False)
"""Where progress goes; results go to standard output."""

OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How results are printed.")]
ListOutputOption = Annotated[ListOutput, typer.Option("--output", "-o", help="How results are printed.")]


def named(ctx: typer.Context, param: typer.CallbackParam, value: str) -> str:
    """No name is given by leaving the option out: an empty one is a script's mistake."""
    source = ctx.get_parameter_source(param.name) if param.name else None
    if not value and source is not None and source.name == "COMMANDLINE":
        raise typer.BadParameter("it is empty")
    return value


DestinationOption = Annotated[
    str,
    typer.Option(
        "--destination",
        callback=named,
        help="Storage destination, as `get destinations` lists them; without it, the default one.",
    ),
]


def note(text: str) -> None:
    """A remark, on standard error: as it is, without markup and anything that a terminal would obey."""
    notes.print(printable(text), soft_wrap=True)


def typed_in() -> str:
    """All of standard input. Raises Invalid for what is no UTF-8."""
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise Invalid("what is on standard input is no UTF-8 text") from None


def can_ask() -> bool:
    """Whether somebody sits there."""
    return sys.stdin.isatty()


def confirmed(question: str, yes: bool) -> None:
    """Goes on if somebody says so: beforehand by --yes, or now. Raises Invalid where nobody can be asked."""
    if yes:
        return
    if not can_ask():
        raise Invalid("this is not undone; where nobody can be asked, say --yes")
    if not typer.confirm(question, err=True):
        note("nothing is deleted")
        raise typer.Exit(Exit.INTERRUPTED)


def where(destination: str) -> str:
    """What a command that is shown needs, so that it looks in that destination."""
    return "" if destination in (THE_DEFAULT, _default_here()) else f" --destination {destination}"


def _default_here() -> str:
    """What the command that runs takes for the default destination."""
    ctx = get_current_context(silent=True)
    session = ctx.find_root().obj if ctx else None
    return session.named_if_known(THE_DEFAULT) if isinstance(session, Session) else DEFAULT_DESTINATION


def server_of(ctx: typer.Context) -> str:
    """The URL of the server that is to be asked; empty where this run does it all itself. Raises Invalid for settings
    that are wrong."""
    root = ctx.find_root()
    given = root.params.get("server")
    if given is not None or root.obj is not None:
        return str(given or "")
    return from_environment(environ).server


def session_of(ctx: typer.Context) -> Session:
    """The session of this run: made when a command first asks for it, closed when the command ends. Raises Invalid for
    settings that are wrong, and for a command that a server cannot do for us."""
    root = ctx.find_root()
    if server_of(ctx):
        text = "a server can be asked for backups, restores, applications, schedules and logs, not for this"
        raise Invalid(f"{text}; it needs the broker, the store or the cluster itself")
    if root.obj is None:
        root.obj = Session(from_environment(environ), SOURCE)
        root.call_on_close(root.obj.close)
    return cast(Session, root.obj)
