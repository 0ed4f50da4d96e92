"""What a request for a restore asks for: which backup, how, and what it claims. A test restore may name none, and
claims nothing."""

from typing import Any

from schemas import events as e
from schemas.errors import Code, Invalid
from schemas.job import Job
from schemas.records import BackupRecord, RestoreTest
from workers.jobs import claims
from workers.ports import ObjectStore
from workers.verification.newest import newest_good


def backup_of(store: ObjectStore, asked: e.RestoreAsked) -> str:
    """The name of the backup. Raises Invalid if the newest good one is asked for, and there is none."""
    if asked.backup:
        return asked.backup
    if (found := newest_good(store, asked.app)) is None:
        text = f"there is no good backup of {asked.app or 'the console and all applications'} yet"
        raise Invalid(text, code=Code.NO_SUCH_BACKUP, subject=asked.app or "")
    return found.name


def wishes(asked: e.RestoreAsked, job: Job) -> dict[str, Any]:
    """How it is to be restored, as fields of the restore's records."""
    if isinstance(asked, e.BackupTestRestoreRequested):
        fields = asked.model_dump(include=set(RestoreTest.model_fields) - {"namespace"})
        namespace = asked.namespace or f"snapline-test-{job.name.rpartition('-')[2]}"
        return {"test": RestoreTest(namespace=namespace, **fields), "safety_snapshot": False}
    return asked.model_dump(include={"keep_newer", "safety_snapshot", "namespace_mapping"})


def refused(asked: e.RestoreAsked) -> dict[str, Any]:
    """What of it a rejection keeps."""
    return asked.model_dump(include={"keep_newer", "safety_snapshot"})


def claims_of(asked: e.RestoreAsked, scope: e.Scope, app: str | None, backup: BackupRecord) -> list[str]:
    """A test restore touches nothing that others restore or back up, so none of them waits for it."""
    if isinstance(asked, e.BackupTestRestoreRequested):
        return []
    return claims.of_restore(scope, app, [held.slug for held in backup.apps])
