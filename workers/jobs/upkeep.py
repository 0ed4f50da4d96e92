"""Long upkeep of one destination, of each kind one at a time, over all processes: one prune for all who wait for one,
and one verification, and one copy to there, after the other."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TypeVar

import structlog

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet, SnaplineError
from schemas.records import UpkeepLease, WantedPrune
from workers.jobs import ledger
from workers.jobs.background import Background, Doing
from workers.jobs.lease import leased
from workers.ports import ObjectStore, Pruned, Repository, Say

T = TypeVar("T")
log = structlog.get_logger("upkeep")
IN_LINE = timedelta(seconds=5)
"""How long a message rests behind the work of another."""
MOMENT, MOST_GATHERED = timedelta(seconds=1), timedelta(seconds=30)
"""A prune for deletions begins when no other has come for a moment, and no later than so long after the first."""
KEPT: Mapping[str, timedelta] = {
    keys.WANTED_PRUNES: timedelta(days=7),
    keys.VERIFICATIONS: timedelta(days=7),
    keys.INCOMING: timedelta(days=7),
    keys.ASKED: timedelta(days=30),
    keys.ANSWERS: timedelta(days=30),
    keys.NOTIFICATIONS: timedelta(days=30),
}
"""How long what nobody has fetched is kept, as its message was lost; and what requests have asked for and who was told:
as long as events and dead letters are, so that nothing of them comes a second time."""


def prune(
    store: ObjectStore, repository: Repository, wanted: str, destination: str, background: Background
) -> Generator[Doing, None, Pruned]:
    """What a prune has reclaimed which began after this was first called for `wanted`; nothing if that was told to
    another who waited for the same. Before, tells how far it is, then raises NotYet; and what the prune has raised."""
    key = keys.wanted_prune(wanted)
    found = ledger.create(store, key, WantedPrune())
    if found.reclaimed_bytes is None:
        yield from in_line(store, "prune", destination, background, lambda say: _prune(store, repository, say))
        found = ledger.find(store, key, WantedPrune) or WantedPrune()
    if found.reclaimed_bytes is None:
        yield from elsewhere(store, "prune")
        raise NotYet("waiting for a prune that is under way", IN_LINE)
    reclaimed = found.reclaimed_bytes
    return Pruned(reclaimed, found.young_bytes, found.young_until, found.locked_bytes, found.locked_until)


def gather(store: ObjectStore, wanted: str, moment: timedelta) -> None:
    """Puts a deletion among those for which one prune is done. Raises NotYet until no other has come for a `moment`, or
    the first has waited for long enough."""
    standing = ledger.create(store, keys.wanted_prune(wanted), WantedPrune())
    if standing.reclaimed_bytes is not None:
        return
    came = [found.modified for found in store.list(keys.WANTED_PRUNES)]
    now = ledger.clock(store)
    if came and now - max(came) < moment and now - min(came) < MOST_GATHERED:
        raise NotYet("waiting for other deletions, to prune once for all", moment)


def telling(request: str, destination: str, work: Generator[Doing, None, T]) -> Generator[e.Event, None, T]:
    """Tells how far the work is, for which the event `request` asked, until it is over; returns what it returns."""
    while True:
        try:
            doing = next(work)
        except StopIteration as ended:
            returned: T = ended.value
            return returned
        yield e.UpkeepProgressed(
            request=request, destination=destination, doing=doing.what, done=doing.done, total=doing.total
        )


def pruned(store: ObjectStore, wanted: str) -> None:
    """It is told what the prune has reclaimed."""
    store.delete(keys.wanted_prune(wanted))


def _prune(store: ObjectStore, repository: Repository, say: Say) -> None:
    waiting = sorted(found.key for found in store.list(keys.WANTED_PRUNES))
    pruned = repository.prune(lambda: ledger.volumes_in_use(store), say)
    log.info("pruned", waiting=len(waiting), **asdict(pruned))
    for key in waiting:
        standing = ledger.find(store, key, WantedPrune)
        if standing is not None and standing.reclaimed_bytes is None:
            ledger.put(store, key, WantedPrune(**asdict(pruned)))
            pruned = replace(pruned, reclaimed_bytes=0)
    _sweep(store)


def _sweep(store: ObjectStore) -> None:
    """Deletes what has been kept for long enough."""
    now = ledger.clock(store)
    for prefix, kept in KEPT.items():
        for found in list(store.list(prefix)):
            if found.modified < now - kept:
                store.delete(found.key)


def in_line(
    store: ObjectStore,
    kind: keys.Upkeep,
    destination: str,
    background: Background,
    work: Callable[[Say], None],
    request: str = "",
) -> Iterator[Doing]:
    """Lets the work go on, unless another process does such work for the destination, and tells how far it is. Raises
    NotYet until it ends. It is for one `request`, or else for all who wait."""

    def alone(say: Say) -> None:
        lease = [UpkeepLease(request=request)]

        def tell(doing: str, done: int, total: int) -> None:
            lease[0] = UpkeepLease(request=request, doing=doing, done=done, total=total)
            say(doing, done, total)

        with leased(store, keys.upkeep_lease(kind), lambda: lease[0]) as ours:
            if ours:
                work(tell)

    yield from background.go_on(f"{kind} in {destination}" + (f" for {request}" if request else ""), alone)


def elsewhere(store: ObjectStore, kind: keys.Upkeep, request: str = "") -> Iterator[Doing]:
    """How far such work is in the process that does it, unless that is for another request."""
    with suppress(SnaplineError):
        lease = ledger.find(store, keys.upkeep_lease(kind), UpkeepLease)
        if lease is not None and lease.doing and lease.request == request:
            yield Doing(lease.doing, lease.done, lease.total)
