"""Holds: a backup that is held is not deleted, by rule or by hand, until somebody lets it go."""

from datetime import datetime

from schemas import keys
from schemas.errors import Code, Invalid, NotFound
from schemas.job import Job, is_name
from schemas.messages import Message
from schemas.records import Hold
from workers.jobs import ledger
from workers.ports import ObjectStore


def hold(store: ObjectStore, job: Job, reason: str, by: str, now: datetime) -> Hold:
    """Holds the backup; the hold that stands, ours or an earlier one. Raises NotFound without such a backup, Invalid
    for one that is being deleted.

    It is written before it looks for the tombstone, and a deletion writes that before it looks for holds: one of them
    sees the other."""
    if not is_name(job.name) or not ledger.exists(store, keys.request(job)):
        raise NotFound(f"there is no backup {job.name!r:.80}", code=Code.NO_SUCH_BACKUP)
    standing = ledger.create(store, keys.hold(job), Hold(reason=reason, by=by, since=now))
    if ledger.deleted(store, job):
        store.delete(keys.hold(job))
        raise Invalid(f"backup {job.name} was deleted, or is being deleted", code=Code.BACKUP_DELETED, subject=job.name)
    return standing


def unhold(store: ObjectStore, job: Job) -> None:
    """Lets the backup go; that it is not held is no error."""
    store.delete(keys.hold(job))


def held(store: ObjectStore, job: Job) -> Hold | None:
    """The backup's hold."""
    return ledger.find(store, keys.hold(job), Hold)


def names(store: ObjectStore) -> set[str]:
    """The names of all backups that are held; one listing."""
    return {keys.parse_hold(found.key).name for found in store.list(keys.HELD)}


def refusal(store: ObjectStore, job: Job) -> Message | None:
    """Why the backup may not be deleted, if it is held."""
    standing = held(store, job)
    if standing is None:
        return None
    text = f"backup {job.name} is held{said(standing)}"
    return Message(code=Code.BACKUP_HELD, text=text, subject=job.name)


def said(standing: Hold) -> str:
    """By whom, since when and why, after the name of what is held."""
    who = f" by {standing.by}" if standing.by else ""
    why = f": {standing.reason}" if standing.reason else ""
    return f"{who} since {standing.since:%Y-%m-%d %H:%M} UTC{why}"
