"""Marks and damage notes: what other processes must know before they rely on a pack (FORMAT 9, 10)."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from schemas.errors import Code, Damaged, NotFound
from workers.repository.format.layout import DAMAGE, MARKS, name_of
from workers.repository.format.listing import listed
from workers.repository.format.sealing import SealedStore

Marks = dict[str, frozenset[bytes]]
"""The packs of each mark, by the mark's name."""
ChunkInPack = tuple[bytes, bytes]
"""A pack, and the id of a chunk in it."""
NOWHERE = bytes(16)
"""Stands for a pack in the note of a chunk that is in none."""


def write(sealed: SealedStore, packs: Iterable[bytes]) -> str:
    """D1. The new mark's name."""
    name = sealed.ambient.new_id()
    body = {"packs": sorted(pack.hex() for pack in packs), "created": sealed.ambient.now().isoformat()}
    sealed.write(MARKS + name, json.dumps(body).encode())
    return name


def read(sealed: SealedStore, known: Marks) -> Marks:
    """All marks now; those in `known` are not read again, as they never change (F1)."""
    marks: Marks = {}
    for found in list(listed(sealed.store, MARKS)):
        name = name_of(found.key)
        try:
            marks[name] = known[name] if name in known else _packs(sealed, found.key)
        except NotFound:
            continue  # its pruner has spared all
    return marks


def marked(marks: Marks) -> set[bytes]:
    """All packs that some mark names."""
    return set().union(*marks.values())


def note_damage(sealed: SealedStore, places: Iterable[ChunkInPack]) -> None:
    """Tells all later copies not to rely on these."""
    body = {"chunks": sorted([pack.hex(), id_.hex()] for pack, id_ in places)}
    sealed.write(DAMAGE + sealed.ambient.new_id(), json.dumps(body).encode())


def read_damage(sealed: SealedStore) -> dict[str, set[ChunkInPack]]:
    """What damage notes say, by the note's name."""
    notes: dict[str, set[ChunkInPack]] = {}
    for found in list(listed(sealed.store, DAMAGE)):
        try:
            notes[name_of(found.key)] = _places(sealed, found.key)
        except NotFound:
            continue
    return notes


def unreadable(sealed: SealedStore) -> Iterator[str]:
    """The keys of marks and damage notes that cannot be read."""
    for prefix, read_one in ((MARKS, _packs), (DAMAGE, _places)):
        for found in list(listed(sealed.store, prefix)):
            try:
                read_one(sealed, found.key)
            except NotFound:
                continue
            except Damaged:
                yield found.key


def _packs(sealed: SealedStore, key: str) -> frozenset[bytes]:
    try:
        return frozenset(bytes.fromhex(pack) for pack in _fields(sealed, key)["packs"])
    except (ValueError, KeyError, TypeError, Damaged) as error:
        why = f"{key} cannot be read, so nobody knows what was about to be deleted"
        raise Damaged(why, code=Code.MARK_UNREADABLE, subject=key) from error


def _places(sealed: SealedStore, key: str) -> set[ChunkInPack]:
    try:
        return {(bytes.fromhex(pack), bytes.fromhex(id_)) for pack, id_ in _fields(sealed, key)["chunks"]}
    except (ValueError, KeyError, TypeError, Damaged) as error:
        why = f"{key} cannot be read, so nobody knows what was found damaged; verify again when it is gone"
        raise Damaged(why, code=Code.MARK_UNREADABLE, subject=key) from error


def _fields(sealed: SealedStore, key: str) -> dict[str, Any]:
    return dict(json.loads(sealed.read(key)))
