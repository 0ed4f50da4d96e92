"""Marks and damage notes: what other processes must know before they rely on a pack (FORMAT 9, 10)."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from schemas.errors import Damaged, NotFound
from workers.ports import ObjectStore
from workers.repository.format.keyring import Keys
from workers.repository.format.layout import DAMAGE, MARKS, name_of, new_id
from workers.repository.format.sealing import seal, unseal

Marks = dict[str, frozenset[bytes]]
"""The packs of each mark, by the mark's name."""
Place = tuple[bytes, bytes]
"""A pack, and the id of a chunk in it."""
NOWHERE = bytes(16)
"""Stands for a pack in the note of a chunk that is in none."""


def write(store: ObjectStore, keys: Keys, packs: Iterable[bytes]) -> str:
    """D1. The new mark's name."""
    name = new_id()
    body = {"packs": sorted(pack.hex() for pack in packs), "created": datetime.now(UTC).isoformat()}
    store.put(MARKS + name, seal(keys, json.dumps(body).encode(), MARKS + name))
    return name


def read(store: ObjectStore, keys: Keys, known: Marks) -> Marks:
    """All marks now; those in `known` are not read again, as they never change (F1)."""
    marks: Marks = {}
    for found in list(store.list(MARKS)):
        name = name_of(found.key)
        try:
            marks[name] = known[name] if name in known else _packs(store, keys, found.key)
        except NotFound:
            continue  # its pruner has spared all
    return marks


def marked(marks: Marks) -> set[bytes]:
    """All packs that some mark names."""
    return set().union(*marks.values())


def note_damage(store: ObjectStore, keys: Keys, places: Iterable[Place]) -> None:
    """Tells all later copies not to rely on these."""
    key = DAMAGE + new_id()
    body = {"chunks": sorted([pack.hex(), id_.hex()] for pack, id_ in places)}
    store.put(key, seal(keys, json.dumps(body).encode(), key))


def read_damage(store: ObjectStore, keys: Keys) -> dict[str, set[Place]]:
    """What damage notes say, by the note's name."""
    notes: dict[str, set[Place]] = {}
    for found in list(store.list(DAMAGE)):
        try:
            notes[name_of(found.key)] = _places(store, keys, found.key)
        except NotFound:
            continue
    return notes


def unreadable(store: ObjectStore, keys: Keys) -> Iterator[str]:
    """The keys of marks and damage notes that cannot be read."""
    for prefix, read_one in ((MARKS, _packs), (DAMAGE, _places)):
        for found in list(store.list(prefix)):
            try:
                read_one(store, keys, found.key)
            except NotFound:
                continue
            except Damaged:
                yield found.key


def _packs(store: ObjectStore, keys: Keys, key: str) -> frozenset[bytes]:
    try:
        return frozenset(bytes.fromhex(pack) for pack in _fields(store, keys, key)["packs"])
    except (ValueError, KeyError, TypeError, Damaged) as error:
        raise Damaged(
            f"{key} cannot be read, so nobody knows what was about to be deleted; when no prune is under way, run "
            "`snapline repository repair-index`"
        ) from error


def _places(store: ObjectStore, keys: Keys, key: str) -> set[Place]:
    try:
        return {(bytes.fromhex(pack), bytes.fromhex(id_)) for pack, id_ in _fields(store, keys, key)["chunks"]}
    except (ValueError, KeyError, TypeError, Damaged) as error:
        raise Damaged(f"{key} cannot be read; run `snapline repository repair-index`, then verify again") from error


def _fields(store: ObjectStore, keys: Keys, key: str) -> dict[str, Any]:
    return dict(json.loads(unseal(keys, store.get(key), key)))
