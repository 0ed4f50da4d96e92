"""manifest.capture: reads the selected objects, seals them into the store, plans their hooks and volumes."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas import events as e
from schemas import keys
from schemas.errors import Code
from schemas.job import Job
from schemas.messages import Message
from schemas.records import BackupPlan, BackupRequest
from workers.hooks.plan import plan_hooks
from workers.hooks.sealed import store_plans
from workers.jobs import ledger, progress
from workers.jobs.applications import concerned, registered
from workers.manifests.capture.document import Captured, encode_manifest
from workers.manifests.capture.scope import scope_of, spec_for
from workers.manifests.capture.select import capture as capture_objects
from workers.manifests.capture.volume_plan import plan_volumes
from workers.ports import Cluster, Destinations, ObjectStore, Repository


@dataclass(frozen=True)
class CaptureNeeds:
    """What capturing needs."""

    destinations: Destinations
    cluster: Cluster
    console_namespace: str
    now: Callable[[], datetime]


def capture(event: e.CloudEvent[e.BackupLicensed], needs: CaptureNeeds) -> Iterator[e.Event]:
    """The plan, written once, and a request for each of its pods that is not copied yet."""
    job, destination = event.data.job, event.data.destination
    store = needs.destinations.store(destination)
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    if not ledger.exists(store, keys.plan(job)):
        _plan(job, store, needs.destinations.repository(destination), needs)
    yield from progress.missing(store, job)


def _plan(job: Job, store: ObjectStore, repository: Repository, needs: CaptureNeeds) -> None:
    request = ledger.read(store, keys.request(job), BackupRequest)
    apps = concerned(registered(needs.cluster, needs.console_namespace), request.app)
    captured = capture_objects(needs.cluster, scope_of(needs.console_namespace, apps, request.app))
    spec = spec_for(apps, request.app)
    planned = plan_volumes(captured.objects, spec.default_volumes)
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
        errors=[*captured.errors, *planned.errors, *hooked.errors],
        warnings=[
            *captured.warnings,
            *planned.warnings,
            *hooked.warnings,
            *_empty(captured, [app.slug for app in apps]),
        ],
    )
    ledger.create(store, keys.plan(job), plan)


def _empty(captured: Captured, slugs: list[str]) -> Iterator[Message]:
    """A backup that holds nothing of an application must not look as if it did."""
    held = {owner for owners in captured.owners.values() for owner in owners}
    for slug in slugs:
        if slug not in held:
            text = f"application {slug}: no object was selected; look at its labels and its Backup resource"
            yield Message(code=Code.NOTHING_SELECTED, text=text, subject=slug)
