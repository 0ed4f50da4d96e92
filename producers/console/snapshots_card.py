"""The card *Snapshots* of the dashboard: where they go, and when the next is due."""

from dataclasses import dataclass
from datetime import datetime

from producers.actions import destinations as actions
from producers.console.forms.storage import KINDS, kind_of
from producers.session import Session
from producers.views import schedules
from schemas.errors import NotFound, SnaplineError

INSTANCE = "instance"
"""The schedule of full snapshots."""


@dataclass(frozen=True)
class SnapshotsCard:
    """`enabled` says whether there is a destination, of the kind `label`, at `place`. `next` (UTC) is the next full
    snapshot that is due; None if none is. `problem` says what could not be read."""

    enabled: bool
    label: str = ""
    place: str = ""
    next: datetime | None = None
    problem: str = ""


def snapshots_card(session: Session, now: datetime) -> SnapshotsCard:
    """What there is to see. Raises nothing."""
    try:
        found = actions.described(session, session.destinations.defaults()[0])
    except NotFound:
        return SnapshotsCard(enabled=False)
    except SnaplineError as error:
        return SnapshotsCard(enabled=False, problem=str(error))
    label = KINDS[kind_of(found)].label
    try:
        runs = schedules.next_runs(schedules.stored(session, INSTANCE), now, 1)
    except NotFound:
        return SnapshotsCard(True, label, found.place)
    except SnaplineError as error:
        return SnapshotsCard(True, label, found.place, problem=str(error))
    return SnapshotsCard(True, label, found.place, runs[0].starts if runs else None)
