"""What can be done to have backups in more than one destination: ask for a copy, and wait for the answer."""

import time
from collections.abc import Callable

from producers.actions.answers import answer
from producers.actions.jobs import Requested, ask, clear
from producers.actions.verification import must_have_ended
from producers.session import Session
from schemas import events as e
from schemas import keys
from schemas.errors import Invalid, SnaplineError
from schemas.events import THE_DEFAULT
from schemas.job import backup
from schemas.records import Copied, CopyFailed
from workers.jobs import ledger
from workers.ports import Say

Answer = e.BackupCopied | e.BackupCopyFailed


def copy(session: Session, name: str, to: str, *, destination: str = THE_DEFAULT, id: str | None = None) -> Requested:
    """Asks for a copy of the backup called `name`, which is in `destination`, in the destination `to`. What is there
    already is not moved, so it may be asked for again at any time. Raises NotFound without that backup or one of the
    destinations, Invalid for a backup that has not ended, and as the bus."""
    destination = session.named(destination)
    may_be_copied_to(session, to, destination)
    must_have_ended(session, name, destination)
    with clear():
        request = e.BackupCopyRequested(backup=name, to=to, destination=destination)
    event = ask(session, request, id)
    return Requested(event, backup(name), destination)


def may_be_copied_to(session: Session, to: str, destination: str) -> None:
    """Raises NotFound where there is no destination `to`, and Invalid if it is `destination`."""
    session.destination(to)
    if to == destination:
        raise Invalid(f"what is in {to!r} needs no copy there; name another destination")


def copied(
    session: Session,
    requested: Requested,
    clock: Callable[[], float] = time.monotonic,
    patience: float | None = None,
    progress: Say = lambda _what, _done, _total: None,
) -> Answer | None:
    """Waits for the answer to a request for a copy: it is told, or on record. None if `patience` seconds have passed.
    `progress` is told how far it is."""
    found = answer(
        session,
        requested,
        _as_answer,
        lambda _: _recorded(session, requested),
        clock=clock,
        patience=patience,
        progress=progress,
    )
    return _as_answer(found)


def _as_answer(said: e.Event | None) -> Answer | None:
    return said if isinstance(said, Answer) else None


def _recorded(session: Session, requested: Requested) -> Answer | None:
    """What is on record, unless the copy is wanted still: then an earlier failure tells nothing."""
    asked, job = requested.event.data, requested.job
    if not isinstance(asked, e.BackupCopyRequested):
        return None
    try:
        store = session.store(requested.destination)
        if ledger.exists(store, keys.wanted_copy(job, asked.to)):
            return None
        done = ledger.find(store, keys.copied(job, asked.to), Copied)
        failed = ledger.find(store, keys.copy_failed(job, asked.to), CopyFailed)
    except SnaplineError:
        return None  # a producer may have no access to the store
    known = {"backup": job.name, "destination": requested.destination, "to": asked.to, "request": requested.event.id}
    if done is not None:
        sizes = {"scanned_bytes": done.scanned_bytes, "read_bytes": done.read_bytes}
        return e.BackupCopied.model_validate({**known, **sizes, "uploaded_bytes": done.uploaded_bytes})
    if failed is not None and failed.at >= requested.event.time:
        return e.BackupCopyFailed.model_validate({**known, "reason": failed.reason})
    return None
