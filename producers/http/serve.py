"""Serves the application until the process is asked to stop."""

from typing import Literal

import uvicorn
from starlette.applications import Starlette

from producers.http import tls
from producers.http.app import application, events_of
from producers.session import Session
from schemas.errors import Invalid
from schemas.settings import Settings

MOST_AT_ONCE = 64
"""Connections and requests; whoever comes later gets 503."""
LINGER = 5
"""Seconds for which an idle connection stays open, and for which requests may go on after the server was stopped."""


def serve(session: Session, listen: str) -> None:
    """Takes requests at `POST /events`. Listens at `listen`, a host and a port, until SIGTERM or SIGINT. Raises Invalid
    for a bad address or certificate."""
    run(application(events_of(session)), listen, session.settings)


def run(
    served: Starlette,
    listen: str,
    settings: Settings,
    *,
    at_once: int | None = MOST_AT_ONCE,
    head: int = 16 * 1024,
    lifespan: Literal["on", "off"] = "off",
) -> None:
    """As `serve`, of whatever application: so many connections and requests `at_once` (None for any number), with so
    many bytes of a request's `head` at most. One with a `lifespan` is told when it begins and ends."""
    host, port = address(listen)
    config = uvicorn.Config(
        served,
        host=host,
        port=port,
        **tls.files(settings),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http="h11",
        ws="none",
        lifespan=lifespan,
        limit_concurrency=at_once,
        timeout_keep_alive=LINGER,
        timeout_graceful_shutdown=LINGER,
        h11_max_incomplete_event_size=head,
    )
    uvicorn.Server(config).run()


def address(listen: str) -> tuple[str, int]:
    """`127.0.0.1:8088`, `[::1]:8088`. Raises Invalid."""
    host, parted, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not parted or not host or not port.isdecimal() or int(port) > 65535:
        raise Invalid(f"{listen!r:.80} is no address to listen at; give a host and a port, as 127.0.0.1:8088")
    return host, int(port)
