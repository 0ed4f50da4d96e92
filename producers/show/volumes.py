"""The volumes of finished backups, and what people call them."""

from collections.abc import Iterator

from schemas import keys
from schemas.errors import Invalid, NotFound
from schemas.records import BackupRecord, VolumeRecord
from workers import ledger
from workers.ports import ObjectStore


def backup(store: ObjectStore, name: str) -> BackupRecord:
    """One finished backup. Raises NotFound."""
    if keys.is_job_name(name) and not ledger.deleted(store, "backups", name):
        found = ledger.finished_backup(store, name)
        if found is not None:
            return found
    raise NotFound(f"there is no finished backup {name!r:.80}; `snapline get backups` lists them")


def name_of(volume: VolumeRecord) -> str:
    """`<namespace>/<claim>`, or `<namespace>/<pod>/<volume>` for one without a claim."""
    return f"{volume.namespace}/{volume.claim or volume.pod + '/' + volume.name}"


def volume_of(record: BackupRecord, name: str) -> VolumeRecord:
    """A volume by its name, or by its claim alone. Raises NotFound, Invalid for a claim of several namespaces."""
    named = [volume for volume in record.volumes if name_of(volume) == name.strip("/")]
    named = named or [volume for volume in record.volumes if volume.claim == name]
    if not named:
        there = ", ".join(sorted({name_of(volume) for volume in record.volumes})) or "it has none"
        raise NotFound(f"backup {record.name} has no volume {name!r:.80}; its volumes: {there}")
    if len({volume.volume for volume in named}) > 1:
        raise Invalid(f"{name!r:.80} is not one volume of {record.name}: {', '.join(sorted(map(name_of, named)))}")
    return named[0]


def names(store: ObjectStore) -> dict[str, str]:
    """What to call each volume that a finished backup refers to, by id: `<backup> <volume>`."""
    return {
        volume.volume: f"{record.name} {name_of(volume)}" for record in _finished(store) for volume in record.volumes
    }


def _finished(store: ObjectStore) -> Iterator[BackupRecord]:
    for found in sorted(store.list("backups/"), key=lambda found: found.key):
        if keys.parse_final(found.key):
            yield ledger.read(store, found.key, BackupRecord)
