"""Whether a backup may be deleted, asked of all who might object, once its tombstone stands."""

from collections.abc import Callable, Iterable

from schemas import keys
from schemas.errors import Code
from schemas.job import Job
from schemas.messages import Message
from schemas.records import BackupRecord, Tombstone
from workers.jobs import ledger
from workers.ports import ObjectStore
from workers.retention import holds, last_good
from workers.retention.choose import Candidate
from workers.retention.users import restore_using, users


def bury(store: ObjectStore, job: Job, expired: bool, backups: Callable[[], Iterable[Candidate]]) -> Message | None:
    """Writes the tombstone; takes it away again, and says why, if the backup is held or a restore uses it. One that
    has `expired` goes neither while it is read back, nor if it is the last good one among all `backups`. Looks again
    if another run has taken the tombstone away meanwhile: a restore may have begun since."""
    while (record := ledger.find(store, keys.final(job), BackupRecord)) is not None:
        volumes = [volume.volume_id for volume in record.volumes]
        ledger.put(store, keys.deleted(job), Tombstone(volume_ids=volumes))
        reason = holds.refusal(store, job) or _in_use(store, job, expired)
        if reason is None and expired:
            reason = last_good.refusal(store, job, backups())
        if reason is None and ledger.deleted(store, job):
            return None
        if reason is not None and ledger.exists(store, keys.final(job)):
            store.delete(keys.deleted(job))
            return reason
    return None  # the record has gone: another deletion of the backup has come further


def _in_use(store: ObjectStore, job: Job, expired: bool) -> Message | None:
    name = job.name
    if restore := restore_using(store, name):
        return Message(code=Code.BACKUP_IN_USE, text=f"{restore} is using backup {name}", subject=restore.name)
    if expired and (user := users(store).get(name)):
        return Message(code=Code.BACKUP_IN_USE, text=f"{user} is using backup {name}", subject=name)
    return None
