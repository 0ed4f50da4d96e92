"""What can be done to know how good backups are: have them read back, and wait for the answer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from producers.actions.answers import answer
from producers.actions.jobs import Requested, ask, clear, publish
from producers.session import Session
from producers.views import jobs as views
from schemas import events as e
from schemas import keys
from schemas.errors import Code, Invalid, NotFound, SnaplineError
from schemas.events import THE_DEFAULT
from schemas.job import backup, request_uuid
from schemas.messages import summary
from schemas.records import Check, Verified
from schemas.rights import user
from workers.jobs import ledger
from workers.jobs.requests import prefix_of
from workers.ports import Say

A_MONTH = timedelta(days=30)
Answer = e.BackupVerified | e.BackupVerificationFailed


def verify(
    session: Session,
    name: str = "",
    *,
    app: str | None = None,
    depth: e.Depth = "full",
    within: timedelta = A_MONTH,
    destination: str = THE_DEFAULT,
    id: str | None = None,
) -> Requested:
    """Asks for a verification of the backup called `name`; without a name, of the newest good one of `app`, or the
    newest full one. Raises NotFound without a backup of that name, Invalid for one that has not ended, and as the
    bus."""
    if name and app is not None:
        raise Invalid("give the name of a backup, or an application whose newest is meant")
    destination = session.named(destination) if name else session.named_if_known(destination)
    if name:
        must_have_ended(session, name, destination)
    with clear():
        request = e.BackupVerifyRequested(
            backup=name, app=app, depth=depth, within_seconds=within.total_seconds(), destination=destination
        )
    event = ask(session, request, id)
    return Requested(event, backup(name), destination)


@dataclass(frozen=True)
class Trial:
    """How a test restore is made, and what is checked: see `schemas.events.BackupTestRestoreRequested`."""

    namespace: str | None = None
    check_command: Sequence[str] = ()
    check_in: str = ""
    probe: str = ""
    timeout_seconds: float = 0
    open_network: bool = False
    scope: e.Scope = "applications"


def try_restore(
    session: Session,
    name: str = "",
    trial: Trial | None = None,
    *,
    app: str | None = None,
    destination: str = THE_DEFAULT,
    id: str | None = None,
) -> Requested:
    """Asks for a test restore of the backup called `name`, of all its applications or of `app`; without a name, of the
    newest good one that holds `app`, or the newest full one. Raises as `verify`."""
    destination = session.named(destination) if name else session.named_if_known(destination)
    if name:
        must_have_ended(session, name, destination)
    trial = trial or Trial()
    with clear():
        request = e.BackupTestRestoreRequested(
            backup=name,
            scope=trial.scope,
            app=app,
            destination=destination,
            namespace=trial.namespace,
            check_command=list(trial.check_command),
            check_in=trial.check_in,
            probe=trial.probe,
            timeout_seconds=trial.timeout_seconds,
            open_network=trial.open_network,
        )
    return publish(session, request, "restore", prefix_of(request), destination, id)


def must_have_ended(session: Session, name: str, destination: str) -> None:
    """Raises NotFound, or Invalid for a backup that is under way."""
    view = views.backup(session.store(destination), name).view
    if view.status == "Rejected":
        raise NotFound(f"there is no backup {name}: the request for it was rejected", code=Code.NO_SUCH_BACKUP)
    if view.completed_at is None:
        raise Invalid(f"backup {name} is not finished", code=Code.NOT_FINISHED, subject=name)


def verification(
    session: Session,
    requested: Requested,
    clock: Callable[[], float] = time.monotonic,
    patience: float | None = None,
    progress: Say = lambda _what, _done, _total: None,
) -> Answer | None:
    """Waits for the answer to a verification: it is told, or on record. None if `patience` seconds have passed."""
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
    """What is on record; of the newest backup nobody knows its name before the answer."""
    asked = requested.event.data
    if not isinstance(asked, e.BackupVerifyRequested) or not asked.backup:
        return None
    request = request_uuid(user(session.settings), requested.event.source, requested.event.id)
    try:
        verified = ledger.find(session.store(requested.destination), keys.verified(requested.job), Verified)
    except SnaplineError:
        return None  # a producer may have no access to the store
    check = verified.checks.get(asked.depth) if verified else None
    return _told(asked, check, requested.event.id) if check and check.request == request else None


def _told(asked: e.BackupVerifyRequested, check: Check, id: str) -> Answer:
    if not check.problems:
        return e.BackupVerified(backup=asked.backup, destination=asked.destination, request=id, depth=asked.depth)
    return e.BackupVerificationFailed(
        backup=asked.backup,
        destination=asked.destination,
        request=id,
        depth=asked.depth,
        reason=summary(check.problems) or check.problems[0],
        problems=check.problems,
    )
