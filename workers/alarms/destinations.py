"""Whether destinations can be reached, read and written, and how much room is left where that can be said."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from schemas import events as e
from schemas.errors import SnaplineError
from schemas.messages import shortened, told
from workers.alarms.occurrences import FILLED_IN, Found
from workers.jobs import ledger
from workers.ports import Destinations, Room

FAILING, FULL = "failing.", "full."
FAILS_AFTER = timedelta(minutes=10)
"""A store that is away for less has had a hiccup."""
ROOM, ROOM_AGAIN, SCARCE = 0.10, 0.12, 0.03
"""Parts of the whole: with less than `ROOM` it is nearly full until there is `ROOM_AGAIN`; `SCARCE` is an error."""


def failing(destinations: Destinations) -> Iterator[Found]:
    """Those that cannot be written and listed. Raises as asking for their names."""
    for name in destinations.names():
        try:
            ledger.clock(destinations.store(name))
        except SnaplineError as error:
            event = e.DestinationFailing(destination=name, reason=shortened(told(error)), since=FILLED_IN)
            yield Found(FAILING + name, name, event, patience=FAILS_AFTER)


def nearly_full(destinations: Destinations, room: Callable[[str], Room | None], known: set[str]) -> Iterator[Found]:
    """Those with little room; `known` are the alarms that stand."""
    for name in destinations.names():
        try:
            found = room(name)
        except SnaplineError:
            yield Found(FULL + name, name, None)
            continue
        if found is None or not found.total:
            continue
        part = found.free / found.total
        if part < (ROOM_AGAIN if FULL + name in known else ROOM):
            event = e.DestinationNearlyFull(
                destination=name,
                free_bytes=found.free,
                total_bytes=found.total,
                since=FILLED_IN,
                severity="error" if part < SCARCE else "warning",
            )
            yield Found(FULL + name, name, event)
