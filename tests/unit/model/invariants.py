"""What must be true of every job that has ended. Each function says what is wrong, in words; nothing if all is well."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Protocol

from schemas import keys
from schemas.job import Job, snapshot_of
from schemas.kubernetes import Object
from schemas.records import BackupRecord, BackupRequest, RestoreRecord, RestoreRequest, Undeploy
from tests.unit.model.deleting import RUNNING_KINDS, may_delete, protected
from tests.unit.model.emulated import Content, Emulated, Id, Place
from tests.unit.model.essence import essence, unchanged
from tests.unit.model.oracle import CLAIMS, chosen_volumes
from tests.unit.model.watching import Moment, Watching
from workers.jobs import ledger
from workers.ports import ObjectStore

BACK_BY_OTHERS = ("persistentvolumes", "pods", "replicasets.apps", "nodes")
"""Kinds that are not looked at one by one: what matters of them is seen in claims and workloads."""


class Volumes(Protocol):
    """What is in volumes, by their ids."""

    @property
    def volumes(self) -> Mapping[str, Content]: ...


class Ended(Protocol):
    """A line that has come to rest. `parked` are its dead letters."""

    @property
    def plain(self) -> ObjectStore: ...

    @property
    def trees(self) -> Volumes: ...

    @property
    def world(self) -> Emulated: ...

    @property
    def parked(self) -> list[str]: ...

    def running(self) -> list[str]:
        """Unfinished jobs."""
        ...


def wrong_in_backup(record: BackupRecord, watching: Watching, line: Ended) -> Iterator[str]:
    """It holds what is selected, with whose it is; and Completed means that all volumes were read."""
    key = record.manifest
    if key is None or record.status not in ("Completed", "PartiallyFailed"):
        return
    moment, wanted = watching.read[key], watching.selected(record)
    held = watching.held(key)
    if held != wanted:
        more = {id_: owners for id_, owners in held.items() if wanted.get(id_) != owners}
        less = {id_: owners for id_, owners in wanted.items() if held.get(id_) != owners}
        yield f"backup {record.name} holds {more}, and should {less}"
    copied: dict[Place, str] = {}
    for volume in record.volumes:
        place = (volume.namespace, volume.claim or f"{volume.pod}/{volume.name}")
        copied[place] = volume.volume_id
        if line.trees.volumes[volume.volume_id] != moment.contents.get(place):
            yield f"backup {record.name} has {line.trees.volumes[volume.volume_id]} of {place}, not what was there"
    if record.status == "Completed":
        default = _default_volumes(record, watching)
        for (_, namespace, pod), name, claim in chosen_volumes(moment.objects, wanted, default):
            if (namespace, claim or f"{pod}/{name}") not in copied:
                yield f"backup {record.name} is Completed without volume {name} of {namespace}/{pod}"
        for app in record.apps:
            mine = [id_ for id_, owners in wanted.items() if app.slug in owners and id_[0] != "namespaces"]
            if not mine:
                yield f"backup {record.name} is Completed and holds nothing of {app.slug}"


def _default_volumes(record: BackupRecord, watching: Watching) -> bool:
    specs = {app.slug: app.spec for app in watching.read[record.manifest or ""].apps}
    return bool(record.app and specs[record.app].get("defaultVolumesToFsBackup"))


def wrong_in_restore(record: RestoreRecord, watching: Watching, line: Ended) -> Iterator[str]:
    """Completed means that all in its scope is as it was."""
    if record.name not in watching.before or record.name not in watching.after:
        return
    before, after = watching.before[record.name], watching.after[record.name]
    restoring = watching.restoring(record.name)
    deleted = may_delete(before.objects, restoring)
    backup = ledger.finished_backup(line.plain, record.backup)
    assert backup is not None
    was = watching.read[backup.manifest or ""]
    if record.status == "Completed":
        for id_ in sorted(restoring.wanted()):
            yield from _not_back(id_, record, was, before, after, deleted)
        for volume in backup.volumes:
            id_ = (CLAIMS, volume.namespace, volume.claim) if volume.claim else ("pods", volume.namespace, volume.pod)
            place = (volume.namespace, volume.claim or f"{volume.pod}/{volume.name}")
            if id_ not in restoring.wanted() or (id_ in before.objects and _is_kept(id_, before)):
                continue
            if after.contents.get(place) != was.contents[place]:
                yield f"restore {record.name} has {place} with {after.contents.get(place)}, not {was.contents[place]}"


def _is_kept(id_: Id, moment: Moment) -> bool:
    return protected(id_, moment.objects[id_])


def _not_back(
    id_: Id, record: RestoreRecord, was: Moment, before: Moment, after: Moment, deleted: set[Id]
) -> Iterator[str]:
    if id_[0] in BACK_BY_OTHERS:
        return
    if id_ not in after.objects:
        yield f"restore {record.name} is Completed without {id_}"
    elif id_ in deleted or id_ not in before.objects:
        there, wanted = essence(after.objects[id_]), essence(was.objects[id_])
        if there != wanted:
            yield f"restore {record.name} has {id_} as {there}, not as {wanted}"


def not_put_back(record: RestoreRecord, watching: Watching, line: Ended) -> Iterator[str]:
    """Of an owner of whom nothing was created, everything that there was is there, however the restore has ended."""
    job = Job("restore", record.name)
    fixed = ledger.find(line.plain, keys.undeploy(job), Undeploy)
    if fixed is None or record.name not in watching.cleared:
        return
    before, after = watching.before[record.name].objects, watching.cleared[record.name].objects
    for ref in fixed.objects:
        waves = f"{keys.owners(job)}{ref.owner}/waves/"
        id_ = (ref.group_resource, ref.namespace or "", ref.name)
        if id_[0] in BACK_BY_OTHERS or any(line.plain.list(waves)):
            continue
        if id_ not in after:
            yield f"restore {record.name} did not restore {ref.owner}, and did not put back {id_}"
        elif essence(after[id_]) != essence(before[id_]):
            yield f"restore {record.name} did not restore {ref.owner}, and put back {id_} otherwise"


def wrong_around(start: Moment, end: Moment, names: Iterable[str], watching: Watching) -> Iterator[str]:
    """Nothing outside of what the restores may touch has changed."""
    restored = [name for name in names if name in watching.before]
    restoring = {name: watching.restoring(name) for name in restored}
    touched = {id_ for name in restored for id_ in may_delete(watching.before[name].objects, restoring[name])}
    wanted = {id_ for name in restored for id_ in restoring[name].wanted()}
    touched |= {id_ for id_, obj in start.objects.items() if _goes(id_, obj, start)}
    for id_, obj in start.objects.items():
        if id_ in touched:
            continue
        if id_ not in end.objects:
            yield f"{id_} is gone"
        elif end.objects[id_]["metadata"]["uid"] != obj["metadata"]["uid"]:
            yield f"{id_} was replaced"
        elif id_ not in wanted and unchanged(end.objects[id_]) != unchanged(obj):
            yield f"{id_} was changed"
    for place, content in start.contents.items():
        id_ = ("pods", place[0], place[1].split("/")[0]) if "/" in place[1] else (CLAIMS, *place)
        if id_ not in touched and end.contents.get(place) != content:
            yield f"the volume {place} has {end.contents.get(place)}, and had {content}"
    for id_ in end.objects.keys() - start.objects.keys() - wanted - touched:
        if "velero.io/restore-name" in (end.objects[id_]["metadata"].get("labels") or {}):
            yield f"{id_} was made, and nobody asked for it"


def _goes(id_: Id, obj: Object, moment: Moment) -> bool:
    """Whether somebody has deleted it already, and it is held up."""
    if id_[0] == "persistentvolumes" and (claim := obj["spec"].get("claimRef")):
        claimed = moment.objects.get((CLAIMS, claim["namespace"], claim["name"]))
        return claimed is None or "deletionTimestamp" in claimed["metadata"]
    return "deletionTimestamp" in obj["metadata"]


def left_behind(line: Ended) -> Iterator[str]:
    """Of jobs that have ended nothing is left: no marker, no claim, no helper, nothing that waits."""
    yield from (f"{each} is still there" for each in line.running())
    yield from (f"parked: {each}" for each in line.parked)
    for found in line.plain.list("claims/"):
        if "/backups/" in found.key:
            yield f"{found.key} is still there"
    for id_, pod in line.world.objects().items():
        if id_[0] != "pods":
            continue
        if "snapline.dev/restore" in (pod["metadata"].get("labels") or {}):
            yield f"the helper {id_} is still there"
        statuses = (pod.get("status") or {}).get("initContainerStatuses") or []
        if any(each["name"] == "snapline-wait" and "running" in each["state"] for each in statuses):
            yield f"the pod {id_} still waits"


def overlaps(touched: list[Job], line: Ended) -> Iterator[str]:
    """Jobs that exclude each other and were at work at the same time. A safety snapshot is its restore's work."""
    touched = [snapshot_of(job) or job for job in touched]
    spans = {job: (touched.index(job), len(touched) - 1 - touched[::-1].index(job)) for job in touched}
    for one, other in combinations(spans, 2):
        if "restore" not in (one.kind, other.kind) or not _claims(one, line) & _claims(other, line):
            continue
        (a, b), (c, d) = spans[one], spans[other]
        if a < d and c < b:
            yield f"{one} and {other} were at work at the same time"


