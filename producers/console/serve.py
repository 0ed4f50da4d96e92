"""Serves the console until the process is asked to stop."""

from datetime import UTC, datetime

from producers.access.web import Doorkeeper
from producers.console.app import application
from producers.console.live import Hub
from producers.console.needs import Needs
from producers.http.serve import run
from producers.session import Session

PATIENCE, GLANCE = 1.0, 0.05
"""See `Needs`."""
HEAD = 64 * 1024
"""Bytes of a request's head: browsers bring cookies and long addresses."""


def serve(session: Session, door: Doorkeeper, listen: str, *, development: bool = False) -> None:
    """Listens at `listen`, a host and a port, until SIGTERM or SIGINT. Raises Invalid for a bad address or
    certificate."""
    hub = Hub(session.events)
    needs = Needs(session, door, hub, lambda: datetime.now(UTC), development, door, patience=PATIENCE, glance=GLANCE)
    run(application(needs), listen, session.settings, at_once=None, head=HEAD, lifespan="on")
