"""Looks at all that is stored, and changes nothing."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from producers.session import Session
from producers.views.upgrade.parts import Part, Standing, of_format, worst
from schemas import application, keys
from schemas import destination as destinations
from schemas import schedule as schedules
from schemas.errors import Damaged, Denied, Invalid, NotFound, SnaplineError
from schemas.job import KINDS
from schemas.kubernetes import CONFIG_MAPS, SECRETS, ResourceType
from workers.ports import ObjectStore
from workers.repository.format.layout import FORMAT, KEYS

RECORD_FORMAT = 1
"""Of the records of jobs, as each says."""


def looked_at(session: Session) -> Iterator[Part]:
    """Each part. Raises what keeps it from being looked at: TransientError, Denied."""
    yield from _cluster(session)
    for name in session.destinations.names():
        yield from _destination(session, name)


def _destination(session: Session, name: str) -> Iterator[Part]:
    try:
        store = session.store(name)
        yield _repository(store, name)
        yield _records(store, name)
    except (Invalid, Damaged, NotFound) as error:
        yield Part(name, "destination", 1, "unreadable", str(error))


def _repository(store: ObjectStore, name: str) -> Part:
    """The oldest key counts for what can be believed, the newest for what can be read."""
    bodies = [store.get(found.key) for found in store.list(KEYS)]
    standings = [of_format(_format(body), FORMAT) for body in bodies]
    worse: Standing = max(standings, key=("current", "unreadable", "older", "newer").index, default="current")
    texts: Mapping[Standing, str] = {
        "current": f"format {FORMAT}" if bodies else "there is none yet",
        "older": f"a key of an older format: it stays readable, and records that are not sealed are believed "
        f"until it is replaced by one of format {FORMAT}",
        "newer": f"of a newer format than {FORMAT}, which this version cannot read",
        "unreadable": "a key record cannot be read",
    }
    return Part(name, "repository", len(bodies), worse, texts[worse])


def _records(store: ObjectStore, name: str) -> Part:
    found = [entry.key for kind in KINDS for entry in store.list(keys.finals_of(kind))]
    standings = {key: _record(store, key) for key in found}
    parts = [Part(name, key, 1, standing) for key, standing in standings.items()]
    standing = worst(parts)
    worse = [key for key, each in standings.items() if each == standing]
    text = f"format {RECORD_FORMAT}" if standing == "current" else f"{len(worse)} of them, such as {worse[0]}"
    return Part(name, "records of jobs", len(found), standing, text)


def _record(store: ObjectStore, key: str) -> Standing:
    try:
        return of_format(_format(store.get(key)), RECORD_FORMAT)
    except NotFound:
        return "current"  # it was deleted just now
    except Damaged:
        return "unreadable"


def _format(body: bytes) -> object:
    """What a JSON document says of its format; 1 if it says nothing."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document.get("format", 1) if isinstance(document, dict) else None


Read = Callable[[Mapping[str, Any]], object]


def _cluster(session: Session) -> Iterator[Part]:
    """What the console's namespace keeps. Where nobody reaches a cluster, there is nothing of it to look at."""
    kinds: list[tuple[str, ResourceType, str, Read]] = [
        ("applications", SECRETS, application.LABEL, application.from_secret),
        ("destinations", SECRETS, destinations.LABEL, destinations.from_secret),
        ("schedules", CONFIG_MAPS, schedules.LABEL, schedules.from_config_map),
    ]
    for what, type_, label, read in kinds:
        try:
            objects = list(session.cluster.list(type_, session.settings.console_namespace, label))
        except Denied:
            raise
        except SnaplineError as error:
            yield Part("cluster", what, 0, "unreadable", str(error))
            return
        yield _objects(what, objects, read)


def _objects(what: str, objects: list[dict[str, Any]], read: Read) -> Part:
    unreadable: list[str] = []
    for obj in objects:
        try:
            read(obj)
        except (Invalid, Damaged, NotFound) as error:
            unreadable.append(f"{obj['metadata']['name']}: {error}")
    text = f"{len(unreadable)} of them, such as {unreadable[0]}" if unreadable else ""
    return Part("cluster", what, len(objects), "unreadable" if unreadable else "current", text)