def _claims(job: Job, line: Ended) -> set[str]:
    model = BackupRequest if job.kind == "backup" else RestoreRequest
    request = ledger.find(line.plain, keys.request(job), model)
    return set(request.claims) if request else set()


def not_back_again(one: Moment, other: Moment, ids: Iterable[Id]) -> Iterator[str]:
    """What of `ids` a rollback has not brought back as it was; and what was in their volumes."""
    for id_ in sorted(ids):
        if id_[0] in BACK_BY_OTHERS or id_ not in one.objects:
            continue
        if id_ not in other.objects:
            yield f"the rollback is without {id_}"
        elif essence(other.objects[id_]) != essence(one.objects[id_]):
            yield f"the rollback has {id_} as {essence(other.objects[id_])}, not {essence(one.objects[id_])}"
        if id_[0] == CLAIMS and other.contents.get(id_[1:]) != one.contents.get(id_[1:]):
            yield f"the rollback has {other.contents.get(id_[1:])} in {id_}, not {one.contents.get(id_[1:])}"


def differences(one: Moment, other: Moment) -> Iterator[str]:
    """What a second restore has made otherwise than the first; names that controllers draw do not count."""
    for id_ in sorted(one.objects.keys() | other.objects.keys()):
        if id_[0] in BACK_BY_OTHERS or id_[0] in RUNNING_KINDS - {"deployments.apps", "statefulsets.apps"}:
            continue
        there = [essence(moment.objects[id_]) if id_ in moment.objects else None for moment in (one, other)]
        if there[0] != there[1]:
            yield f"{id_} is {there[1]}, and was {there[0]}"
    for place in sorted(one.contents.keys() | other.contents.keys()):
        if "/" not in place[1] and one.contents.get(place) != other.contents.get(place):
            yield f"the volume {place} has {other.contents.get(place)}, and had {one.contents.get(place)}"
