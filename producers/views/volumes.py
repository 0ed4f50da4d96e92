"""The volumes of finished backups, and what people call them."""

from schemas.errors import Code, Invalid, NotFound
from schemas.job import Job, is_name
from schemas.records import BackupRecord, VolumeRecord
from workers.jobs import ledger
from workers.ports import ObjectStore


def backup(store: ObjectStore, name: str) -> BackupRecord:
    """One finished backup. Raises NotFound."""
    if is_name(name) and not ledger.deleted(store, Job("backup", name)):
        found = ledger.finished_backup(store, name)
        if found is not None:
            return found
    raise NotFound(f"there is no finished backup {name!r:.80}", code=Code.NO_SUCH_BACKUP)


def volume_of(record: BackupRecord, name: str) -> VolumeRecord:
    """A volume by its name, or by its claim alone. Raises NotFound, Invalid for a claim of several namespaces."""
    named = [volume for volume in record.volumes if volume.key == name.strip("/")]
    named = named or [volume for volume in record.volumes if volume.claim == name]
    if not named:
        there = ", ".join(sorted({volume.key for volume in record.volumes})) or "it has none"
        raise NotFound(f"backup {record.name} has no volume {name!r:.80}; its volumes: {there}")
    if len({volume.volume_id for volume in named}) > 1:
        raise Invalid(
            f"{name!r:.80} is not one volume of {record.name}: {', '.join(sorted(volume.key for volume in named))}"
        )
    return named[0]


def names(store: ObjectStore) -> dict[str, str]:
    """What to call each volume that a finished backup refers to, by id: `<backup> <volume>`."""
    return {
        volume.volume_id: f"{record.name} {volume.key}"
        for record in ledger.finished_backups(store)
        for volume in record.volumes
    }
