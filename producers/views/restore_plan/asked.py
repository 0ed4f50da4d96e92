"""What somebody thinks of asking for: a restore, with its options."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from schemas import events as e
from schemas.events import THE_DEFAULT, Scope
from schemas.records import BackupRecord, RestoreRequest
from workers.jobs import restorable


@dataclass(frozen=True)
class Asked:
    """As `restore.requested` has it; `destination` is where the backup is read from."""

    backup: str
    scope: Scope = "full"
    app: str | None = None
    keep_newer: bool = False
    safety_snapshot: bool = True
    namespace_mapping: Mapping[str, str] = field(default_factory=dict)
    destination: str = THE_DEFAULT


def request_of(asked: Asked, held_in: BackupRecord, now: datetime) -> RestoreRequest:
    """The record that the license gate would make of it, but for its names. Raises Invalid for what the gate would
    reject."""
    event = e.RestoreRequested(backup=asked.backup, scope=asked.scope, app=asked.app, destination=asked.destination)
    scope, app = restorable.scope_of(event, held_in)
    return RestoreRequest(
        name="restore",
        request="plan",
        event_id="plan",
        requested_at=now,
        destination=asked.destination,
        backup=asked.backup,
        scope=scope,
        app=app,
        keep_newer=asked.keep_newer,
        safety_snapshot=asked.safety_snapshot,
        namespace_mapping=dict(asked.namespace_mapping),
    )
