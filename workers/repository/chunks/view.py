"""What a copy or restore knows of the repository at one moment: the index, the marks and the damage (FORMAT 9, 11)."""

import threading
from collections.abc import Iterable

from schemas.errors import Damaged, NotFound
from workers.repository.chunks.index_cache import Index
from workers.repository.format import marks, packs
from workers.repository.format.layout import pack_key
from workers.repository.format.packs import ChunkPlace
from workers.repository.format.sealing import SealedStore


class View:
    """Safe for threads."""

    def __init__(self, sealed: SealedStore, index: Index) -> None:
        self.sealed, self.index = sealed, index
        self.store, self.keys, self.ambient = sealed.store, sealed.keys, sealed.ambient
        self.index_objects: frozenset[str] = frozenset()
        self.marks: marks.Marks = {}
        self.marked: set[bytes] = set()
        self.damage: dict[str, set[marks.ChunkInPack]] = {}
        self._bad: set[marks.ChunkInPack] = set()
        self._lock = threading.Lock()

    def look(self, without: frozenset[str] = frozenset()) -> None:
        """Lists marks, index and damage notes, in this order (F21, F23); the index as `Index.sync` does."""
        self.look_at_marks(without)
        damage = marks.read_damage(self.sealed)
        with self._lock:
            self.damage, self._bad = damage, set().union(*damage.values())

    def look_at_marks(self, without: frozenset[str] = frozenset()) -> None:
        """Lists marks, then the index: what may be about to go, or has gone."""
        found = marks.read(self.sealed, self.marks)
        names = frozenset(self.index.sync(without))
        with self._lock:
            self.marks, self.marked, self.index_objects = found, marks.marked(found), names

    def open_marks(self) -> bool:
        """Whether a mark names packs that the index still lists."""
        return bool(self.marked) and not self.marked.isdisjoint(self.index.pack_sizes())

    def reliable(self, id_: bytes) -> ChunkPlace | None:
        """A place of the chunk on which a new volume may rely: one that is neither marked nor damaged."""
        return next(iter(self.reliable_places(id_)), None)

    def reliable_places(self, id_: bytes) -> list[ChunkPlace]:
        """All such places of the chunk."""
        return [place for place in self.index.places(id_) if self._good(place)]

    def damaged_ids(self) -> set[bytes]:
        """Chunks that have a damaged place and no good one: whoever has their content should store it again."""
        with self._lock:
            ids = {id_ for _, id_ in self._bad}
        return {id_ for id_ in ids if self.reliable(id_) is None}

    def note_damage(self, places: Iterable[marks.ChunkInPack]) -> None:
        """Tells all later copies not to rely on these, unless they have been told already."""
        with self._lock:
            new = set(places) - self._bad
        if new:
            marks.note_damage(self.sealed, new)
            self.look()

    def all_places(self, id_: bytes) -> set[marks.ChunkInPack]:
        """For the note of a chunk that is lost."""
        return {(place.pack, id_) for place in self.index.places(id_)} or {(marks.NOWHERE, id_)}

    def places(self, ids: Iterable[bytes]) -> dict[bytes, list[ChunkPlace]]:
        """All places of chunks, those that are to be tried first in front (F14)."""
        return {
            id_: sorted(self.index.places(id_), key=lambda place: (not self._good(place), place.pack)) for id_ in ids
        }

    def read(self, kind: str, id_: bytes) -> bytes:
        """A chunk's plaintext, from wherever it can be had. Raises Damaged."""
        problem: Damaged | None = None
        for last in (False, True):
            for place in self.places([id_])[id_]:
                try:
                    return self.read_at(kind, place)
                except NotFound:
                    continue
                except Damaged as error:
                    problem = error
            if not last:
                self.look()  # F15
        raise problem or Damaged(f"chunk {id_.hex()} is nowhere in the repository")

    def read_at(self, kind: str, place: ChunkPlace) -> bytes:
        """A chunk's plaintext from one place. Raises NotFound, Damaged."""
        entry = place.entry
        sealed = self.store.get(pack_key(place.pack), entry.offset, entry.stored)
        return packs.open_chunk(self.keys, kind, place.pack, entry, sealed)

    def _good(self, place: ChunkPlace) -> bool:
        return place.pack not in self.marked and (place.pack, place.entry.id) not in self._bad
