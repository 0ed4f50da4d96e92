"""What in the history of a store breaks a *must* of FORMAT.md that can be seen from outside."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from schemas.errors import NotFound
from tests.support.simulated_store import Event
from workers.repository.format import index_object, packs, tree_decoder, volume_record
from workers.repository.format.layout import DAMAGE, INDEX, KEYS, MARKS, PACKS, PARTIAL, VOLUMES, name_of, pack_key
from workers.repository.format.marks import read as read_marks
from workers.repository.format.master_key import Keys
from workers.repository.format.packs import Pack
from workers.repository.format.sealing import SealedStore

ONCE = (PACKS, INDEX, VOLUMES, MARKS, DAMAGE)
SEALED = (INDEX, VOLUMES, PARTIAL, MARKS, DAMAGE)
NONCE = 12
SKEW = timedelta(hours=1)


def broken_musts(history: Iterable[Event], keys: Keys, orphan_grace: timedelta = timedelta(days=1)) -> list[str]:
    """In plain words, with the numbers of the invariants. Besides puts and deletes the history says which volumes were
    `told` and `forgotten`, and which actors are pruners by their names."""
    replay = _Replay(keys, orphan_grace)
    for event in history:
        replay.happens(event)
    return replay.broken


class _Replay:
    """The store at one moment of the past; a store to read from, too."""

    def __init__(self, keys: Keys, orphan_grace: timedelta) -> None:
        self.broken: list[str] = []
        self._keys, self._grace = keys, orphan_grace
        self._objects: dict[str, tuple[bytes, datetime]] = {}
        self._ever: dict[str, bytes] = {}
        self._nonces: dict[bytes, bytes] = {}
        self._packs: dict[bytes, Pack] = {}
        self._indexed: dict[str, set[bytes]] = {}
        self._told: dict[str, set[bytes]] = {}
        self._sabotaged = False

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """As of a store."""
        if key not in self._objects:
            raise NotFound(key)
        body = self._objects[key][0]
        return body[start:] if length is None else body[start : start + length]

    def happens(self, event: Event) -> None:
        """The next event. When index objects have been lost, what backups need must be there, listed or not."""
        if event.what == "put":
            self._put(event)
        elif event.what == "delete":
            self._delete(event)
        elif event.what == "lost":
            self._objects.pop(event.key, None)
            self._sabotaged = True
        elif event.what == "told":
            self._told[event.key] = self._needs(event)
            self._check_told(event)
        elif event.what == "forgotten":
            self._told.pop(event.key, None)

    # --- writes

    def _put(self, event: Event) -> None:
        key, body = event.key, event.body
        if key.startswith(ONCE) and key in self._ever:
            if self._ever[key] != body:
                self._say(event, "F1: other bytes under a name that was used")
            elif not event.late:
                self._say(event, "F2: a name is used again")
        if key.startswith(SEALED) and self._nonces.setdefault(body[:NONCE], body) != body:
            self._say(event, "F7: a nonce is used twice")
        self._ever[key] = body
        self._objects[key] = body, event.at
        if key.startswith(PACKS):
            pack = bytes.fromhex(name_of(key))
            self._packs[pack] = packs.read_pack(self, self._keys, pack, len(body))  # type: ignore[arg-type]  # only read
        if key.startswith(INDEX):
            self._index(event)

    def _index(self, event: Event) -> None:
        listed = index_object.read(SealedStore(self, self._keys), name_of(event.key))  # type: ignore[arg-type]  # only read
        self._indexed[event.key] = {pack.id for pack in listed}
        for pack in listed:
            if pack_key(pack.id) not in self._ever:
                self._say(event, f"F13: it lists pack {pack.id.hex()}, which is not written yet")
            elif pack != self._packs[pack.id]:
                self._say(event, f"F11: it says other things of pack {pack.id.hex()} than the pack")

    # --- deletes

    def _delete(self, event: Event) -> None:
        key = event.key
        if key not in self._objects:
            return
        _, written = self._objects.pop(key)
        if key.startswith(PACKS) and not event.late and bytes.fromhex(name_of(key)) not in self._marked():
            self._say(event, "F24: the pack is in no mark that stands")
        if key.startswith(KEYS) and not any(other.startswith(KEYS) for other in self._objects):
            self._say(event, "F5: that was the last key")
        if key.startswith(VOLUMES):
            self._record_goes(event, event.at - written)
        if key.startswith((PACKS, INDEX)):
            self._check_told(event)

    def _record_goes(self, event: Event, age: timedelta) -> None:
        if name_of(event.key) in self._told:
            self._say(event, "F25: the volume was told and is not forgotten")
        elif event.actor and event.actor.startswith("pruner") and not event.late and age < self._grace - SKEW:
            self._say(event, f"F26: the record is only {age} old")

    def _marked(self) -> set[bytes]:
        standing = _Listed(self._objects)
        return set().union(*read_marks(SealedStore(standing, self._keys), {}).values())  # type: ignore[arg-type]  # only read

    # --- what volumes need

    def _needs(self, event: Event) -> set[bytes]:
        try:
            found = volume_record.read(SealedStore(self, self._keys), VOLUMES + event.key)  # type: ignore[arg-type]  # only read
        except NotFound:
            self._say(event, "F22: a volume is told that has no record")
            return set()
        needs = set(found.tree)
        for id_ in found.tree:
            for block in tree_decoder.decode(self._chunk(id_)):
                needs |= {ref for ref, _ in block.table}
        return needs

    def _chunk(self, id_: bytes) -> bytes:
        """A tree chunk from any pack; nothing if it is gone, which `_check_told` says."""
        for pack in self._packs.values():
            for entry in pack.entries:
                if entry.id == id_ and pack_key(pack.id) in self._objects:
                    sealed = self.get(pack_key(pack.id), entry.offset, entry.stored)
                    return packs.open_chunk(self._keys, pack.kind, pack.id, entry, sealed)
        return b""

    def _check_told(self, event: Event) -> None:
        if not self._told:
            return
        listed = set().union(*(packs for key, packs in self._indexed.items() if key in self._objects))
        there = {
            entry.id
            for pack in self._packs.values()
            if (pack.id in listed or self._sabotaged) and pack_key(pack.id) in self._objects
            for entry in pack.entries
        }
        for volume, needs in self._told.items():
            if missing := len(needs - there):
                self._say(event, f"F21/F25: volume {volume} now lacks {missing} of {len(needs)} chunks")

    def _say(self, event: Event, what: str) -> None:
        self.broken.append(f"{what}, at {event.what} {event.key} by {event.actor} at {event.at}")


class _Listed:
    """Objects of the past, to list and read."""

    def __init__(self, objects: dict[str, tuple[bytes, datetime]]) -> None:
        self._objects = objects

    def list(self, prefix: str) -> list["_Key"]:
        """As of a store."""
        return [_Key(key) for key in self._objects if key.startswith(prefix)]

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """As of a store."""
        body = self._objects[key][0]
        return body[start:] if length is None else body[start : start + length]


class _Key:
    """A key as it is listed."""

    def __init__(self, key: str) -> None:
        self.key = key
