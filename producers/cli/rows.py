"""Views as rows: which fields are printed, under which names. Scripts rely on the names."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from producers.cli.remedies import with_remedy
from producers.cli.render import Output, Row
from producers.views.applications import ApplicationView
from producers.views.destinations import DestinationView
from producers.views.jobs import BackupDetails, BackupView, RestoreDetails, RestoreView
from producers.views.schedules import ScheduleView
from producers.views.unreadable import Unreadable
from producers.views.volumes import VolumeView
from schemas.messages import Message

if TYPE_CHECKING:
    from workers.adapters.broker import DeadLetter

BACKUP_COLUMNS = ("name", "status", "app", "objects", "volumes", "size", "errors", "requested_at")
RESTORE_COLUMNS = ("name", "status", "backup", "scope", "objects", "bytes", "errors", "requested_at")
DEAD_LETTER_COLUMNS = ("queue", "id", "type", "size", "parked_at", "reason")


def backup(view: BackupView) -> Row:
    """As in a list. There is less to say of one that is under way."""
    if view.completed_at is None:
        return _running(view, {"app": view.app})
    return {
        "name": view.name,
        "status": view.status,
        "app": view.app,
        "apps": list(view.apps),
        "schedule": view.schedule,
        "objects": view.objects,
        "volumes": view.volumes,
        "size": view.size,
        "uploaded_bytes": view.uploaded_bytes,
        "errors": view.errors,
        "warnings": view.warnings,
        "requested_at": view.requested_at.isoformat(),
        "completed_at": view.completed_at.isoformat(),
        "reason": str(view.reason or ""),
    }


def restore(view: RestoreView) -> Row:
    """As in a list; see `backup`."""
    if view.completed_at is None:
        return _running(view, {"app": view.app, "backup": view.backup, "scope": view.scope})
    return {
        "name": view.name,
        "status": view.status,
        "backup": view.backup,
        "scope": view.scope,
        "app": view.app,
        "objects": view.objects,
        "bytes": view.bytes,
        "files": view.files,
        "errors": view.errors,
        "warnings": view.warnings,
        "requested_at": view.requested_at.isoformat(),
        "completed_at": view.completed_at.isoformat(),
        "reason": str(view.reason or ""),
    }


def backup_details(details: BackupDetails, output: Output) -> Row:
    """By itself. People get remedies, too; programs get the messages as they are."""
    if details.view.completed_at is None:
        return backup(details.view)
    return backup(details.view) | {"volumes": list(map(volume, details.volumes))} | _messages(details, output)


def restore_details(details: RestoreDetails, output: Output) -> Row:
    """By itself; see `backup_details`."""
    if details.view.completed_at is None:
        return restore(details.view)
    return restore(details.view) | _messages(details, output)


def volume(view: VolumeView) -> Row:
    """As in a backup's description."""
    kept = ("namespace", "pod", "name", "claim", "scanned_bytes", "changed_bytes", "uploaded_bytes", "files")
    return {key: getattr(view, key) for key in kept}


def volume_of_files(view: VolumeView) -> Row:
    """As in the list of what `snapline files` can look into."""
    return {"volume": view.key, "pod": view.pod, "scanned_bytes": view.scanned_bytes, "files": view.files}


def application(view: ApplicationView | Unreadable) -> Row:
    """In a list."""
    if isinstance(view, Unreadable):
        return {"slug": view.name, "snapshots": f"unreadable: {view.problem}"}
    row: Row = {
        "slug": view.slug,
        "name": view.name,
        "version": view.version,
        "namespaces": list(view.namespaces),
        "backup_resource": view.has_backup_resource,
    }
    if view.snapshots is None:
        return row | {"snapshots": "unknown: SNAPLINE_LICENSE_KEYS is not set"}
    said = view.snapshots
    return row | {"snapshots": "allowed" if said.allowed else f"{said.code}: {said.reason}"}


def schedule(view: ScheduleView) -> Row:
    """In a list."""
    return {
        "name": view.name,
        "expression": view.expression,
        "app": view.app,
        "next_due": view.next_due.isoformat(),
    }


def destination(view: DestinationView | Unreadable) -> Row:
    """In a list."""
    if isinstance(view, Unreadable):
        blank = DestinationView(view.name, provider="", place="", from_environment=False, passphrase_is_set=False)
        return asdict(blank) | {"problem": str(view.problem)}
    return asdict(view) | {"problem": ""}


def dead_letter(letter: "DeadLetter") -> Row:
    """In a list."""
    fields = ("queue", "id", "type", "reason", "sender", "parked_at", "size")
    return {name: getattr(letter, name) for name in fields}


def texts(messages: Iterable[Message]) -> list[str]:
    """Messages as plain sentences."""
    return list(map(str, messages))


def _running(view: BackupView | RestoreView, of_kind: Row) -> Row:
    return {
        "name": view.name,
        "status": view.status,
        **of_kind,
        "requested_at": view.requested_at.isoformat(),
        "notes": texts(view.notes),
    }


def _messages(details: BackupDetails | RestoreDetails, output: Output) -> Row:
    said: Callable[[Message], str] = with_remedy if output is Output.TABLE else str
    return {"errors": list(map(said, details.errors)), "warnings": list(map(said, details.warnings))}
