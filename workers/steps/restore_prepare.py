"""restore.prepare: decides what a restore deletes, creates and fills, and writes it down before anything is touched.

What it deletes is backed up first: `restore.prepare` makes that backup, the safety snapshot, and goes on when it ends.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas import events as e
from schemas import job as jobs
from schemas import keys
from schemas.errors import Code, Invalid, NotYet
from schemas.job import Job
from schemas.kubernetes import Object
from schemas.messages import Message, prefixed, summary, told
from schemas.records import BackupRecord, RestorePlan, RestoreRequest, Undeploy, VolumeRecord, VolumeRestore
from schemas.velero import LabelSelector
from workers.jobs import endings, ledger, progress, safety_snapshots
from workers.jobs.applications import registered
from workers.jobs.queueing import Queueing, await_turn
from workers.manifests.capture.document import Captured, encode_manifest
from workers.manifests.kube.objects import CLAIM, POD, Kind, Name, kind_of, name_of, status_of, title
from workers.manifests.restore.conflicts import conflicts
from workers.manifests.restore.load import (
    belonging_to,
    in_scope,
    load_all,
    mapping,
    nothing_of,
    owner_of,
    owners,
    owners_but,
    without_owners,
)
from workers.manifests.restore.mapping import scratch, volumes_moved
from workers.manifests.restore.registrations import differing
from workers.manifests.restore.sanitise import skip_reason
from workers.manifests.restore.undeploy import Chosen, Concern, to_undeploy
from workers.ports import Cluster, Destinations, ObjectStore, Repository


@dataclass(frozen=True)
class PrepareNeeds:
    """What preparing needs."""

    destinations: Destinations
    cluster: Cluster
    console_namespace: str
    queueing: Queueing
    now: Callable[[], datetime]


def prepare(event: e.CloudEvent[e.RestoreLicensed], needs: PrepareNeeds) -> Iterator[e.Event]:
    """The plan, written once, before anything is deleted. Raises NotYet until it is the restore's turn."""
    job, store = event.data.job, needs.destinations.store(event.data.destination)
    if (said := progress.settled(store, job, needs.now())) is not None:
        yield from said
        return
    if not ledger.exists(store, keys.plan(job)):
        request = ledger.read(store, keys.request(job), RestoreRequest)
        problem = (yield from await_turn(store, job, request, needs.queueing, needs.now())) or _prepare(
            job, request, store, needs
        )
        if problem:
            yield endings.fail(store, job, needs.now(), problem)
            return
    yield from progress.missing(store, job)


def _prepare(job: Job, request: RestoreRequest, store: ObjectStore, needs: PrepareNeeds) -> Message | None:
    """Writes the list of what goes, then the plan. Returns why it cannot be done, if it cannot."""
    backup = ledger.finished_backup(store, request.backup)
    if backup is None or backup.manifest is None:
        return Message(code=Code.BACKUP_UNUSABLE, text=f"backup {request.backup} is gone", subject=request.backup)
    if ledger.deleted(store, jobs.backup(request.backup)):
        # Its deletion has begun. Whether it goes on is decided when it looks for restores that need it.
        raise NotYet(f"backup {request.backup} is being deleted")
    repository = needs.destinations.repository(request.destination)
    held = load_all(store, repository, backup.manifest)
    captured, moved = in_scope(held, request), mapping(held, request)
    backup = backup.model_copy(update={"volumes": volumes_moved(backup.volumes, moved)})
    if request.test and (problem := scratch.taken(captured.objects, job.name, needs.cluster)):
        return problem
    fixed = ledger.find(store, keys.undeploy(job), Undeploy)
    if fixed is None:
        chosen, refused = _choose(captured, request, backup, needs.cluster)
        if refused and not owners_but(captured, refused) - {e.SHARED}:
            return summary([message for messages in refused.values() for message in messages])
        was = _keep(chosen, job, store, repository)
        fixed = ledger.create(store, keys.undeploy(job), _undeploy(chosen, was, refused))
    missing = list(_nothing_held(captured, request, backup))
    captured = without_owners(captured, fixed.refused)
    notes = _registered_otherwise(request, backup, held.objects, needs)
    plan = _plan(job, backup, captured, fixed, missing, notes)
    if request.safety_snapshot and fixed.objects:
        snapshot = safety_snapshots.begin(store, job, request, backup, plan.owners, needs.now())
        plan = plan.model_copy(update={"snapshot": snapshot.name})
    ledger.create(store, keys.plan(job), plan)
    return None


