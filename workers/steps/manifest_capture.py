"""manifest.capture: reads the selected objects, seals them into the store, plans their hooks and volumes.

A safety snapshot selects what its restore is about to delete, and every claim of it that holds data.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.application import Application
from schemas.errors import Code, Invalid
from schemas.job import Job, backup, snapshot_of
from schemas.messages import Message, prefixed, told
from schemas.records import BackupPlan, BackupRecord, BackupRequest, RestoreRequest, Undeploy
from schemas.velero import BackupSpec, LabelSelector, ResourceHooks
from workers.hooks.plan import plan_hooks
from workers.hooks.sealed import store_plans
from workers.jobs import endings, ledger, progress
from workers.jobs.applications import Seen, as_seen, registered
from workers.jobs.queueing import Queueing, await_turn
from workers.manifests.capture.document import Captured, encode_manifest
from workers.manifests.capture.scope import scope_of, shipped_spec, spec_for
from workers.manifests.capture.select import capture as capture_objects
from workers.manifests.capture.unheeded import not_heeded
from workers.manifests.capture.volume_plan import Planned, plan_volumes
from workers.manifests.capture.watched import unwatched
from workers.manifests.restore.load import load_all
from workers.manifests.restore.mount_volumes import Mounting, hold_claims
from workers.manifests.restore.safety_snapshot import loose_claims, replaced
from workers.ports import Cluster, Destinations, ObjectStore, Repository
from workers.scheduling.turns import same_before

PATIENCE = timedelta(minutes=5)
"""How long after it was asked for, and after its turn has come, a kind that cannot be listed just now holds up a
backup; then it is an error of the backup."""


@dataclass(frozen=True)
class Holding:
    """What holds a claim that no pod mounts while it is copied: a pod with this `image`, which may take `patience` to
    start."""

    image: str
    patience: timedelta


@dataclass(frozen=True)
class CaptureNeeds:
    """What capturing needs."""

    destinations: Destinations
    cluster: Cluster
    console_namespace: str
    queueing: Queueing
    holding: Holding
    now: Callable[[], datetime]


def capture(event: e.CloudEvent[e.BackupLicensed], needs: CaptureNeeds) -> Iterator[e.Event]:
    """The plan, written once, and a request for each of its pods that is not copied yet."""
    job, destination = event.data.job, event.data.destination
    store = needs.destinations.store(destination)
    standing = progress.standing(store, job, needs.now())
    if standing.said is not None:
        yield from standing.said  # first: who dies now tells it when the message comes again, which the broker may lose
        endings.close(store, job)  # a run of this step that was held up may have claimed something since the end
        return
    request = ledger.read(store, keys.request(job), BackupRequest)
    plan = ledger.find(store, keys.plan(job), BackupPlan) if keys.plan(job) in standing.there else None
    if plan is None:
        before = same_before(store, job, request)
        if problem := (yield from await_turn(store, job, request, needs.queueing, needs.now(), before)):
            yield endings.fail(store, job, needs.now(), problem)
            return
        if ledger.exists(store, keys.final(job)) or ledger.deleted(store, job):  # written before claims are released
            yield from progress.settled(store, job, needs.now()) or ()  # with the mark goes who else would tell it
            endings.close(store, job)
            return
        plan = _plan(job, request, store, needs.destinations.repository(destination), needs)
    yield from progress.missing_of_plan(store, job, request, plan)


@dataclass(frozen=True)
class _Taken:
    """What is taken, with the volumes of which pods; and which hooks of a Backup, and `selector`, hold for it."""

    captured: Captured
    volumes: Planned
    hooks: list[ResourceHooks]
    selector: LabelSelector | None
    errors: list[Message]
    warnings: list[Message]


def _plan(
    job: Job, request: BackupRequest, store: ObjectStore, repository: Repository, needs: CaptureNeeds
) -> BackupPlan:
    """The plan that is now written, this one or an earlier one."""
    restore = snapshot_of(job)
    taken = _before(restore, request, store, repository, needs) if restore else _selected(job, request, store, needs)
    captured, volumes = taken.captured, taken.volumes
    hooked = plan_hooks(captured.objects, taken.hooks, volumes.pods)
    plain = encode_manifest(captured)
    key = keys.manifest(job, hashlib.sha256(plain).hexdigest())
    store.create(key, repository.seal(plain, key))
    plan = BackupPlan(
        manifest=key,
        objects=len(captured.objects),
        pods=hooked.pods,
        hooks=store_plans(store, repository, job, hooked.hooks),
        selector=taken.selector,
        covers=captured.covers,
        errors=[*request.left_out, *taken.errors, *captured.errors, *volumes.errors, *hooked.errors],
        warnings=[*request.notes, *taken.warnings, *captured.warnings, *volumes.warnings, *hooked.warnings],
    )
    return ledger.create(store, keys.plan(job), plan)


def _is_patient(job: Job, request: BackupRequest, store: ObjectStore, needs: CaptureNeeds) -> bool:
    """Whether it may be worth waiting. What a backup has waited in line, or for a store, is not held against it."""
    now = needs.now()
    if now - request.requested_at <= PATIENCE:
        return True
    return any(now - found.modified <= PATIENCE for found in store.list(keys.turn(job)))


def _selected(job: Job, request: BackupRequest, store: ObjectStore, needs: CaptureNeeds) -> _Taken:
    everybody = registered(needs.cluster, needs.console_namespace)
    seen = as_seen(everybody, request)
    if request.app and seen.changed:
        raise Invalid(str(seen.changed[0]), code=Code.REGISTRATION_CHANGED, subject=request.app)
    apps = seen.apps
    others = {app.slug for app in everybody} - {app.slug for app in apps}
    captured = capture_objects(
        needs.cluster,
        scope_of(needs.console_namespace, apps, request.app, others),
        patient=_is_patient(job, request, store, needs),
    )
    spec = spec_for(apps, request.app)
    return _Taken(
        captured,
        plan_volumes(captured.objects, spec.default_volumes, unwatched=unwatched(captured, apps)),
        hooks=spec.hooks.resources,
        selector=spec.label_selector if request.app else None,
        errors=[*seen.changed, *_empty(captured, request, seen)],
        warnings=[*seen.newer, *not_heeded(apps, full=request.app is None)],
    )


def _before(
    restore: Job, request: BackupRequest, store: ObjectStore, repository: Repository, needs: CaptureNeeds
) -> _Taken:
    """Raises NotYet while claims that no pod mounts are being mounted."""
    fixed = ledger.read(store, keys.undeploy(restore), Undeploy)
    source = ledger.read(store, keys.request(restore), RestoreRequest).backup
    record = ledger.read(store, keys.final(backup(source)), BackupRecord)
    captured = replaced(load_all(store, repository, fixed.was), needs.cluster)
    owners = {owner for said in captured.owners.values() for owner in said}
    captured = dataclasses.replace(captured, covers=[cover for cover in record.covers if cover.owner in owners])
    spec, doubts = _still_shipped(request, needs)
    job, holding = backup(request.name), needs.holding
    mounting = Mounting(job, request.destination, store, needs.cluster, holding.image, holding.patience, needs.now)
    helpers = hold_claims(loose_claims(captured, fixed.filled), mounting)
    claims = {(namespace, name) for namespace, _, name in (filled.partition("/") for filled in fixed.filled)}
    volumes = plan_volumes([*captured.objects, *helpers], spec.default_volumes, claims)
    return _Taken(captured, volumes, spec.hooks.resources, record.selector, errors=[], warnings=doubts)


def _still_shipped(request: BackupRequest, needs: CaptureNeeds) -> tuple[BackupSpec, list[Message]]:
    """The Backup that holds today; an application that is registered no more still has its pods' annotations."""
    named = {app.slug for app in request.apps}
    try:
        apps = [app for app in registered(needs.cluster, needs.console_namespace) if app.slug in named]
        return spec_for(apps, request.app), []
    except Invalid as error:
        return BackupSpec(), [prefixed("no Backup resource is heeded", told(error))]


def _empty(captured: Captured, request: BackupRequest, seen: Seen) -> Iterator[Message]:
    """A backup that holds nothing of an application that it names must not look as if it did."""
    registrations = {app.slug: app for app in seen.apps}
    said = captured.contributors | {message.subject for message in seen.changed}
    for slug in (app.slug for app in request.apps if app.slug not in said):
        yield _nothing_of(slug, registrations.get(slug))


def _nothing_of(slug: str, app: Application | None) -> Message:
    """Why the backup may hold nothing of the application."""
    nothing = f"application {slug}: nothing of it is in the backup"
    if app is None:
        text = f"{nothing}, since it is registered no more"
    elif shipped_spec(app) is None:
        text = f"{nothing}, since it ships no Backup resource, and nothing beside the others carries its label"
        return Message(code=Code.NO_BACKUP_RESOURCE, text=text, subject=slug)
    else:
        text = f"{nothing}; look at its labels, its namespaces and its Backup resource"
    return Message(code=Code.NOTHING_SELECTED, text=text, subject=slug)
