"""All that an event log has: what comes before a mark that is told just now. Not what comes within some seconds, as a
broker may take long."""

import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta

from schemas import events as e
from schemas.errors import TransientError
from workers.adapters import broker

MARK = "the end of the log"
PATIENCE = timedelta(minutes=4)


def logged(url: str, since: broker.Since = "first") -> list[broker.Logged]:
    """The log's events, for a user who may tell everything. Raises TransientError if its end does not come."""
    mark = e.NotificationDelivered(event=uuid.uuid4().hex, target=MARK)
    with closing(broker.Publisher(url, "tests")) as publisher:
        publisher.publish(e.wrap(mark, source="tests", time=datetime.now(UTC)))
    found: list[broker.Logged] = []
    for entry in broker.read_log(url, since=since, idle=PATIENCE):
        if entry.event.data == mark:
            return found
        if not _is_mark(entry.event.data):
            found.append(entry)
    raise TransientError("the log does not come to its end")


def _is_mark(event: e.Event) -> bool:
    return isinstance(event, e.NotificationDelivered) and event.target == MARK