def go_on(event: e.CloudEvent[e.BackupFinal], needs: PrepareNeeds) -> Iterator[e.Event]:
    """When a backup has ended that was a restore's safety snapshot: the restore's next steps."""
    restore = jobs.snapshot_of(event.data.job)
    store = needs.destinations.store(event.data.destination)
    if restore is None or not ledger.exists(store, keys.request(restore)):
        return
    said = progress.settled(store, restore, needs.now())
    yield from progress.missing(store, restore) if said is None else said


def _choose(
    captured: Captured, request: RestoreRequest, backup: BackupRecord, cluster: Cluster
) -> tuple[Chosen, dict[str, list[Message]]]:
    """What is deleted; and of which owners nothing is, since what is there of them could not be created again. On trial
    nothing is: all goes into namespaces that are not there yet."""
    if request.test:
        return Chosen([], {}, [], {}, [], []), {}
    chosen = to_undeploy(cluster, _concern(captured, request, backup))
    loses = {ref.owner for ref in chosen.deleted}
    refused: dict[str, list[Message]] = defaultdict(list)
    for obj, why in conflicts(captured.objects, {ref.uid for ref in chosen.deleted}, cluster):
        if (owner := owner_of(captured, obj)) in loses:
            whose = "what is shared" if owner == e.SHARED else owner
            text = f"{whose} is not restored, and nothing of it deleted: {title(obj)} could not be created: {why}"
            refused[owner].append(Message(code=Code.CONFLICT, text=text, subject=owner))
    if refused:
        chosen = to_undeploy(cluster, _concern(without_owners(captured, refused), request, backup, refused))
    return chosen, dict(refused)


def _keep(chosen: Chosen, job: Job, store: ObjectStore, repository: Repository) -> str:
    """Keeps what will be deleted, as it is: sealed, since there are Secrets among it. Returns the key."""
    was = Captured(list(chosen.objects.values()), {ref.uid: [ref.owner] for ref in chosen.deleted})
    plain = encode_manifest(was)
    key = keys.replaced(job, hashlib.sha256(plain).hexdigest())
    store.create(key, repository.seal(plain, key))
    return key


def _nothing_held(captured: Captured, request: RestoreRequest, backup: BackupRecord) -> Iterator[Message]:
    """A restore that brings nothing back of an application that it is asked for must not look as if it did."""
    if request.scope != "console":
        for slug in nothing_of(captured, (app.slug for app in backup.apps if request.app in (None, app.slug))):
            text = f"application {slug}: the backup holds nothing of it, so nothing of it is restored"
            yield Message(code=Code.NOTHING_SELECTED, text=text, subject=slug)


def _registered_otherwise(
    request: RestoreRequest, backup: BackupRecord, held: list[Object], needs: PrepareNeeds
) -> list[Message]:
    """Where an application's registration is not that of the backup any more."""
    if request.scope == "console" or request.test:
        return []
    try:
        live = registered(needs.cluster, needs.console_namespace)
    except Invalid as error:
        return [told(error)]
    return list(differing([app for app in backup.apps if request.app in (None, app.slug)], held, live))


