"""license.gate: may this be done, and what is the job called? One request makes one job, or is refused once, however
often it comes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from schemas import application, license
from schemas import events as e
from schemas import job as jobs
from schemas.application import Application
from schemas.errors import Code, Invalid, PermanentError
from schemas.messages import Message, told
from schemas.records import (
    AppRef,
    BackupRejection,
    BackupRequest,
    Rejection,
    Request,
    RestoreRejection,
    RestoreRequest,
)
from workers.jobs import claims, endings, ledger, progress, rejections, requests, restorable
from workers.jobs.applications import concerned, registered
from workers.jobs.requests import Asking
from workers.manifests.capture.scope import scope_of, shipped_spec
from workers.ports import Cluster, Destinations
from workers.retention import expiry, rules
from workers.scheduling import runs
from workers.verification import asked_for

A = TypeVar("A", e.BackupRequested, e.RestoreAsked)


@dataclass(frozen=True)
class GateNeeds:
    """What the gate needs to know."""

    destinations: Destinations
    cluster: Cluster
    console_namespace: str
    trusted_keys: Mapping[str, bytes]
    now: Callable[[], datetime]
    schedules: Callable[[str], bool] = lambda _: False
    """Whether that sender is a scheduler, and may say which run is due."""


def backup_requested(event: e.CloudEvent[e.BackupRequested], sender: str, needs: GateNeeds) -> Iterator[e.Event]:
    """A job for the request, or the reasons why there is none."""
    event = requests.named(event, sender, needs.destinations)
    asked, asking = event.data, _look_up(event, sender, needs)
    if (answer := _answered(asking, needs)) is not None:
        yield from answer
        return
    if (refusal := _not_due(asking, needs)) is not None:
        yield from _reject_backup(event, sender, [refusal], needs)
        return
    try:
        apps = concerned(registered(needs.cluster, needs.console_namespace), asked.app)
        admitted = _admitted(apps, needs)
        scope_of(needs.console_namespace, admitted.apps or apps, asked.app)  # raises Invalid for what cannot be done
    except Invalid as error:
        yield from _reject_backup(event, sender, [told(error)], needs)
        return
    if apps and not admitted.apps:
        yield from _reject_backup(event, sender, [*admitted.left_out, *admitted.notes], needs)
        return
    now, kept = needs.now(), _kept_for(asked, admitted.apps, needs)
    record = BackupRequest(
        name=asking.job.name,
        request=asking.request,
        event_id=event.id,
        sender=sender,
        requested_at=now,
        destination=asked.destination,
        app=asked.app,
        schedule=asked.schedule,
        due=asked.due.at if asked.due else None,
        apps=[_ref(app) for app in admitted.apps],
        left_out=admitted.left_out,
        ttl=kept.ttl,
        expires_at=expiry.expires_at(kept.ttl, now),
        copy_to=asked.copy_to,
        notes=[*admitted.notes, *kept.notes],
        claims=claims.of_backup(asked.app, [app.slug for app in admitted.apps]),
    )
    if requests.begin(asking, record):
        yield from _first_step(asking, record, needs)
    else:
        yield from backup_requested(event, sender, needs)  # another request has just taken the name


def restore_requested(event: e.CloudEvent[e.RestoreAsked], sender: str, needs: GateNeeds) -> Iterator[e.Event]:
    """A job for the request, or the reasons why there is none. Licenses are noted, never a reason."""
    event = requests.named(event, sender, needs.destinations)
    asked, asking = event.data, _look_up(event, sender, needs)
    if isinstance(asked, e.BackupTestRestoreRequested) and needs.schedules(sender):
        runs.note(asking.store, asked, asking.request, asking.job.name, needs.now())
    if (answer := _answered(asking, needs)) is not None:
        yield from answer
        return
    try:
        backup = restorable.usable(asking.store, asked_for.backup_of(asking.store, asked))
        scope, app = restorable.scope_of(asked, backup)
    except Invalid as error:
        yield from _reject_restore(event, sender, [told(error)], needs)
        return
    record = RestoreRequest(
        name=asking.job.name,
        request=asking.request,
        event_id=event.id,
        sender=sender,
        requested_at=needs.now(),
        destination=asked.destination,
        notes=_notes(needs, app),
        backup=backup.name,
        scope=scope,
        app=app,
        **asked_for.wishes(asked, asking.job),
        claims=asked_for.claims_of(asked, scope, app, backup),
    )
    if requests.begin(asking, record):
        yield from _first_step(asking, record, needs)
    else:
        yield from restore_requested(event, sender, needs)


def _not_due(asking: Asking[e.BackupRequested], needs: GateNeeds) -> Message | None:
    """Why a scheduled run does not take place, if it does not. From here on it is on record."""
    asked = asking.event.data
    if asked.due is None:
        return None
    if asked.schedule is None or not needs.schedules(asking.sender):
        text = f"user {asking.sender!r:.300} may not say which run of a schedule is due; only schedulers may"
        return Message(code=Code.SENDER_NOT_ALLOWED, text=text, subject=asking.sender)
    run = runs.enter(asking.store, asked, asked.due, asking.request, asking.job, needs.now())
    return run.refused if run.request == asking.request else runs.taken(run)


def refuse_backup(
    event: e.CloudEvent[e.BackupRequested], sender: str, reason: Message, needs: GateNeeds
) -> Iterator[e.Event]:
    """The answer to a request that could not be looked into. Without a store that takes it, there is no record."""
    try:
        event = requests.named(event, sender, needs.destinations)
        yield from list(_reject_backup(event, sender, [reason], needs))
    except PermanentError:
        yield _refused(event, sender, reason)


def refuse_restore(
    event: e.CloudEvent[e.RestoreAsked], sender: str, reason: Message, needs: GateNeeds
) -> Iterator[e.Event]:
    """As `refuse_backup`."""
    try:
        event = requests.named(event, sender, needs.destinations)
        yield from list(_reject_restore(event, sender, [reason], needs))
    except PermanentError:
        yield _refused(event, sender, reason)


def _reject_backup(
    event: e.CloudEvent[e.BackupRequested], sender: str, reasons: list[Message], needs: GateNeeds
) -> Iterator[e.Event]:
    asked, asking = event.data, _look_up(event, sender, needs)
    rejection = BackupRejection(
        name=asking.job.name,
        request=asking.request,
        event_id=event.id,
        sender=sender,
        rejected_at=needs.now(),
        destination=asked.destination,
        app=asked.app,
        schedule=asked.schedule,
        reasons=reasons,
    )
    yield from _reject(asking, rejection, needs)


def _reject_restore(
    event: e.CloudEvent[e.RestoreAsked], sender: str, reasons: list[Message], needs: GateNeeds
) -> Iterator[e.Event]:
    asked, asking = event.data, _look_up(event, sender, needs)
    rejection = RestoreRejection(
        name=asking.job.name,
        request=asking.request,
        event_id=event.id,
        sender=sender,
        rejected_at=needs.now(),
        destination=asked.destination,
        backup=asked.backup,
        scope=asked.scope,
        app=asked.app,
        **asked_for.refused(asked),
        reasons=reasons,
    )
    yield from _reject(asking, rejection, needs)


def _look_up(event: e.CloudEvent[A], sender: str, needs: GateNeeds) -> Asking[A]:
    return requests.look_up(needs.destinations.store(event.data.destination), event, sender)


def _reject(asking: Asking[A], rejection: Rejection, needs: GateNeeds) -> Iterator[e.Event]:
    """Records, then tells it. Another run, which came to another answer, may have made the job meanwhile: each writes
    before it looks, so one of them sees the other (see `_first_step`)."""
    if other := requests.differs(asking):
        yield _refused(asking.event, asking.sender, other)
        return
    standing = rejections.create(asking.store, asking.job, rejection)
    if asking.is_made():
        rejections.withdraw(asking.store, asking.job, rejection.request)
        yield from _known(asking, needs)
    else:
        yield rejections.told(standing)


def _refused(event: e.CloudEvent[A], sender: str, reason: Message) -> e.BackupRejected | e.RestoreRejected:
    """What is told of a refusal that is not on record: with its data as a part of what it is told apart by."""
    asked = event.data
    request = jobs.request_uuid(sender, event.source, event.id)
    identified = jobs.derived_uuid(request, asked.model_dump_json())
    if isinstance(asked, e.BackupRequested):
        return e.BackupRejected(request=event.id, identified=identified, app=asked.app, reasons=[reason])
    return e.RestoreRejected(request=event.id, identified=identified, backup=asked.backup, reasons=[reason])


def _first_step(asking: Asking[A], record: Request, needs: GateNeeds) -> Iterator[e.Event]:
    """What leads to the first step of a new job, which `record` has made. Where another run has just refused the
    request, the job ends before it has begun: nothing is done for a request that was told it is refused."""
    store, job = asking.store, asking.job
    if (refused := rejections.find(store, job, asking.request)) is None:
        yield from progress.missing(store, job, record)
        return
    yield _ended_by(refused, asking, needs)


def _ended_by(refused: Rejection, asking: Asking[A], needs: GateNeeds) -> e.Event:
    return endings.fail(asking.store, asking.job, needs.now(), rejections.reason(refused))


def _answered(asking: Asking[A], needs: GateNeeds) -> Iterable[e.Event] | None:
    """What a repeated request is told; None for one that has had no answer yet."""
    if other := requests.differs(asking):
        return [_refused(asking.event, asking.sender, other)]
    refused = rejections.find(asking.store, asking.job, asking.request)
    if asking.was_made:
        return _answered_twice(asking, refused, needs) if refused else _known(asking, needs)
    return [rejections.told(refused)] if refused else None


def _answered_twice(asking: Asking[A], refused: Rejection, needs: GateNeeds) -> Iterable[e.Event]:
    """Of two runs that came to two answers, one died before it looked whether there is another. A job that has begun
    counts: nobody was told of the refusal."""
    if rejections.of_unbegun(asking.store, asking.job):
        return [_ended_by(refused, asking, needs)]
    rejections.withdraw(asking.store, asking.job, asking.request)
    return _known(asking, needs)


def _known(asking: Asking[A], needs: GateNeeds) -> Iterator[e.Event]:
    """What a repeated request is told of its job: how it ended, or the next step again."""
    store, job = asking.store, asking.job
    if job.kind == "backup" and ledger.deleted(store, job):
        text = f"this request made the backup {job.name}, which was deleted; a new backup needs a new event id"
        yield _refused(asking.event, asking.sender, Message(code=Code.BACKUP_DELETED, text=text, subject=job.name))
        return
    said = progress.settled(store, job, needs.now())
    yield from progress.missing(store, job) if said is None else said


@dataclass(frozen=True)
class _Admitted:
    """Who may be in a backup. `left_out` says why others may not; `notes` is of those that bring nothing of their own
    to a backup anyway."""

    apps: list[Application]
    left_out: list[Message]
    notes: list[Message]


def _admitted(apps: list[Application], needs: GateNeeds) -> _Admitted:
    """One application's license, or its broken Backup, is no reason to leave the others without a backup."""
    admitted = _Admitted([], [], [])
    for app in apps:
        refusal, ships = _refusal(app, needs), True
        try:
            ships = shipped_spec(app) is not None
        except Invalid as error:
            refusal = refusal or told(error).model_copy(update={"subject": app.slug})
        if refusal is None:
            admitted.apps.append(app)
        else:
            (admitted.left_out if ships else admitted.notes).append(refusal)
    return admitted


