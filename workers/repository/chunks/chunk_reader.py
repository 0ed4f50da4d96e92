"""Reads many chunks at a time: each pack's needed parts once, neighbours in one request (FORMAT 11)."""

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import NamedTuple

from schemas.errors import Damaged, NotFound
from workers.repository.chunks.view import View
from workers.repository.format import packs
from workers.repository.format.layout import MIB, pack_key
from workers.repository.format.packs import ChunkPlace

GAP = MIB // 4
"""A gap of so many bytes between two chunks is read along with them, rather than asked for around it."""
RANGE = 4 * MIB
"""Bytes of one request, at most; servers are slow at many small requests."""
PLAIN = 16 * MIB
"""Decompressed bytes of the chunks of one request, at most: they are in memory together."""

Chunks = list[tuple[bytes, bytes | Damaged]]
"""Ids, and the plaintext or why it cannot be had."""


class Range(NamedTuple):
    """Chunks that are read with one request."""

    pack: bytes
    places: list[ChunkPlace]


def fetch(view: View, ids: Iterable[bytes], pool: Executor, in_flight: int) -> Iterator[Chunks]:
    """Every data chunk once, as they come, with at most `in_flight` requests under way or waiting to be taken."""
    places = view.places(ids)
    missing = [id_ for id_, found in places.items() if not found]
    under_way: set[Future[Chunks]] = set()
    try:
        for wanted in ranges(next(iter(each)) for each in places.values() if each):
            if len(under_way) >= in_flight:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for each in done:
                    yield each.result()
            under_way.add(pool.submit(_read, view, "d", wanted))
        for id_ in missing:
            yield [(id_, _alone(view, "d", id_))]
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for each in done:
                yield each.result()
    finally:
        wait(under_way)


def read(view: View, kind: str, ids: Iterable[bytes]) -> dict[bytes, bytes | Damaged]:
    """The plaintext of every chunk, or why it cannot be had, one request after the other."""
    places = view.places(ids)
    wanted = ranges(found[0] for found in places.values() if found)
    return {
        **{id_: plain for each in wanted for id_, plain in _read(view, kind, each)},
        **{id_: _alone(view, kind, id_) for id_, found in places.items() if not found},
    }


def ranges(places: Iterable[ChunkPlace]) -> Iterator[Range]:
    """The requests that read all of these, pack by pack, in the order in which packs come first."""
    by_pack: dict[bytes, list[ChunkPlace]] = {}
    for place in places:
        by_pack.setdefault(place.pack, []).append(place)
    for pack, wanted in by_pack.items():
        wanted.sort(key=lambda place: place.entry.offset)
        together: list[ChunkPlace] = []
        for place in wanted:
            if together and not _near(together, place):
                yield Range(pack, together)
                together = []
            together.append(place)
        yield Range(pack, together)


def _near(together: list[ChunkPlace], place: ChunkPlace) -> bool:
    first, last = together[0].entry, together[-1].entry
    entry = place.entry
    return (
        entry.offset - last.offset - last.stored <= GAP
        and entry.offset + entry.stored - first.offset <= RANGE
        and sum(each.entry.length for each in together) + entry.length <= PLAIN
    )


def _read(view: View, kind: str, wanted: Range) -> Chunks:
    first, last = wanted.places[0].entry, wanted.places[-1].entry
    begin = first.offset
    try:
        body = memoryview(view.store.get(pack_key(wanted.pack), begin, last.offset + last.stored - begin))
    except NotFound:
        body = memoryview(b"")
    found: Chunks = []
    for place in wanted.places:
        entry = place.entry
        sealed = body[entry.offset - begin : entry.offset - begin + entry.stored]
        try:
            found.append((entry.id, packs.open_chunk(view.keys, kind, wanted.pack, entry, sealed)))
        except Damaged:
            found.append((entry.id, _alone(view, kind, entry.id)))
    return found


def _alone(view: View, kind: str, id_: bytes) -> bytes | Damaged:
    """A chunk that was not where it should be, from wherever else it can be had."""
    try:
        return view.read(kind, id_)
    except Damaged as error:
        return error
