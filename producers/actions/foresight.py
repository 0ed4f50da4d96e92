"""What a restore would do, without doing anything."""

from collections import Counter
from dataclasses import dataclass

from producers.session import Session
from producers.views.contents import contents, in_scope
from schemas.events import THE_DEFAULT, RestoreRequested, Scope
from workers.jobs import restorable


@dataclass(frozen=True)
class Foreseen:
    """What comes back: how many objects, by kind, of whom, and the volumes of the backup with their bytes. Which of
    them a restore of less than everything fills, its plan says."""

    backup: str
    scope: Scope
    app: str | None
    objects: int
    kinds: dict[str, int]
    owners: tuple[str, ...]
    volumes: int
    bytes: int


def restore(
    session: Session,
    backup: str,
    scope: Scope = "full",
    app: str | None = None,
    *,
    destination: str = THE_DEFAULT,
) -> Foreseen:
    """What a restore from `backup` would bring back. Raises Invalid where the gate would reject it, Denied,
    Damaged."""
    store = session.store(destination)
    record = restorable.usable(store, backup)
    asked = RestoreRequested(backup=backup, scope=scope, app=app, destination=destination)
    scope, app = restorable.scope_of(asked, record)
    found = in_scope(contents(store, backup, lambda: session.repository(destination)), scope, app)
    spaces = {each.namespace for each in found}
    volumes = [volume for volume in record.volumes if volume.namespace in spaces]
    return Foreseen(
        backup=backup,
        scope=scope,
        app=app,
        objects=len(found),
        kinds=dict(sorted(Counter(each.kind for each in found).items())),
        owners=tuple(sorted({owner for each in found for owner in each.owners})),
        volumes=len(volumes),
        bytes=sum(volume.scanned_bytes for volume in volumes),
    )
