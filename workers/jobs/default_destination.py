"""Where a request goes that names no destination: to the default one, or where it was taken up before."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from schemas import events as e
from schemas.errors import SnaplineError
from workers.ports import Destinations, ObjectStore

Requested = (
    e.BackupRequested
    | e.RestoreAsked
    | e.BackupDeleteRequested
    | e.RepositoryPruneRequested
    | e.BackupVerifyRequested
    | e.BackupCopyRequested
)
A = TypeVar("A", bound=Requested)

log = structlog.get_logger(__name__)


def named(
    event: e.CloudEvent[A], destinations: Destinations, was_taken_up: Callable[[ObjectStore], bool]
) -> e.CloudEvent[A]:
    """The request, with a name for its destination. One that `was_taken_up` in an earlier default stays there, so that
    it does nothing twice. An earlier default that cannot be asked holds up nothing. Raises as `Destinations`."""
    if event.data.destination != e.THE_DEFAULT:
        return event
    default, *former = destinations.defaults()
    chosen = next((name for name in former if _is_there(destinations, name, was_taken_up)), default)
    return event.model_copy(update={"data": event.data.model_copy(update={"destination": chosen})})


def place(event: e.CloudEvent[A], destinations: Destinations) -> str:
    """Where it was to be done, as far as that is known of a request that could not be looked into."""
    return event.data.destination or destinations.defaults()[0]


def _is_there(destinations: Destinations, name: str, was_taken_up: Callable[[ObjectStore], bool]) -> bool:
    try:
        return was_taken_up(destinations.store(name))
    except SnaplineError as error:
        log.warning("a destination that was the default cannot be asked", destination=name, reason=error.with_place)
        return False
