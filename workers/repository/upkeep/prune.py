"""Reclaims what no volume refers to, while others copy: D1 to D4 of FORMAT 10."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from schemas.errors import Damaged, Locked, NotFound, SnaplineError, TransientError
from workers.ports import Pruned, StoredObject
from workers.repository.chunks.chunk_writer import LEVEL, ChunkWriter
from workers.repository.chunks.view import View
from workers.repository.format import index_object, marks, store_clock
from workers.repository.format.layout import (
    BALLAST,
    BALLAST_BYTES,
    DAMAGE,
    INDEX,
    MARKS,
    PARTIAL,
    VOLUMES,
    name_of,
)
from workers.repository.format.listing import listed
from workers.repository.format.packs import ChunkPlace, Pack
from workers.repository.upkeep import proof
from workers.repository.upkeep.live import Live
from workers.repository.upkeep.locks import Locks, refusal
from workers.repository.upkeep.say import Say, silent

REPACK_BELOW = 0.5
"""A pack of which less than this part is in use is written anew."""
THREADS = 8
T = TypeVar("T")


@dataclass
class _Plan:
    present: dict[str, StoredObject]
    gone: set[bytes]  # listed, but not there
    dead: set[bytes] = field(default_factory=set)
    rewritten: list[Pack] = field(default_factory=list)
    unlisted: set[bytes] = field(default_factory=set)
    young_bytes: int = 0
    """What would go of packs that are too young."""
    youngest: datetime | None = None
    """When the last of those was written."""


def prune(view: View, keep: Callable[[], set[str]], *, level: int = LEVEL, say: Say = silent) -> Pruned:
    """What was deleted, less what was written instead; and what is too young to be deleted.

    `keep` tells which volumes jobs refer to. Raises Damaged if one of them cannot be read, or something that it needs
    is nowhere: then nobody can tell what else is needed, and no pack is deleted (F25, F35); TransientError if that is
    because a backup is deleted meanwhile. Safe to kill anywhere, safe to run beside other pruners, copies and repairs.
    """
    now = _with_room(view, lambda: store_clock.now(view.store))  # first: what is younger, jobs may not name yet
    kept = keep()
    try:
        proof.check_records(view, kept, keep)
        return _prune(view, kept, now, level, say)
    except Damaged as error:
        if kept <= keep():
            raise
        raise TransientError(f"a backup was deleted meanwhile ({error}); try again") from error


def foresee(view: View, keep: Callable[[], set[str]], *, say: Say = silent) -> Pruned:
    """About what `prune` would bring back now; it deletes nothing, and writes nothing but the store's clock. Raises as
    `prune`."""
    graces, now = view.ambient.graces, store_clock.now(view.store)
    kept, locks = keep(), Locks(now)
    orphans = {found.key: found.size for found in _orphans(view, kept, now - graces.orphan)}
    view.look()
    with Live(kept, passed_over=frozenset(orphans)) as live:
        live.learn(view, say)
        plan = _plan(view, live, set(), now - graces.pack, locks)
        freed = sum(plan.present[pack.hex()].size for pack in plan.dead if pack.hex() in plan.present)
        for pack in plan.rewritten:
            needed = (entry for entry in pack.entries if live.needs(view, pack.id, entry.id, plan.gone))
            freed += max(0, pack.size - sum(entry.stored for entry in needed))
    until = plan.youngest and plan.youngest + graces.pack
    return Pruned(freed + sum(orphans.values()), plan.young_bytes, until, locks.bytes, locks.until)


def _prune(view: View, kept: set[str], now: datetime, level: int, say: Say) -> Pruned:
    graces, locks = view.ambient.graces, Locks(now)
    freed = _drop_orphans(view, kept, now - graces.orphan, locks)
    view.look()
    written, unlisted = _list_anew(view, now - graces.pack)
    with Live(kept) as live:
        live.learn(view, say)
        plan = _plan(view, live, unlisted, now - graces.pack, locks)
        freed += _delete(view, live, plan, plan.dead | plan.unlisted, locks, say) - written
        freed += _replace(view, live, plan, level, locks, say)
        _drop_old_marks(view, now - graces.mark, locks)
        _drop_notes(view, live)
    _put_ballast(view)
    until = plan.youngest and plan.youngest + graces.pack
    return Pruned(max(0, freed), plan.young_bytes, until, locks.bytes, locks.until)


def _replace(view: View, live: Live, plan: _Plan, level: int, locks: Locks, say: Say) -> int:
    """Writes what is needed of packs anew, and deletes them, so many at a time: what is done is done, if it is killed
    or finds no room. The bytes that were freed."""
    freed, at_a_time = 0, view.ambient.limits.packs_per_prune
    for first in range(0, len(plan.rewritten), at_a_time):
        say("rewriting packs", first, len(plan.rewritten))
        some = plan.rewritten[first : first + at_a_time]
        try:
            done, written = _rewrite(view, live, plan, some, level)
        except SnaplineError:
            return freed  # there is no room, or no peace, to write: what needed no writing has gone all the same (F28)
        freed += _delete(view, live, plan, done, locks, say) - written
    return freed


def _list_anew(view: View, before: datetime) -> tuple[int, set[str]]:
    """Lists what the index lacks; the bytes written, and the packs that nobody can list."""
    known = {pack.hex() for pack in view.index.pack_sizes()}
    old = [found for name, found in proof.present(view).items() if name not in known and found.modified < before]
    if not old:
        return 0, set()
    written = proof.list_anew(view, old)
    return written, {name_of(found.key) for found in old} - {pack.hex() for pack in view.index.pack_sizes()}


def _plan(view: View, live: Live, unlisted: set[str], before: datetime, locks: Locks) -> _Plan:
    """Packs that neither were known before nor are present have just been written. What is in use of a marked pack
    is written anew: its pruner may be about to delete it, or may have died, and the mark ends only with the pack."""
    known = set(view.index.pack_sizes())  # before listing: the copy of the index grows by what others write
    present = proof.present(view)
    plan = _Plan(present, {pack for pack in known if pack.hex() not in present})
    proof.check_chunks(view, live, plan.gone)
    bad = set().union(*view.damage.values())
    for pack in view.index.packs():
        name = pack.id.hex()
        if name not in present and pack.id not in known:
            continue
        needed = [entry for entry in pack.entries if live.needs(view, pack.id, entry.id, plan.gone)]
        is_worn = sum(entry.stored for entry in needed) < REPACK_BELOW * sum(
            entry.stored for entry in pack.entries
        )  # without the footer: a small pack is mostly that
        if name in present and present[name].modified >= before:
            if is_worn:
                _too_young(plan, present[name], sum(entry.stored for entry in needed))
        elif name in present and locks.holds(found := present[name]):
            if is_worn:
                locks.left(found.size - sum(entry.stored for entry in needed), found.locked_until)
        elif not needed:
            plan.dead.add(pack.id)
        elif name in present and (
            is_worn or pack.id in view.marked or any((pack.id, entry.id) in bad for entry in pack.entries)
        ):
            plan.rewritten.append(pack)
    if not view.damage:  # else what is missed may be in them
        plan.unlisted = {bytes.fromhex(name) for name in unlisted & set(present) if not locks.holds(present[name])}
    return plan


def _too_young(plan: _Plan, pack: StoredObject, needed: int) -> None:
    plan.young_bytes += pack.size - needed
    plan.youngest = max(plan.youngest or pack.modified, pack.modified)


def _rewrite(view: View, live: Live, plan: _Plan, old: list[Pack], level: int) -> tuple[set[bytes], int]:
    """Stores the live chunks of packs anew: which packs, and the bytes written. Chunks that cannot be read keep their
    pack."""
    done: set[bytes] = set()
    with ChunkWriter(view, level) as writer:
        for pack in old:
            try:
                for entry in pack.entries:
                    if live.needs(view, pack.id, entry.id, plan.gone):
                        plain = view.read_at(pack.kind, ChunkPlace(pack.id, entry))
                        writer.write_sealed_anew(pack.kind, entry.id, plain)
            except (NotFound, Damaged):
                continue
            done.add(pack.id)
        writer.flush()
        return done, writer.uploaded_bytes


def _delete(view: View, live: Live, plan: _Plan, doomed: set[bytes], locks: Locks, say: Say) -> int:
    """D1 to D4 for these packs; the bytes that were freed. What the store keeps locked stays listed and marked."""
    if not doomed:
        return 0
    mark = _with_room(view, lambda: marks.write(view.sealed, doomed))  # D1
    view.look()  # D2
    if mark not in view.marks:
        raise TransientError("somebody has deleted the mark of this prune; try again")
    live.learn(view, say)
    spared = {pack for pack in doomed if _is_spared(view, live, plan, pack)}
    if spared:
        doomed -= spared
        replaced = _with_room(view, lambda: marks.write(view.sealed, doomed)) if doomed else None
        view.store.delete(MARKS + mark)
        if replaced is None:
            return 0
    found = {pack: plan.present[pack.hex()] for pack in sorted(doomed) if pack.hex() in plan.present}
    locked = _delete_packs(view, found, locks, say)  # D3
    return sum(each.size for pack, each in found.items() if pack not in locked) + _unlist(view, doomed - locked, locks)


def _delete_packs(view: View, doomed: dict[bytes, StoredObject], locks: Locks, say: Say) -> set[bytes]:
    """Deletes them; those that the store keeps locked."""
    kept = set()
    with view.ambient.pool(THREADS, "prune") as pool:
        refusals = pool.map(lambda each: refusal(view.store, each), doomed.values())
        for number, (pack, refused) in enumerate(zip(doomed, refusals, strict=True)):
            say("deleting packs", number + 1, len(doomed))
            if refused is not None:
                locks.left(doomed[pack].size, refused.until)
                kept.add(pack)
    return kept


def _is_spared(view: View, live: Live, plan: _Plan, name: bytes) -> bool:
    """Whether a pack is needed by now, or nobody can tell what is in it."""
    pack = view.index.pack(name)
    if pack is None:
        return name not in plan.unlisted and name not in plan.gone
    return _needed(view, live, pack, view.marked | plan.gone)


def _needed(view: View, live: Live, pack: Pack, lost: set[bytes]) -> bool:
    """Whether a live chunk of the pack has no place in one that is not lost."""
    return any(
        live.has(entry.id) and all(place.pack in lost for place in view.index.places(entry.id))
        for entry in pack.entries
    )


def _unlist(view: View, gone: set[bytes], locks: Locks) -> int:
    """D4. The bytes that index objects now take less. One that is locked goes on listing what is gone, until a later
    prune."""
    there = {name_of(found.key): found for found in listed(view.store, INDEX)}
    stale = view.index.listing(gone) & set(there)
    if not stale:
        return 0
    keep = [pack for pack in view.index.packs_of(stale) if pack.id not in gone]
    new = {name for name, _ in index_object.write(view.sealed, keep)}
    freed = sum(there[name].size for name in sorted(stale) if locks.delete(view.store, there[name]))
    view.index.sync()
    return freed - index_object.size_of(view.sealed, new)


def _drop_orphans(view: View, kept: set[str], before: datetime, locks: Locks) -> int:
    """Deletes volume records that no job refers to and partial records, when they are old (F26); their bytes."""
    old = list(_orphans(view, kept, before))
    return sum(found.size for found in old if locks.delete(view.store, found))


def _orphans(view: View, kept: set[str], before: datetime) -> Iterator[StoredObject]:
    for prefix in (VOLUMES, PARTIAL):
        for found in listed(view.store, prefix):
            if found.modified < before and not (prefix == VOLUMES and name_of(found.key) in kept):
                yield found


def _drop_old_marks(view: View, before: datetime, locks: Locks) -> None:
    view.look()
    known = view.index.pack_sizes()
    for found in list(listed(view.store, MARKS)):
        doomed = view.marks.get(name_of(found.key), frozenset())
        if found.modified < before and not any(pack in known for pack in doomed):
            locks.delete(view.store, found)


def _drop_notes(view: View, live: Live) -> None:
    """Deletes a damage note when its places are gone, and their chunks are elsewhere or not needed."""

    def void(pack: bytes, id_: bytes) -> bool:
        if any(place.pack == pack for place in view.index.places(id_)):
            return False
        return not live.has(id_) or view.reliable(id_) is not None

    for name, places in view.damage.items():
        if all(void(*place) for place in places):
            with suppress(Locked):  # then a later prune deletes it
                view.store.delete(DAMAGE + name)


def _with_room(view: View, write: Callable[[], T]) -> T:
    """Writes in place of the ballast if there is no room otherwise (F28)."""
    try:
        return write()
    except SnaplineError:
        with suppress(Locked):
            view.store.delete(BALLAST)
        return write()


def _put_ballast(view: View) -> None:
    try:
        view.store.create(BALLAST, bytes(BALLAST_BYTES))
    except SnaplineError:
        return  # still no room; the next prune tries again
