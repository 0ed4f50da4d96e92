"""Reclaims what no volume refers to, while others copy: D1 to D4 of FORMAT 10."""

import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.errors import Damaged, NotFound, SnaplineError
from workers.ports import StoredObject
from workers.repository.chunks import index_cache, volume_record
from workers.repository.chunks.chunk_writer import ChunkWriter
from workers.repository.chunks.view import View
from workers.repository.chunks.volume_record import Volume
from workers.repository.format import marks
from workers.repository.format.layout import (
    BALLAST,
    BALLAST_BYTES,
    DAMAGE,
    INDEX,
    MARKS,
    PACKS,
    PARTIAL,
    VOLUMES,
    name_of,
)
from workers.repository.format.packs import Pack

GRACE = timedelta(hours=1)
"""Packs younger than this stay: a copy under way may be about to list or to use them."""
ORPHAN_GRACE = timedelta(days=1)
"""Volume records that no job refers to, and partial records, stay so long (F26)."""
MARK_KEPT = timedelta(days=30)
REPACK_BELOW = 0.5
"""A pack of which less is in use is written anew."""
THREADS = 8

Say = Callable[[str, int, int], None]
"""Is told what is being done, how much of it is, and how much there is."""


@dataclass(frozen=True)
class Graces:
    """How old things must be before they go. With `pack` at zero copies under way begin anew; the others must hold."""

    pack: timedelta = GRACE
    orphan: timedelta = ORPHAN_GRACE
    mark: timedelta = MARK_KEPT


DEFAULT = Graces()


def silent(_what: str, _done: int, _total: int) -> None:
    """Tells nobody."""


def prune(
    view: View, keep: Callable[[], set[str]], *, graces: Graces = DEFAULT, level: int = 1, say: Say = silent
) -> int:
    """The bytes of the packs, records and index objects that were deleted, less those written instead.

    `keep` tells which volumes jobs refer to. Raises Damaged if one of them cannot be read: then nobody can tell what it
    needs, and no pack is deleted. Safe to kill anywhere, safe to run beside other pruners and copies.
    """
    now = datetime.now(UTC)
    kept = keep()
    freed = _drop_orphans(view, kept, now - graces.orphan)
    view.look()
    with _Live(kept) as live:
        live.learn(view, say)
        known = set(view.index.pack_sizes())  # before listing: the copy of the index grows by what others write
        present = {name_of(found.key): found for found in view.store.list(PACKS)}
        young = {name for name, found in present.items() if found.modified >= now - graces.pack}
        plan = _plan(view, live, present, young, known)
        written = 0
        if plan.rewritten:
            try:
                written = _rewrite(view, live, plan.rewritten, level, say)
            except SnaplineError:
                # There is no room, or no peace, to write: what is wholly dead goes all the same (F28).
                plan.rewritten = []
        doomed = plan.dead | plan.unlisted | {pack.id for pack in plan.rewritten}
        if doomed:
            freed += _delete(view, live, doomed, present, say)
        _drop_old_marks(view, now - graces.mark)
        _drop_notes(view, live)
    _put_ballast(view)
    return max(0, freed - written)


@dataclass
class _Plan:
    dead: set[bytes]
    rewritten: list[Pack]
    unlisted: set[bytes]


def _plan(view: View, live: "_Live", present: dict[str, StoredObject], young: set[str], known: set[bytes]) -> _Plan:
    """Packs that neither were `known` before nor are `present` have just been written. What is in use of a marked pack
    is written anew: its pruner may be about to delete it, or may have died, and the mark ends only with the pack."""
    plan = _Plan(set(), [], set())
    bad = set().union(*view.damage.values())
    listed: set[str] = set()
    for pack in view.index.packs():
        name = pack.id.hex()
        listed.add(name)
        if name in young or (name not in present and pack.id not in known):
            continue
        used = sum(entry.stored for entry in pack.entries if live.needs(view, pack.id, entry.id))
        if not used:
            plan.dead.add(pack.id)
        elif name in present and (
            used
            < REPACK_BELOW
            * sum(entry.stored for entry in pack.entries)  # without the footer: a small pack is mostly that
            or pack.id in view.marked
            or any((pack.id, entry.id) in bad for entry in pack.entries)
        ):
            plan.rewritten.append(pack)
    plan.unlisted = {bytes.fromhex(name) for name in present if name not in listed and name not in young}
    return plan


def _rewrite(view: View, live: "_Live", old: list[Pack], level: int, say: Say) -> int:
    """Stores the live chunks of packs anew; the bytes written. Chunks that cannot be read keep their pack."""
    with ChunkWriter(view, level) as writer:
        for number, pack in enumerate(list(old)):
            say("rewriting packs", number, len(old))
            try:
                for entry in pack.entries:
                    if live.needs(view, pack.id, entry.id):
                        plain = view.read_at(pack.kind, index_cache.Place(pack.id, entry))
                        writer.write_sealed_anew(pack.kind, entry.id, plain)
            except (NotFound, Damaged):
                old.remove(pack)
        writer.flush()
        return writer.uploaded_bytes


def _delete(view: View, live: "_Live", doomed: set[bytes], present: dict[str, StoredObject], say: Say) -> int:
    mark = _with_room(view, lambda: marks.write(view.store, view.keys, doomed))  # D1
    view.look()  # D2
    live.learn(view, say)
    spared = {pack.id for pack in view.index.packs() if pack.id in doomed and _needed(view, live, pack)}
    if spared:
        doomed -= spared
        replaced = _with_room(view, lambda: marks.write(view.store, view.keys, doomed)) if doomed else None
        view.store.delete(MARKS + mark)
        if replaced is None:
            return 0
    found = [present[pack.hex()] for pack in sorted(doomed) if pack.hex() in present]
    with ThreadPoolExecutor(THREADS, thread_name_prefix="prune") as pool:  # D3
        for number, _ in enumerate(pool.map(view.store.delete, [each.key for each in found])):
            say("deleting packs", number + 1, len(found))
    return sum(each.size for each in found) + _unlist(view, doomed)