def _kept_for(asked: e.BackupRequested, apps: list[Application], needs: GateNeeds) -> expiry.Kept:
    """How long the backup is kept: as the request says, else retention, else the Backup of a single application."""
    ruled = expiry.by_rules(asked, rules.read(needs.cluster, needs.console_namespace)) if asked.ttl is None else None
    specs = [(app.slug, shipped_spec(app)) for app in apps if app.slug == asked.app]
    shipped = next(((slug, spec.ttl) for slug, spec in specs if spec is not None), None)
    return expiry.kept(asked.ttl, ruled, shipped)


def _ref(app: Application) -> AppRef:
    return AppRef(
        slug=app.slug, name=app.name, version=app.version, sequence=app.sequence, digest=application.digest(app)
    )


def _refusal(app: Application, needs: GateNeeds) -> Message | None:
    """Why the application's license does not allow backups, if it does not."""
    verdict = license.verdict(app.license, needs.trusted_keys, needs.now(), app.slug)
    if verdict.allowed:
        return None
    text = f"application {app.slug}: {verdict.reason} ({verdict.code})"
    return Message(code=Code.LICENSE_REFUSED, text=text, subject=app.slug)


def _notes(needs: GateNeeds, slug: str | None) -> list[Message]:
    """What licenses say today. An application that is gone, or cannot be read, is no reason not to restore it."""
    try:
        apps = [app for app in registered(needs.cluster, needs.console_namespace) if slug in (None, app.slug)]
    except Invalid as error:
        return [told(error)]
    return [
        refusal.model_copy(update={"text": f"{refusal.text}; it is restored all the same"})
        for app in apps
        if (refusal := _refusal(app, needs))
    ]
