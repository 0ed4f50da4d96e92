"""manifest.capture: reads the selected objects, seals them into the store, plans their hooks and volumes."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import events as e
from schemas import keys
from schemas.application import Application
from schemas.errors import Code
from schemas.job import Job
from schemas.messages import Message
from schemas.records import BackupPlan, BackupRequest
from workers.hooks.plan import plan_hooks
from workers.hooks.sealed import store_plans
from workers.jobs import endings, ledger, progress
from workers.jobs.applications import registered
from workers.jobs.queueing import Queueing, await_turn
from workers.manifests.capture.document import Captured, encode_manifest
from workers.manifests.capture.scope import scope_of, shipped_spec, spec_for
from workers.manifests.capture.select import capture as capture_objects
from workers.manifests.capture.unheeded import not_heeded
from workers.manifests.capture.volume_plan import plan_volumes
from workers.ports import Cluster, Destinations, ObjectStore, Repository

PATIENCE = timedelta(minutes=5)
"""How long a kind that cannot be listed just now holds up a backup; then it is an error of the backup."""


@dataclass(frozen=True)
class CaptureNeeds:
    """What capturing needs."""

    destinations: Destinations
    cluster: Cluster
    console_namespace: str
    queueing: Queueing
    now: Callable[[], datetime]


def capture(event: e.CloudEvent[e.BackupLicensed], needs: CaptureNeeds) -> Iterator[e.Event]:
    """The plan, written once, and a request for each of its pods that is not copied yet."""
    job, destination = event.data.job, event.data.destination
    store = needs.destinations.store(destination)
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    if not ledger.exists(store, keys.plan(job)):
        request = ledger.read(store, keys.request(job), BackupRequest)
        if problem := (yield from await_turn(store, job, request, needs.queueing, needs.now())):
            yield endings.fail(store, job, needs.now(), problem)
            return
        _plan(job, request, store, needs.destinations.repository(destination), needs)
    yield from progress.missing(store, job)


def _plan(job: Job, request: BackupRequest, store: ObjectStore, repository: Repository, needs: CaptureNeeds) -> None:
    everybody = registered(needs.cluster, needs.console_namespace)
    named = {app.slug for app in request.apps}
    apps = [app for app in everybody if app.slug in named]
    others = {app.slug for app in everybody} - named
    captured = capture_objects(
        needs.cluster,
        scope_of(needs.console_namespace, apps, request.app, others),
        patient=needs.now() - request.requested_at <= PATIENCE,
    )
    spec = spec_for(apps, request.app)
    planned = plan_volumes(captured.objects, spec.default_volumes)
    ignored = not_heeded(apps, full=request.app is None)
    hooked = plan_hooks(captured.objects, spec.hooks.resources, planned.pods)
    plain = encode_manifest(captured)
    key = keys.manifest(job, hashlib.sha256(plain).hexdigest())
    store.create(key, repository.seal(plain, key))
    plan = BackupPlan(
        manifest=key,
        objects=len(captured.objects),
        pods=hooked.pods,
        hooks=store_plans(store, repository, job, hooked.hooks),
        selector=spec.label_selector if request.app else None,
        covers=captured.covers,
        errors=[
            *request.left_out,
            *_empty(captured, request, apps),
            *captured.errors,
            *planned.errors,
            *hooked.errors,
        ],
        warnings=[*request.notes, *ignored, *captured.warnings, *planned.warnings, *hooked.warnings],
    )
    ledger.create(store, keys.plan(job), plan)


def _empty(captured: Captured, request: BackupRequest, apps: list[Application]) -> Iterator[Message]:
    """A backup that holds nothing of an application that it names must not look as if it did."""
    registrations = {app.slug: app for app in apps}
    for slug in (app.slug for app in request.apps if app.slug not in captured.contributors):
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