def _needed(view: View, live: "_Live", pack: Pack) -> bool:
    """Whether a live chunk of it has no place outside of all marks."""
    return any(
        live.has(entry.id) and all(place.pack in view.marked for place in view.index.places(entry.id))
        for entry in pack.entries
    )


def _unlist(view: View, gone: set[bytes]) -> int:
    """D4. The bytes that index objects now take less."""
    sizes = {name_of(found.key): found.size for found in view.store.list(INDEX)}
    stale = view.index.listing(gone) & set(sizes)
    if not stale:
        return 0
    keep = [pack for pack in view.index.packs_of(stale) if pack.id not in gone]
    new = {
        index_cache.write(view.store, view.keys, keep[at : at + index_cache.PACKS_PER_OBJECT])
        for at in range(0, len(keep), index_cache.PACKS_PER_OBJECT)
    }
    for name in sorted(stale):
        view.store.delete(INDEX + name)
    view.index.sync()
    added = sum(found.size for found in view.store.list(INDEX) if name_of(found.key) in new)
    return sum(sizes[name] for name in stale) - added


def _drop_orphans(view: View, kept: set[str], before: datetime) -> int:
    """Deletes volume records that no job refers to and partial records, when they are old (F26); their bytes."""
    freed = 0
    for prefix in (VOLUMES, PARTIAL):
        for found in list(view.store.list(prefix)):
            if found.modified < before and not (prefix == VOLUMES and name_of(found.key) in kept):
                view.store.delete(found.key)
                freed += found.size
    return freed


def _drop_old_marks(view: View, before: datetime) -> None:
    view.look()
    listed = view.index.pack_sizes()
    for found in list(view.store.list(MARKS)):
        doomed = view.marks.get(name_of(found.key), frozenset())
        if found.modified < before and not any(pack in listed for pack in doomed):
            view.store.delete(found.key)


def _drop_notes(view: View, live: "_Live") -> None:
    """Deletes the damage notes whose places are gone, and what was there is not needed or elsewhere."""

    def void(pack: bytes, id_: bytes) -> bool:
        if any(place.pack == pack for place in view.index.places(id_)):
            return False
        return not live.has(id_) or view.reliable(id_) is not None

    for name, places in view.damage.items():
        if all(void(*place) for place in places):
            view.store.delete(DAMAGE + name)


def _with_room(view: View, write: Callable[[], str]) -> str:
    """Writes in place of the ballast if there is no room otherwise (F28)."""
    try:
        return write()
    except SnaplineError:
        view.store.delete(BALLAST)
        return write()


def _put_ballast(view: View) -> None:
    try:
        view.store.create(BALLAST, bytes(BALLAST_BYTES))
    except SnaplineError:
        return  # still no room; the next prune tries again


class _Live:
    """The chunks that volumes refer to, in a temporary file. Tree chunks that were read are not read again."""

    def __init__(self, kept: set[str]) -> None:
        """`kept` are the volumes that jobs refer to."""
        self._kept = kept
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("CREATE TABLE live(id BLOB PRIMARY KEY, tree INTEGER) WITHOUT ROWID")
        self._volumes: set[str] = set()

    def __enter__(self) -> "_Live":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def learn(self, view: View, say: Say) -> None:
        """Adds what records refer to that were not there before. Raises Damaged for one that cannot be read and that a
        job refers to (F25); of another, such as that of a copy that has died after W1, what can be read counts."""
        found = [each.key for prefix in (VOLUMES, PARTIAL) for each in view.store.list(prefix)]
        for number, key in enumerate(sorted(found)):
            say("reading volumes", number, len(found))
            if key in self._volumes and key.startswith(VOLUMES):
                continue
            needed = key.startswith(VOLUMES) and name_of(key) in self._kept
            try:
                self._add(view, volume_record.read(view.store, view.keys, key), needed)
                self._volumes.add(key)
            except NotFound:
                continue  # deleted meanwhile
            except Damaged as error:
                if not needed:
                    continue
                raise Damaged(
                    f"nothing was pruned, as {key} cannot be read: {error}; `snapline repository check` says which "
                    "backups that hurts; delete those, then prune again"
                ) from error

    def has(self, id_: bytes) -> bool:
        """Whether some volume refers to it."""
        return self._db.execute("SELECT 1 FROM live WHERE id = ?", (id_,)).fetchone() is not None

    def needs(self, view: View, pack: bytes, id_: bytes) -> bool:
        """Whether it is referred to, and this pack is the place to keep for it: of several the first good one."""
        if not self.has(id_):
            return False
        best = view.places([id_])[id_]
        return not best or best[0].pack == pack

    def _add(self, view: View, volume: Volume, needed: bool) -> None:
        for id_ in volume.tree:
            if self._db.execute("SELECT tree FROM live WHERE id = ?", (id_,)).fetchone() == (1,):
                continue
            try:
                ids = {ref for _, block in volume_record.blocks(view, [id_]) for ref, _ in block.table}
            except Damaged:
                if needed:
                    raise
                continue
            self._insert((ref, 0) for ref in ids)
            self._insert([(id_, 1)])

    def _insert(self, rows: Iterable[tuple[bytes, int]]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO live VALUES(?, ?)", rows)
