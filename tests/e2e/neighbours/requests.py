"""Asking for jobs, and what came of them."""

import json
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from schemas import events as e
from schemas.job import Job
from schemas.kubernetes import PODS, Object
from tests.e2e.neighbours.pictures import leftovers
from tests.support.line import CONSOLE, Line, until

E = TypeVar("E", bound=e.Event)


def ask_backup(line: Line, app: str | None = None) -> Job:
    """Asks for a backup of `app`, or of everything."""
    id_ = str(uuid.uuid4())
    line.publish(e.BackupRequested(app=app), id_)
    return Job("backup", line.job("backup", app or "instance", id_))


def ask_restore(line: Line, backup: str, **asked: Any) -> Job:
    """Asks for a restore."""
    id_ = str(uuid.uuid4())
    line.publish(e.RestoreRequested(backup=backup, **asked), id_)
    return Job("restore", line.job("restore", backup, id_))


def ended(line: Line, job: Job) -> Any:
    """The final record, when there is one, and nothing that a restore leaves behind any more."""
    record = line.final(job.kind, job.name, seconds=300)
    until(lambda: not leftovers(line), "no helper is left, and no pod waits", seconds=60)
    return record


def awaited(line: Line, job: Job, key: Callable[[Job], str]) -> Any:
    """A record of a job that is under way."""
    until(lambda: any(True for _ in line.store.list(key(job))), f"{key(job)} is written", seconds=120)
    return json.loads(line.store.get(key(job)))


def told_of(line: Line, type_: type[E]) -> list[E]:
    """All events of a type that the event log has."""
    return [event.data for event in line.told() if isinstance(event.data, type_)]


def told(record: Any, what: str) -> list[str]:
    """The errors or warnings of a record, as texts."""
    return [message["text"] for message in record[what]]


def helpers(line: Line, job: Job) -> list[Object]:
    """The restore's helper pods."""
    return list(line.cluster.list(PODS, CONSOLE, f"snapline.dev/restore={job.name}"))
