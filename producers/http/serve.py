"""Serves the application until the process is asked to stop."""

from datetime import UTC, datetime
from time import monotonic

import structlog
import uvicorn

from producers.http.app import Needs, application
from producers.http.tokens import Tokens
from producers.session import Session
from producers.views.outside import event_tokens
from producers.views.unreadable import Unreadable
from schemas.errors import Invalid
from schemas.event_token import EventToken
from schemas.rights import user

MOST_AT_ONCE = 64
"""Connections and requests; whoever comes later gets 503."""
LINGER = 5
"""Seconds for which an idle connection stays open, and for which requests may go on after the server was stopped."""

log = structlog.get_logger("http")


def serve(session: Session, listen: str) -> None:
    """Listens at `listen`, a host and a port, until SIGTERM or SIGINT. Raises Invalid for a bad address."""
    host, port = address(listen)
    tokens = Tokens(lambda: _good(session), monotonic)
    needs = Needs(tokens, session.bus.publish, user(session.settings), lambda: datetime.now(UTC))
    config = uvicorn.Config(
        application(needs),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http="h11",
        ws="none",
        lifespan="off",
        limit_concurrency=MOST_AT_ONCE,
        timeout_keep_alive=LINGER,
        timeout_graceful_shutdown=LINGER,
        h11_max_incomplete_event_size=16 * 1024,
    )
    uvicorn.Server(config).run()


def address(listen: str) -> tuple[str, int]:
    """`127.0.0.1:8088`, `[::1]:8088`. Raises Invalid."""
    host, parted, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not parted or not host or not port.isdecimal() or int(port) > 65535:
        raise Invalid(f"{listen!r:.80} is no address to listen at; give a host and a port, as 127.0.0.1:8088")
    return host, int(port)


def _good(session: Session) -> list[EventToken]:
    """The tokens that can be read; the others are logged."""
    good = []
    for each in event_tokens.read(session.cluster, session.settings.console_namespace):
        if isinstance(each, Unreadable):
            log.warning("a token is passed over", name=each.name, reason=str(each.problem))
        else:
            good.append(each)
    return good
