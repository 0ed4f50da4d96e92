"""Rebuilds the index from packs alone (F11)."""

from dataclasses import dataclass

from schemas.errors import Damaged, NotFound
from workers.ports import StoredObject
from workers.repository.chunks.view import View
from workers.repository.format import index_object, marks, packs
from workers.repository.format.layout import INDEX, name_of
from workers.repository.format.packs import Pack
from workers.repository.upkeep import proof
from workers.repository.upkeep.say import Say, silent

THREADS = 8


@dataclass(frozen=True)
class Repaired:
    """What repairing the index has changed."""

    listed: int  # packs that were in no readable index object
    dropped: int  # packs that were listed and are not there
    unreadable: list[str]  # packs whose footer cannot be read
    replaced: int  # index objects


def repair_index(view: View, say: Say = silent) -> Repaired:
    """Makes the index list every unmarked pack that is there, and no other. Chunks that only missing packs had are
    noted, so that copies store them again. Marks and damage notes that cannot be read are deleted. What is deleted is
    replaced before that (F36). Safe beside copies and prunes, safe to kill; not beside a prune, if there is such a
    mark."""
    for key in marks.unreadable(view.sealed):
        view.store.delete(key)
    unreadable_objects = frozenset(index_object.unreadable(view.sealed))
    view.look(without=unreadable_objects)
    known = view.index.pack_sizes()  # before listing: what a copy on this node writes meanwhile is not missing
    present = proof.present(view)
    missing = {pack for pack in known if pack.hex() not in present}
    new = [found for name, found in present.items() if bytes.fromhex(name) not in known]
    listed, unreadable = _footers(view, new, say)
    stale = view.index.listing(missing)
    _note(view, _only_in(view, missing, listed))
    keep = [pack for pack in view.index.packs_of(stale) if pack.id not in missing]
    index_object.write(view.sealed, listed + keep)
    for name in sorted(stale | unreadable_objects):
        view.store.delete(INDEX + name)
    view.look()
    return Repaired(len(listed), len(missing), unreadable, len(stale) + len(unreadable_objects))


def _footers(view: View, found: list[StoredObject], say: Say) -> tuple[list[Pack], list[str]]:
    """What packs say of themselves, but for marked ones; and why, of those that cannot be read."""
    listed: list[Pack] = []
    unreadable: list[str] = []
    with view.ambient.pool(THREADS, "repair") as pool:
        for number, result in enumerate(pool.map(lambda each: _footer(view, each), found)):
            say("reading packs", number + 1, len(found))
            if isinstance(result, str):
                unreadable.append(result)
            elif result is not None and result.id not in view.marked:
                listed.append(result)
    return listed, unreadable


def _note(view: View, lost: set[bytes]) -> None:
    """Before the index is whole again, so without a look at it."""
    known = set[marks.ChunkInPack]().union(*view.damage.values())
    if new := {(marks.NOWHERE, id_) for id_ in lost} - known:
        marks.note_damage(view.sealed, new)


def _only_in(view: View, missing: set[bytes], found: list[Pack]) -> set[bytes]:
    """The chunks that only the missing packs had."""
    elsewhere = {entry.id for pack in found for entry in pack.entries}
    lost: set[bytes] = set()
    for pack in view.index.packs():
        if pack.id in missing:
            lost.update(entry.id for entry in pack.entries if entry.id not in elsewhere)
    return {id_ for id_ in lost if all(place.pack in missing for place in view.index.places(id_))}


def _footer(view: View, found: StoredObject) -> Pack | str | None:
    pack = bytes.fromhex(name_of(found.key))
    try:
        return packs.read_pack(view.store, view.keys, pack, found.size)
    except NotFound:
        return None  # pruned meanwhile
    except Damaged as error:
        return str(error)
