"""`snapline console`: the admin console, for browsers."""

import sys
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from producers.cli.context import session_of

SOURCE = "snapline/console"
"""What its events say they are from, so that activity tells a page from a command."""


def console(
    ctx: typer.Context,
    listen: Annotated[str, typer.Option(help="Host and port; with TLS where SNAPLINE_TLS_CERTIFICATE is set.")] = (
        "127.0.0.1:8800"
    ),
    development: Annotated[bool, typer.Option(help="Also show /styleguide, for those who build the console.")] = False,
) -> None:
    """Serve the admin console to browsers, until stopped. Any number may run. The first one that ever starts prints a
    password for `admin`, which works once."""
    from producers.access.assembly import doorkeeper
    from producers.access.first_start import one_time_password
    from producers.console.serve import serve
    from workers.adapters import logs

    session = session_of(ctx)
    session.source = SOURCE
    logs.configure(secrets=session.settings.secrets())
    door = doorkeeper(session, lambda: datetime.now(UTC), time.monotonic)
    if (password := one_time_password(session, door.door.passwords)) is not None:
        said = f"first start: log in as admin with the password {password}, which works once\n"
        sys.stderr.write(said)
        sys.stderr.flush()
    with session.looked_at():
        serve(session, door, listen, development=development)
