"""What a restore deletes, whose objects it leaves as they are, and what it creates and fills."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from schemas import events as e
from schemas import keys
from schemas.errors import Code, Invalid
from schemas.job import Job
from schemas.kubernetes import Object
from schemas.messages import Message, prefixed, told
from schemas.records import BackupRecord, RestorePlan, RestoreRequest, Undeploy, VolumeRecord, VolumeRestore
from schemas.velero import LabelSelector
from workers.jobs.applications import registered
from workers.manifests.capture.document import Captured
from workers.manifests.kube.objects import CLAIM, POD, Kind, Name, kind_of, name_of, status_of, title
from workers.manifests.restore.conflicts import conflicts
from workers.manifests.restore.load import belonging_to, nothing_of, owner_of, owners, without_owners
from workers.manifests.restore.registrations import differing
from workers.manifests.restore.sanitise import skip_reason
from workers.manifests.restore.undeploy import Chosen, Concern, to_undeploy
from workers.ports import Cluster


@dataclass(frozen=True)
class Choice:
    """What is deleted; of which owners nothing is, since what is there of them could not be created again; and the
    captured objects that cannot be created as the cluster is, each with the reason: those for which an owner is
    refused, and the others."""

    chosen: Chosen
    refused: dict[str, list[Message]]
    refusing: list[tuple[Object, str]]
    hindered: list[tuple[Object, str]]


def choose(captured: Captured, request: RestoreRequest, backup: BackupRecord, cluster: Cluster) -> Choice:
    """What goes of what is live, for what is `captured` in the scope of the request. On trial nothing does: all is
    created in namespaces that are not there yet. Raises TransientError while the cluster cannot be looked at."""
    if request.test:
        return Choice(Chosen([], {}, [], {}, [], []), {}, [], [])
    chosen = to_undeploy(cluster, _concern(captured, request, backup))
    loses = {ref.owner for ref in chosen.deleted}
    refused: dict[str, list[Message]] = defaultdict(list)
    found = list(conflicts(captured.objects, {ref.uid for ref in chosen.deleted}, cluster))
    refusing = [(obj, why) for obj, why in found if owner_of(captured, obj) in loses]
    for obj, why in refusing:
        refused[owner_of(captured, obj)].append(_refusal(owner_of(captured, obj), obj, why))
    if refused:
        chosen = to_undeploy(cluster, _concern(without_owners(captured, refused), request, backup, refused))
    return Choice(chosen, dict(refused), refusing, [each for each in found if each not in refusing])


def undeploy_of(choice: Choice, was: str) -> Undeploy:
    """What is written down of it; `was` is the key of what is deleted, as it was."""
    chosen, refused = choice.chosen, choice.refused
    kept = chosen.kept_claims.values()
    gone = [f"{ref.title}: deleted, since it came after the backup" for ref in chosen.deleted if ref.why == "newer"]
    stays = [f"{newer}: left alone, though it came after the backup" for newer in chosen.newer]
    return Undeploy(
        objects=chosen.deleted,
        was=was,
        filled=[f"{namespace}/{name}" for namespace, name in map(name_of, filter(is_filled, chosen.objects.values()))],
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


def plan_of(
    job: Job,
    backup: BackupRecord,
    captured: Captured,
    fixed: Undeploy,
    missing: list[Message],
    notes: list[Message],
) -> RestorePlan:
    """What is created and filled: `captured` is what is in scope, without the owners that are refused."""
    whose = {(kind_of(obj), name_of(obj)): owner_of(captured, obj) for obj in captured.objects}
    concerned = {owner_of(captured, obj) for obj in captured.objects} | {ref.owner for ref in fixed.objects}
    return RestorePlan(
        backup=backup.name,
        manifest=backup.manifest or "",
        objects=len(captured.objects),
        volumes=[
            _volume(job, volume, whose) for volume in _volumes(backup, captured.objects) if volume.key not in fixed.kept
        ],
        owners=sorted(concerned, key=lambda owner: (owner != e.SHARED, owner)) or [e.SHARED],
        errors=[*fixed.errors, *missing],
        warnings=[*fixed.warnings, *notes, *(prefixed("the backup lacks something", error) for error in backup.errors)],
    )


def nothing_held(captured: Captured, request: RestoreRequest, backup: BackupRecord) -> Iterator[Message]:
    """A restore that brings nothing back of an application that it is asked for must not look as if it did."""
    if request.scope != "console":
        for slug in nothing_of(captured, (app.slug for app in backup.apps if request.app in (None, app.slug))):
            text = f"application {slug}: the backup holds nothing of it, so nothing of it is restored"
            yield Message(code=Code.NOTHING_SELECTED, text=text, subject=slug)


def registered_otherwise(
    request: RestoreRequest, backup: BackupRecord, held: list[Object], cluster: Cluster, console_namespace: str
) -> list[Message]:
    """Where an application's registration is not that of the backup any more; `held` is all that the backup holds."""
    if request.scope == "console" or request.test:
        return []
    try:
        live = registered(cluster, console_namespace)
    except Invalid as error:
        return [told(error)]
    return list(differing([app for app in backup.apps if request.app in (None, app.slug)], held, live))


def is_filled(obj: Object) -> bool:
    """Whether it is a claim that has a volume."""
    return kind_of(obj) == CLAIM and status_of(obj).get("phase") == "Bound"


def _refusal(owner: str, obj: Object, why: str) -> Message:
    whose = "what is shared" if owner == e.SHARED else owner
    text = f"{whose} is not restored, and nothing of it deleted: {title(obj)} could not be created: {why}"
    return Message(code=Code.CONFLICT, text=text, subject=owner)


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


def _volumes(backup: BackupRecord, objects: list[Object]) -> list[VolumeRecord]:
    """The volumes of the backup that belong to `objects`."""
    held = {(obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"]) for obj in objects}

    def wanted(volume: VolumeRecord) -> bool:
        kind, object_name = ("PersistentVolumeClaim", volume.claim) if volume.claim else ("Pod", volume.pod)
        return (kind, volume.namespace, object_name) in held

    return [volume for volume in backup.volumes if wanted(volume)]


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
