"""Whether a store of any provider does all that Snapline relies on."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from schemas.errors import Locked, SnaplineError
from workers.ports import ObjectStore

AGREE = timedelta(seconds=10)
"""Clocks that are apart by less are taken to agree: a store may be slow, and tell whole seconds."""
TOO_FAR = timedelta(minutes=15)
"""S3 refuses the requests of a clock that is wrong by more."""
BODY = b"snapline" * 100
LOCKED = (
    "the store keeps it locked: leases, markers and what is under way have to change and to go. Take a bucket without "
    "a retention period or holds; S3 with object lock will do, as it keeps what was there before as an older version"
)


@dataclass(frozen=True)
class Check:
    """One thing that Snapline needs of a store, and whether it is so. `detail` is what there is to say of it; `error`
    what was raised, if it is not so for that."""

    check: str
    ok: bool
    detail: str = ""
    error: SnaplineError | None = field(default=None, compare=False)


class Unfit(Exception):
    """What is wrong with a store that answers."""


Trial = Callable[[], str]
"""Tries one thing; what there is to say of it. Raises Unfit, and as the store."""


def _own_clock() -> datetime:
    return datetime.now(UTC)


def check(store: ObjectStore, name: str, now: Callable[[], datetime] = _own_clock) -> Iterator[Check]:
    """Tries everything that Snapline relies on, with an object called `check/<name>`, which it removes again. `now` is
    this machine's clock, UTC. What the store raises is a check that has failed; nothing is tried after that."""
    try:
        for what, trial in _trials(store, name, now).items():
            found = tried(what, trial)
            yield found
            if found.error is not None:
                return
    finally:
        with suppress(SnaplineError):
            store.delete(f"check/{name}")


def tried(what: str, trial: Trial) -> Check:
    """One trial's result."""
    try:
        return Check(what, ok=True, detail=trial())
    except Unfit as unfit:
        return Check(what, ok=False, detail=str(unfit))
    except SnaplineError as error:
        return Check(what, ok=False, detail=str(error), error=error)


def _trials(store: ObjectStore, name: str, now: Callable[[], datetime]) -> dict[str, Trial]:
    """In this order."""
    key = f"check/{name}"
    return {
        "find the place": lambda: _listed(store),
        "create an object": lambda: _so(store.create(key, BODY), "it was there already"),
        "read it back": lambda: _so(store.get(key) == BODY, "it is not what was written"),
        "read a part of it": lambda: _so(store.get(key, 8, 16) == BODY[8:24], "the part is not what was written"),
        "refuse to create it twice": lambda: _refused(store, key),
        "write over it": lambda: _written_over(store, key),
        "list it": lambda: _found(store, key),
        "name what is in a directory": lambda: _so(name in store.names("check/"), "it is not named"),
        "agree about the time": lambda: _time(store, key, now),
        "delete it": lambda: _deleted(store, key),
    }


def _so(fits: bool, otherwise: str) -> str:
    if not fits:
        raise Unfit(otherwise)
    return ""


def _listed(store: ObjectStore) -> str:
    for _ in store.names("check/"):
        break
    return ""


def _refused(store: ObjectStore, key: str) -> str:
    refused = not store.create(key, b"another")
    why = "it was replaced (on S3: If-None-Match is ignored): this store would lose backups"
    return _so(refused and store.get(key) == BODY, why)


def _found(store: ObjectStore, key: str) -> str:
    found = list(store.list(key))
    if [each.key for each in found] != [key]:
        raise Unfit("the list does not have it")
    until = found[0].locked_until
    return f"it is locked until {until:%Y-%m-%d %H:%M} UTC: space comes back no sooner" if until else ""


def _written_over(store: ObjectStore, key: str) -> str:
    try:
        store.put(key, b"another")
    except Locked:
        raise Unfit(LOCKED) from None
    return _so(store.get(key) == b"another", "what is read is not what was written last")


def _time(store: ObjectStore, key: str, now: Callable[[], datetime]) -> str:
    """By a write between two looks at the clock."""
    before = now()
    store.put(key, b"the time")
    middle = before + (now() - before) / 2
    if (written := next((found.modified for found in store.list(key)), None)) is None:
        raise Unfit("the list does not say when it was written")
    apart = written - middle
    said = f"its clock is {abs(apart).total_seconds():.0f} s {'ahead of' if apart > timedelta(0) else 'behind'} ours"
    if abs(apart) > TOO_FAR:
        raise Unfit(f"{said}: set the wrong one right")
    return said if abs(apart) > AGREE else ""


def _deleted(store: ObjectStore, key: str) -> str:
    try:
        store.delete(key)
    except Locked:
        raise Unfit(LOCKED) from None
    return _so(not list(store.list(key)), "it is still listed")
