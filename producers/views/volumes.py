"""The volumes of finished backups, and what people call them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas import keys
from schemas.errors import Code, Damaged, Invalid, NotFound
from schemas.job import backup, is_name
from schemas.messages import Message, told
from schemas.records import BackupRecord, VolumeRecord
from workers.jobs import ledger
from workers.ports import ObjectStore


@dataclass(frozen=True)
class VolumeView:
    """One volume of a backup. `key` is what people call it, `volume_id` what the repository does; sizes are bytes. It
    was read on `node` from `began_at` to `ended_at`; older records do not say."""

    key: str
    namespace: str
    pod: str
    name: str
    claim: str | None
    volume_id: str
    scanned_bytes: int
    changed_bytes: int
    uploaded_bytes: int
    files: int
    node: str = ""
    began_at: datetime | None = None
    ended_at: datetime | None = None


def view(record: VolumeRecord) -> VolumeView:
    """One volume as people see it."""
    return VolumeView(
        key=record.key,
        namespace=record.namespace,
        pod=record.pod,
        name=record.name,
        claim=record.claim,
        volume_id=record.volume_id,
        scanned_bytes=record.scanned_bytes,
        changed_bytes=record.changed_bytes,
        uploaded_bytes=record.uploaded_bytes,
        files=record.files,
        node=record.node,
        began_at=record.began_at,
        ended_at=record.ended_at,
    )


def volumes(store: ObjectStore, name: str) -> list[VolumeView]:
    """The volumes of the finished backup called `name`. Raises NotFound."""
    if is_name(name) and not ledger.deleted(store, backup(name)):
        found = ledger.finished_backup(store, name)
        if found is not None:
            return [view(record) for record in found.volumes]
    raise NotFound(f"there is no finished backup {name!r:.80}", code=Code.NO_SUCH_BACKUP)


def choose(of: Sequence[VolumeView], name: str, backup_name: str) -> VolumeView:
    """A volume by its key, or by its claim alone. Raises NotFound, Invalid for a claim of several namespaces."""
    named = [volume for volume in of if volume.key == name.strip("/")]
    named = named or [volume for volume in of if volume.claim == name]
    if not named:
        there = ", ".join(sorted({volume.key for volume in of})) or "it has none"
        raise NotFound(f"backup {backup_name} has no volume {name!r:.80}; its volumes: {there}")
    if len({volume.volume_id for volume in named}) > 1:
        several = ", ".join(sorted(volume.key for volume in named))
        raise Invalid(f"{name!r:.80} is not one volume of {backup_name}: {several}")
    return named[0]


def names(store: ObjectStore) -> tuple[dict[str, str], list[Message]]:
    """What to call each volume that a finished backup refers to, by id: `<backup> <volume>`; and which backups cannot
    be asked for theirs, and why."""
    called: dict[str, str] = {}
    problems: list[Message] = []
    for found in sorted(store.list(keys.finals_of("backup")), key=lambda found: found.key):
        try:
            record = ledger.find(store, found.key, BackupRecord)
        except Damaged as error:
            problems.append(told(error))
        else:
            called |= {volume.volume_id: f"{record.name} {volume.key}" for volume in record.volumes} if record else {}
    return called, problems
