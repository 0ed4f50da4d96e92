"""Serves the console until the process is asked to stop."""

from datetime import UTC, datetime

import uvicorn

from producers.access.web import Doorkeeper
from producers.console.app import application
from producers.console.live import Hub
from producers.console.needs import Needs
from producers.http import tls
from producers.http.serve import address
from producers.session import Session

PATIENCE, GLANCE = 1.0, 0.05
"""See `Needs`."""
LINGER = 5
"""Seconds for which an idle connection stays open, and for which requests may go on after the server was stopped."""


def serve(session: Session, door: Doorkeeper, listen: str, *, development: bool = False) -> None:
    """Listens at `listen`, a host and a port, until SIGTERM or SIGINT. Raises Invalid for a bad address or
    certificate."""
    host, port = address(listen)
    hub = Hub(session.events)
    needs = Needs(session, door, hub, lambda: datetime.now(UTC), development, door, patience=PATIENCE, glance=GLANCE)
    config = uvicorn.Config(
        application(needs),
        host=host,
        port=port,
        **tls.files(session.settings),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http="h11",
        ws="none",
        timeout_keep_alive=LINGER,
        timeout_graceful_shutdown=LINGER,
        h11_max_incomplete_event_size=64 * 1024,
    )
    uvicorn.Server(config).run()
