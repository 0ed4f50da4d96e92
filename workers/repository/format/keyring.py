"""The passphrases of a repository: its key records, and what is done with them (FORMAT 3)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from schemas.errors import Code, Damaged, Denied, Invalid, NotFound
from workers.ports import ObjectStore
from workers.repository.format import key_record
from workers.repository.format.ambient import Ambient
from workers.repository.format.layout import (
    BALLAST,
    BALLAST_BYTES,
    FIRST_KEY,
    FORMAT,
    KEYS,
    PACKS,
    RECOVERY_SHOWN,
    name_of,
)
from workers.repository.format.listing import listed
from workers.repository.format.master_key import MASTER, Keys, derive

RECORD_MOST = 64 * 1024
"""Bytes of a key record that are read (F9)."""
USUAL = Ambient()


@dataclass(frozen=True)
class Found:
    """The key record that a passphrase opens: its id, the master key, and the format that it says."""

    id: str
    master: bytes = field(repr=False)
    version: int

    @property
    def keys(self) -> Keys:
        """All keys of the repository."""
        return derive(self.master, plain_records=self.version == key_record.PLAIN_RECORDS)


@dataclass(frozen=True)
class KeyRecord:
    """One passphrase's key record, as it is listed."""

    id: str
    label: str
    created: str  # UTC, ISO 8601
    damaged: bool = False  # opens nothing any more


def open_keys(store: ObjectStore, passphrase: str, ambient: Ambient = USUAL) -> Keys:
    """The keys of the repository in `store`, which is made if there is none (F4). Raises Invalid, Denied, Damaged."""
    found = find(store, passphrase, ambient)
    return found.keys if found else derive(make(store, passphrase, ambient)[0])


def make(store: ObjectStore, passphrase: str, ambient: Ambient = USUAL) -> tuple[bytes, bool]:
    """The master key of a new repository; False if another process was first and its passphrase is the same.
    Raises Damaged where packs are but no keys."""
    _check(passphrase)
    if next(listed(store, PACKS), None) is not None:
        raise Damaged(
            "the repository has packs, but its keys are gone; put the objects below repository/keys/ back",
            code=Code.KEYS_LOST,
        )
    master = ambient.random_bytes(MASTER)
    if store.create(FIRST_KEY, key_record.wrap(master, passphrase, "first", ambient)):
        store.create(BALLAST, bytes(BALLAST_BYTES))  # while there is room (F28)
        return master, True
    theirs = unlock(store, passphrase, ambient)
    if theirs is None:
        raise Damaged(f"{FIRST_KEY} came and went; open the repository again")
    return theirs, False


def unlock(store: ObjectStore, passphrase: str, ambient: Ambient = USUAL) -> bytes | None:
    """The master key; None if there is no key at all. Raises Denied if the passphrase opens none, Damaged if that may
    be for a record that cannot be read."""
    found = find(store, passphrase, ambient)
    return found.master if found else None


def find(store: ObjectStore, passphrase: str, ambient: Ambient = USUAL) -> Found | None:
    """The key record that the passphrase opens; as `unlock`."""
    _check(passphrase)
    tried, damage = 0, None
    for id_, body in _records(store):
        tried += 1
        try:
            master = key_record.unwrap(body, passphrase, ambient)
        except Damaged as error:
            damage = error
            continue
        if master is not None:
            return Found(id_, master, key_record.version_of(body))
    if damage:
        raise damage
    if not tried:
        return None
    raise Denied(f"the passphrase opens none of the {tried} keys of this repository", code=Code.WRONG_PASSPHRASE)


def records(store: ObjectStore) -> list[KeyRecord]:
    """All key records, without their secrets."""
    known = []
    for id_, body in _records(store):
        try:
            fields = key_record.parse(body)
        except Damaged:
            known.append(KeyRecord(id_, "", "", damaged=True))
            continue
        known.append(KeyRecord(id_, _text(fields.get("label", "")), _text(fields.get("created", ""))))
    return known


def _text(said: object) -> str:
    """What anybody may have written, without halves of characters, which no other program could read."""
    return str(said).encode(errors="replace").decode()


def add(
    store: ObjectStore, master: bytes, passphrase: str, label: str, ambient: Ambient = USUAL, version: int = FORMAT
) -> str:
    """Another passphrase for the same master key; the new record's id. `version` is the format that it says: that of
    the record which gave the master key, since what is believed of records is no matter of passphrases (F46)."""
    _check(passphrase)
    id_ = ambient.new_id()
    store.create(KEYS + id_, key_record.wrap(master, passphrase, label, ambient, version))
    return id_


def remove(store: ObjectStore, id_: str, ambient: Ambient = USUAL) -> None:
    """Raises NotFound, and Invalid for the last one that can be read (F5)."""
    known = {record.id: record for record in records(store)}
    if id_ not in known:
        raise NotFound(f"there is no key {id_!r:.80}", code=Code.NO_SUCH_KEY)
    last = Invalid(f"{id_} is the last key: without it nothing could be read; add another one first")
    if not known[id_].damaged and not _another(known.values(), id_):
        raise last
    body = store.get(KEYS + id_)
    store.delete(KEYS + id_)
    if not known[id_].damaged and not _another(records(store), id_):  # somebody has just removed the others
        store.create(KEYS + ambient.new_id(), body)  # not under its old name (F2)
        raise last


def rotate(store: ObjectStore, old: str, new: str, label: str, ambient: Ambient = USUAL) -> str:
    """Another passphrase in place of one; the new record's id. It says the newest format: whoever rotates has sealed
    what was plain (F46). Killed in between, both open. Raises as `find`."""
    found = find(store, old, ambient)
    if found is None:
        raise NotFound("there is no repository here yet: it has no keys", code=Code.NO_REPOSITORY)
    id_ = add(store, found.master, new, label, ambient)
    remove(store, found.id, ambient)
    return id_


def first_showing(store: ObjectStore, ambient: Ambient = USUAL) -> bool:
    """Whether the recovery text has not been shown before; from now on it has (F6)."""
    return store.create(RECOVERY_SHOWN, ambient.now().isoformat(timespec="seconds").encode())


def _records(store: ObjectStore) -> Iterator[tuple[str, bytes]]:
    for found in sorted(store.list(KEYS), key=lambda found: found.key):
        try:
            yield name_of(found.key), store.get(found.key, 0, RECORD_MOST)
        except NotFound:
            continue  # just removed


def _another(known: Iterable[KeyRecord], id_: str) -> bool:
    return any(record.id != id_ and not record.damaged for record in known)


def _check(passphrase: str) -> None:
    if not passphrase:
        raise Invalid("the repository has no passphrase", code=Code.NO_PASSPHRASE)
