"""What of the applications' Backup resources has no effect on a backup, for people to know."""

from collections.abc import Iterable, Iterator

from schemas.application import Application
from schemas.errors import Code
from schemas.messages import Message
from schemas.velero import unheeded
from workers.manifests.capture.scope import shipped_spec


def not_heeded(apps: Iterable[Application], *, full: bool) -> Iterator[Message]:
    """Warnings of the Backups that are shipped; a `full` backup heeds less of each. Raises Invalid."""
    for app in apps:
        spec = shipped_spec(app)
        if spec is None:
            continue
        for field, why in unheeded(app.backup or ""):
            yield _about(app, field, why)
        if full and spec.default_volumes:
            why = "in a full backup, as with KOTS, the pods' annotations alone say which volumes are copied"
            yield _about(app, "spec.defaultVolumesToFsBackup", why)


def _about(app: Application, field: str, why: str) -> Message:
    text = f"application {app.slug}: {field} of its Backup resource has no effect: {why}"
    return Message(code=Code.FIELD_IGNORED, text=text, subject=app.slug)
