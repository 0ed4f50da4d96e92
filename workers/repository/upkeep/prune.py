"""Reclaims what no volume refers to, while others copy: D1 to D4 of FORMAT 10."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from schemas.errors import Damaged, NotFound, SnaplineError
from workers.ports import StoredObject
from workers.repository.chunks.chunk_writer import LEVEL, ChunkWriter
from workers.repository.chunks.view import View
from workers.repository.format import index_object, marks
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
from workers.repository.format.packs import ChunkPlace, Pack
from workers.repository.upkeep.live import Live
from workers.repository.upkeep.say import Say, silent

REPACK_BELOW = 0.5
"""A pack of which less than this part is in use is written anew."""
THREADS = 8


def prune(view: View, keep: Callable[[], set[str]], *, level: int = LEVEL, say: Say = silent) -> int:
    """The bytes of the packs, records and index objects that were deleted, less those written instead.

    `keep` tells which volumes jobs refer to. Raises Damaged if one of them cannot be read: then nobody can tell what it
    needs, and no pack is deleted. Safe to kill anywhere, safe to run beside other pruners and copies.
    """
    now, graces = view.ambient.now(), view.ambient.graces
    kept = keep()
    freed = _drop_orphans(view, kept, now - graces.orphan)
    view.look()
    with Live(kept) as live:
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


def _plan(view: View, live: Live, present: dict[str, StoredObject], young: set[str], known: set[bytes]) -> _Plan:
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


def _rewrite(view: View, live: Live, old: list[Pack], level: int, say: Say) -> int:
    """Stores the live chunks of packs anew; the bytes written. Chunks that cannot be read keep their pack."""
    with ChunkWriter(view, level) as writer:
        for number, pack in enumerate(list(old)):
            say("rewriting packs", number, len(old))
            try:
                for entry in pack.entries:
                    if live.needs(view, pack.id, entry.id):
                        plain = view.read_at(pack.kind, ChunkPlace(pack.id, entry))
                        writer.write_sealed_anew(pack.kind, entry.id, plain)
            except (NotFound, Damaged):
                old.remove(pack)
        writer.flush()
        return writer.uploaded_bytes


def _delete(view: View, live: Live, doomed: set[bytes], present: dict[str, StoredObject], say: Say) -> int:
    mark = _with_room(view, lambda: marks.write(view.sealed, doomed))  # D1
    view.look()  # D2
    live.learn(view, say)
    spared = {pack.id for pack in view.index.packs() if pack.id in doomed and _needed(view, live, pack)}
    if spared:
        doomed -= spared
        replaced = _with_room(view, lambda: marks.write(view.sealed, doomed)) if doomed else None
        view.store.delete(MARKS + mark)
        if replaced is None:
            return 0
    found = [present[pack.hex()] for pack in sorted(doomed) if pack.hex() in present]
    with view.ambient.pool(THREADS, "prune") as pool:  # D3
        for number, _ in enumerate(pool.map(view.store.delete, [each.key for each in found])):
            say("deleting packs", number + 1, len(found))
    return sum(each.size for each in found) + _unlist(view, doomed)


def _needed(view: View, live: Live, pack: Pack) -> bool:
    """Whether a live chunk of the pack has no place in an unmarked one."""
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
    new = {name for name, _ in index_object.write(view.sealed, keep)}
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


def _drop_notes(view: View, live: Live) -> None:
    """Deletes a damage note when its places are gone, and their chunks are elsewhere or not needed."""

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
