"""From an event of a stranger to a request on the bus: what it may be, whose it is, and what job it makes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from producers.http.problems import Problem
from schemas import events as e
from schemas.errors import Denied, MalformedEvent, SnaplineError
from schemas.event_token import EventToken
from schemas.events import MAX_ID
from schemas.job import Job, asked_for, request_uuid

RETRY = {"Retry-After": "5"}


@dataclass(frozen=True)
class Asked:
    """A request that is on the bus. `job` is what it makes, unless that name is taken, or None for upkeep."""

    event: e.AnyEvent
    job: Job | None


def ask(
    event: e.AnyEvent, token: EventToken, publish: Callable[[e.AnyEvent], None], sender: str, now: datetime
) -> Asked:
    """Publishes the request as the token's own. The same id and source from the same token are the same request. Raises
    Problem."""
    allowed(event, token)
    request = _own(event, token, now)
    try:
        publish(request)
    except Denied as error:
        raise Problem(502, "the message broker does not let this server publish such a request") from error
    except SnaplineError as error:
        text = "the message broker does not answer, or has too much to do; send the same event again"
        raise Problem(503, text, RETRY) from error
    return Asked(request, _job(request, sender))


def allowed(event: e.AnyEvent, token: EventToken) -> None:
    """Raises Problem for what is no request, or none that the token may ask for."""
    if event.type not in e.REQUESTS:
        raise Problem(403, f"{event.type} is told by Snapline itself; only requests are taken here")
    if event.type not in token.types:
        raise Problem(403, f"token {token.name} may not ask for {event.type}, but for {', '.join(token.types)}")


def _own(event: e.AnyEvent, token: EventToken, now: datetime) -> e.AnyEvent:
    """The request with the token's name in its source: nobody can use up another's ids, or speak as another."""
    before = f"http/{token.name}/"
    if len(before + event.source) > MAX_ID:
        raise Problem(400, f"source is {len(event.source)} characters long; {MAX_ID - len(before)} are the limit here")
    try:
        return e.wrap(event.data, id=event.id, source=before + event.source, time=now)
    except (ValueError, MalformedEvent) as error:
        raise Problem(400, e.explain(error)) from error


def _job(event: e.AnyEvent, sender: str) -> Job | None:
    request = request_uuid(sender, event.source, event.id)
    match event.data:
        case e.BackupRequested() as asked:
            return asked_for("backup", asked.app or "instance", request)
        case e.RestoreRequested() as asked:
            return asked_for("restore", asked.backup, request)
    return None