def _volumes(backup: BackupRecord, objects: list[Object]) -> list[VolumeRecord]:
    """The volumes of the backup that belong to `objects`."""
    held = {(obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"]) for obj in objects}

    def wanted(volume: VolumeRecord) -> bool:
        kind, object_name = ("PersistentVolumeClaim", volume.claim) if volume.claim else ("Pod", volume.pod)
        return (kind, volume.namespace, object_name) in held

    return [volume for volume in backup.volumes if wanted(volume)]


def _concern(
    captured: Captured, request: RestoreRequest, backup: BackupRecord, refused: Collection[str] = ()
) -> Concern:
    concerned = owners(captured, request) - set(refused)
    volumes, elsewhere = _volumes(backup, captured.objects), bool(request.namespace_mapping)
    returning = [obj for obj in belonging_to(captured, concerned) if not skip_reason(obj)]
    return Concern(
        # Elsewhere, what is cluster-wide belongs to what stays where it was; and nothing is newer than the backup.
        returning=[obj for obj in returning if name_of(obj)[0]] if elsewhere else returning,
        owners=concerned,
        named={(kind_of(obj), name_of(obj)): owner_of(captured, obj) for obj in captured.objects},
        refilled={(volume.namespace, volume.claim) for volume in volumes if volume.claim},
        since=backup.requested_at,
        covers=[] if elsewhere else backup.covers,
        selector=backup.selector or LabelSelector(),
        keep_newer=request.keep_newer,
    )


def _undeploy(chosen: Chosen, was: str, refused: Mapping[str, list[Message]]) -> Undeploy:
    kept = chosen.kept_claims.values()
    gone = [f"{ref.title}: deleted, since it came after the backup" for ref in chosen.deleted if ref.why == "newer"]
    stays = [f"{newer}: left alone, though it came after the backup" for newer in chosen.newer]
    return Undeploy(
        objects=chosen.deleted,
        was=was,
        filled=[f"{namespace}/{name}" for namespace, name in map(name_of, filter(_is_filled, chosen.objects.values()))],
        released=chosen.released,
        kept=[message.subject for message in kept],
        refused=sorted(refused),
        errors=[
            *(message for messages in refused.values() for message in messages),
            *(message for message in kept if message.code != Code.LEFT_ALONE),
        ],
        warnings=[
            *(message for message in kept if message.code == Code.LEFT_ALONE),
            *(Message(code=Code.NEWER, text=text) for text in (*gone, *stays)),
            *(
                Message(code=Code.NOT_DELETED, text=f"{kind} could not be read: none is replaced")
                for kind in chosen.unread
            ),
        ],
    )


def _is_filled(obj: Object) -> bool:
    """Whether it is a claim that has a volume."""
    return kind_of(obj) == CLAIM and status_of(obj).get("phase") == "Bound"


def _plan(
    job: Job,
    backup: BackupRecord,
    captured: Captured,
    fixed: Undeploy,
    missing: list[Message],
    notes: list[Message],
) -> RestorePlan:
    whose = {(kind_of(obj), name_of(obj)): owner_of(captured, obj) for obj in captured.objects}
    owners = {owner_of(captured, obj) for obj in captured.objects} | {ref.owner for ref in fixed.objects}
    return RestorePlan(
        backup=backup.name,
        manifest=backup.manifest or "",
        objects=len(captured.objects),
        volumes=[
            _volume(job, volume, whose) for volume in _volumes(backup, captured.objects) if volume.key not in fixed.kept
        ],
        owners=sorted(owners, key=lambda owner: (owner != e.SHARED, owner)) or [e.SHARED],
        errors=[*fixed.errors, *missing],
        warnings=[*fixed.warnings, *notes, *(prefixed("the backup lacks something", error) for error in backup.errors)],
    )


def _volume(job: Job, volume: VolumeRecord, whose: Mapping[tuple[Kind, Name], str]) -> VolumeRestore:
    held_by = (CLAIM, volume.claim) if volume.claim else (POD, volume.pod)
    return VolumeRestore(
        kind=volume.kind,
        namespace=volume.namespace,
        pod=volume.pod,
        name=volume.name,
        claim=volume.claim,
        helper=keys.helper_pod(job, f"{volume.namespace}/{volume.pod}"),
        volume_id=volume.volume_id,
        bytes=volume.scanned_bytes,
        owner=whose[held_by[0], (volume.namespace, held_by[1])],
    )
