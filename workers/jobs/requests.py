"""Which request it is, and which job it makes. Its sender, source and id are its identity: other senders cannot use up
an id, and with other data it is not the same request."""

import itertools
from dataclasses import dataclass
from typing import Generic, TypeVar

from schemas import events as e
from schemas import job as jobs
from schemas import keys
from schemas.errors import Code
from schemas.job import Job
from schemas.messages import Message
from schemas.records import Asked, BackupRequest, Rejection, Request, RestoreRequest
from workers.jobs import default_destination, ledger, rejections
from workers.ports import Destinations, ObjectStore

A = TypeVar("A", e.BackupRequested, e.RestoreAsked)


@dataclass(frozen=True)
class Asking(Generic[A]):
    """A request, and what is known of it: `request` is its identity, `job` what it makes or has made, in `store`;
    whether that `was_made` when it was looked up."""

    event: e.CloudEvent[A]
    sender: str
    store: ObjectStore
    request: str
    job: Job
    was_made: bool

    def is_made(self) -> bool:
        """Whether the job is there now."""
        made = _made(self.store, self.job)
        return made is not None and made.request == self.request


def look_up(store: ObjectStore, event: e.CloudEvent[A], sender: str) -> Asking[A]:
    """What is known of a request in the store of its destination."""
    asked = event.data
    kind: jobs.Kind = "backup" if isinstance(asked, e.BackupRequested) else "restore"
    prefix = prefix_of(asked)
    older = jobs.derived_uuid(event.source, event.id)
    job, made = find(store, kind, prefix, older)
    if _was(sender, made, older) or _was(sender, rejections.find(store, job, older), older):
        return Asking(event, sender, store, older, job, made is not None)
    request = jobs.request_uuid(sender, event.source, event.id)
    job, made = find(store, kind, prefix, request)
    return Asking(event, sender, store, request, job, made is not None)


def prefix_of(asked: e.BackupRequested | e.RestoreAsked) -> str:
    """What the name of the job that a request makes begins with."""
    if isinstance(asked, e.BackupTestRestoreRequested):
        return f"{asked.backup or asked.app or 'instance'}-test"
    return of_backup(asked.app) if isinstance(asked, e.BackupRequested) else asked.backup


def named(event: e.CloudEvent[A], sender: str, destinations: Destinations) -> e.CloudEvent[A]:
    """The request, with a name for its destination: that of the default one unless it was answered elsewhere."""
    request = jobs.request_uuid(sender, event.source, event.id)
    key = keys.asked("backup" if isinstance(event.data, e.BackupRequested) else "restore", request)
    return default_destination.named(event, destinations, lambda store: ledger.exists(store, key))


def differs(asking: Asking[A]) -> Message | None:
    """Why it is not the request that has come with its identity before; None for the first one, and the same again."""
    asked = asking.event.data
    key = keys.asked(asking.job.kind, asking.request)
    standing = ledger.create(asking.store, key, Asked(data=asked.model_dump(mode="json")))
    was = type(asked).model_validate(standing.data, strict=False)  # times are text there
    other = [name for name in type(asked).model_fields if getattr(was, name) != getattr(asked, name)]
    if not other:
        return None
    said = ", ".join(f"{name} was {getattr(was, name)!r:.80}, not {getattr(asked, name)!r:.80}" for name in other)
    text = f"the id {asking.event.id!r:.300} stands for another request of this sender: {said}; ask with another id"
    return Message(code=Code.REQUEST_DIFFERS, text=text, subject=asking.event.id)


def of_backup(app: str | None) -> str:
    """What the names of the backups of one application, or of everything, begin with."""
    return app or "instance"


def begin(asking: Asking[A], record: Request) -> bool:
    """Makes the job; False if another request has taken the name meanwhile."""
    ledger.begin(asking.store, asking.job)
    return ledger.create(asking.store, keys.request(asking.job), record).request == record.request


def _was(sender: str, known: Request | Rejection | None, request: str) -> bool:
    """Whether it was that sender's, before senders were part of the identity. Of some refusals no sender is known."""
    return known is not None and known.request == request and known.sender in (sender, "")


def find(store: ObjectStore, kind: jobs.Kind, prefix: str, request: str) -> tuple[Job, Request | None]:
    """The request's job, and what it was made with, if it was made: the first name that is free or its own."""
    for attempt in itertools.count():
        job = jobs.asked_for(kind, prefix, request, attempt)
        found = _made(store, job)
        if found is None or found.request == request:
            return job, found
    raise AssertionError("itertools.count ends")


def _made(store: ObjectStore, job: Job) -> Request | None:
    return ledger.find(store, keys.request(job), BackupRequest if job.kind == "backup" else RestoreRequest)
