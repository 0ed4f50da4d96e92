"""The ten-line way in for any Python program."""

import uuid
from datetime import UTC, datetime

from schemas import events as e
from workers.adapters.broker import Publisher


def request_backup(url: str, app: str | None = None, *, id: str | None = None, source: str = "snapline/python") -> str:
    """Asks for a backup of `app`, or of everything. Returns the event's id; the same id and source ask only once."""
    return publish(url, e.BackupRequested(app=app), id=id, source=source)


def request_restore(
    url: str,
    backup: str,
    scope: e.Scope = "full",
    app: str | None = None,
    *,
    id: str | None = None,
    source: str = "snapline/python",
) -> str:
    """Asks for a restore from `backup`. Returns the event's id."""
    return publish(url, e.RestoreRequested(backup=backup, scope=scope, app=app), id=id, source=source)


def publish(url: str, event: e.Event, *, id: str | None, source: str) -> str:
    """Publishes one request. Raises TransientError, Denied."""
    chosen = id or str(uuid.uuid4())
    publisher = Publisher(url, source)
    try:
        publisher.publish(e.wrap(event, id=chosen, source=source, time=datetime.now(UTC)))
    finally:
        publisher.close()
    return chosen
