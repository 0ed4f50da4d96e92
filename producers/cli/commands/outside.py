"""Ways in for other systems: `snapline serve-events`, and its tokens."""

import signal
import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from producers.actions import event_tokens
from producers.cli.context import OutputOption, note, session_of
from producers.cli.render import Output, show
from producers.session import Session

Name = Annotated[str, typer.Argument(help="Name of the token, such as that of the system that has it.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="What it may ask for, else backups; may be repeated.")]
BACKUPS = "backup.requested.v1"


def set_event_token(ctx: typer.Context, name: Name, types: Types = None, output: OutputOption = Output.TABLE) -> None:
    """Make a token for POST /events, and show it, once. One of the same name is no longer good."""
    made = event_tokens.make(session_of(ctx), name, types or [BACKUPS])
    show(asdict(made), output)
    note("keep it: nobody can show it again")


def delete_event_token(ctx: typer.Context, name: Name) -> None:
    """A token for POST /events is no longer good."""
    event_tokens.forget(session_of(ctx), name)
    note(f"token {name} is no longer good")


def serve_events(
    ctx: typer.Context,
    listen: Annotated[str, typer.Option(help="Host and port; with TLS where SNAPLINE_TLS_CERTIFICATE is set.")] = (
        "127.0.0.1:8088"
    ),
) -> None:
    """Take requests over HTTP, until stopped: POST /events, with a token. Any number may run."""
    from producers.http.serve import serve
    from workers.adapters import logs

    session = session_of(ctx)
    logs.configure(secrets=session.settings.secrets())
    with session.looked_at():
        serve(session, listen)


def serve_api(
    ctx: typer.Context,
    listen: Annotated[str, typer.Option(help="Host and port; with TLS where SNAPLINE_TLS_CERTIFICATE is set.")] = (
        "127.0.0.1:8089"
    ),
) -> None:
    """Serve the HTTP API without the console's pages, until stopped: /api/v1 and POST /events, with a token. Any number
    may run."""
    from producers.access.assembly import doorkeeper
    from producers.http import routes
    from producers.http.api.serving import Needs
    from producers.http.serve import run
    from workers.adapters import logs

    session = session_of(ctx)
    logs.configure(secrets=session.settings.secrets())
    door = doorkeeper(session, lambda: datetime.now(UTC), time.monotonic)
    with session.looked_at():
        run(routes.application(Needs(session, door, lambda: datetime.now(UTC))), listen, session.settings)


def watch_upgrades(
    ctx: typer.Context,
    quiet: Annotated[float, typer.Option(min=0, help="Seconds without a change before a backup is asked for.")] = 5,
    deadline: Annotated[float, typer.Option(min=1, help="Seconds that a rollout is held, at most.")] = 1800,
) -> None:
    """Ask for a backup when a workload with the label snapline.dev/backup-before-upgrade changes, until stopped. Any
    number may run."""
    from producers.watch_upgrades.run import SOURCE, Patience, run
    from workers.adapters import logs

    settings = session_of(ctx).settings
    logs.configure(secrets=settings.secrets())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Session(settings, SOURCE) as session, session.looked_at():
        run(session, Patience(timedelta(seconds=quiet), timedelta(seconds=deadline)), stop, lambda: datetime.now(UTC))
