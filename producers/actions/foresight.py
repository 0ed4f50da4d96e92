"""What a restore would do, without doing anything."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from producers.session import Session
from producers.views.contents import contents, in_scope
from producers.views.restore_plan.asked import Asked
from schemas.errors import SnaplineError
from schemas.events import RestoreRequested, Scope
from schemas.messages import Message, told
from workers.jobs import restorable

if TYPE_CHECKING:
    from producers.views.restore_plan.plan import RestorePlanView


@dataclass(frozen=True)
class Foreseen:
    """What comes back: how many objects, by kind, of whom, and the volumes of the backup with their bytes.

    And what becomes of what is there, as the cluster is: the objects that are `deleted` and do not come back, by name;
    how many are `replaced`, `created` and `left` as they are; `conflicts` say what could not be created, and why. All
    of that is None where the cluster could not be looked at; then `unknown` says why."""

    backup: str
    scope: Scope
    app: str | None
    objects: int
    kinds: dict[str, int]
    owners: tuple[str, ...]
    volumes: int
    bytes: int
    deleted: tuple[str, ...] | None = None
    replaced: int | None = None
    created: int | None = None
    left: int | None = None
    conflicts: tuple[str, ...] | None = None
    unknown: str | None = None


def restore(session: Session, asked: Asked) -> Foreseen:
    """What the restore would do. Raises Invalid where the gate would reject it, Denied, Damaged."""
    store = session.store(asked.destination)
    record = restorable.usable(store, asked.backup)
    request = RestoreRequested(backup=asked.backup, scope=asked.scope, app=asked.app, destination=asked.destination)
    scope, app = restorable.scope_of(request, record)
    found = in_scope(contents(store, asked.backup, lambda: session.repository(asked.destination)), scope, app)
    spaces = {each.namespace for each in found}
    volumes = [volume for volume in record.volumes if volume.namespace in spaces]
    foreseen = Foreseen(
        backup=asked.backup,
        scope=scope,
        app=app,
        objects=len(found),
        kinds=dict(sorted(Counter(each.kind for each in found).items())),
        owners=tuple(sorted({owner for each in found for owner in each.owners})),
        volumes=len(volumes),
        bytes=sum(volume.scanned_bytes for volume in volumes),
    )
    return _compared(foreseen, _plan(session, asked))


def _compared(foreseen: Foreseen, plan: "RestorePlanView | Message") -> Foreseen:
    if isinstance(plan, Message):
        return replace(foreseen, unknown=str(plan))
    return replace(
        foreseen,
        deleted=tuple(each.title for each in plan.of("deleted")),
        replaced=len(plan.of("replaced")),
        created=len(plan.of("created")),
        left=len(plan.of("left")),
        conflicts=tuple(f"{each.object}: {each.why}" for each in plan.conflicts),
    )


def _plan(session: Session, asked: Asked) -> "RestorePlanView | Message":
    """The plan; why there is none, where the cluster cannot be looked at."""
    # Importing it takes a while, for the code that decides restores, which other commands do not need.
    from producers.views.restore_plan.plan import restore_plan

    try:
        return restore_plan(session, asked, datetime.now(UTC))
    except SnaplineError as error:
        return told(error)
