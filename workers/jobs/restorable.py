"""Which backups can be restored, and how much of them."""

from schemas import events as e
from schemas import keys
from schemas.errors import Code, Invalid
from schemas.job import backup, is_name
from schemas.records import BackupRecord
from workers.jobs import ledger, rejections
from workers.ports import ObjectStore


def usable(store: ObjectStore, name: str) -> BackupRecord:
    """The final record of a backup that can be restored. Raises Invalid for any other name."""
    if not is_name(name):
        raise Invalid(f"{name!r:.80} cannot be the name of a backup", code=Code.NO_SUCH_BACKUP)
    record = ledger.finished_backup(store, name)
    if record and ledger.deleted(store, backup(name)):
        raise Invalid(f"backup {name} cannot be restored: it is being deleted", code=Code.BACKUP_DELETED, subject=name)
    if record is None:
        if ledger.exists(store, keys.running(backup(name))):
            raise Invalid(f"backup {name} cannot be restored: it is not finished", code=Code.NOT_FINISHED, subject=name)
        rejected = rejections.of_job(store, backup(name))
        why = "the request for it was rejected" if rejected else "there is none of that name"
        raise Invalid(f"backup {name} cannot be restored: {why}", code=Code.NO_SUCH_BACKUP)
    if record.status not in ("Completed", "PartiallyFailed"):
        ended = f"it ended {record.status} ({record.reason or 'for no known reason'})"
        raise Invalid(f"backup {name} cannot be restored: {ended}", code=Code.BACKUP_UNUSABLE, subject=name)
    return record


def scope_of(asked: e.RestoreAsked, held_in: BackupRecord) -> tuple[e.Scope, str | None]:
    """Scope and application that make sense for this backup. Raises Invalid."""
    held = [app.slug for app in held_in.apps]
    if asked.app is not None and asked.scope == "console":
        raise Invalid("a restore of the console alone cannot name an application")
    if asked.app is not None and asked.app not in held:
        raise Invalid(
            f"backup {held_in.name} does not hold application {asked.app!r}; it holds {', '.join(held)}",
            code=Code.NOT_IN_BACKUP,
            subject=held_in.name,
        )
    if held_in.app is None:
        return ("applications" if asked.app else asked.scope), asked.app
    if asked.scope == "console":
        raise Invalid(
            f"backup {held_in.name} is of application {held_in.app} alone; it does not hold the console",
            code=Code.NOT_IN_BACKUP,
            subject=held_in.name,
        )
    return "applications", held_in.app
