"""Moves chunks from one repository into another: each is opened, checked and sealed in one thread, so that no more of
them are in memory than there are threads."""

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import NamedTuple

from schemas.errors import Damaged, NotFound
from workers.repository.chunks.chunk_reader import Range, ranges
from workers.repository.chunks.chunk_writer import ChunkWriter
from workers.repository.chunks.view import View
from workers.repository.format import packs
from workers.repository.format.layout import pack_key

THREADS = 4
IN_FLIGHT = 8
"""Requests that are under way or wait for a thread."""


class Moved(NamedTuple):
    """`ids` are those there and here, `lost` what cannot be read there; so many bytes were read."""

    ids: list[tuple[bytes, bytes]]
    lost: list[bytes]
    read_bytes: int


def move(there: View, writer: ChunkWriter, wanted: Iterable[bytes]) -> Iterator[Moved]:
    """Every data chunk once, as they come, neighbours in a pack with one request."""
    places = there.places(wanted)
    nowhere = [id_ for id_, found in places.items() if not found]
    under_way: set[Future[Moved]] = set()
    with there.ambient.pool(THREADS, "receive") as pool:
        for each in ranges(found[0] for found in places.values() if found):
            if len(under_way) >= IN_FLIGHT:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
            under_way.add(pool.submit(_move_range, there, writer, each))
        for id_ in nowhere:
            yield _alone(there, writer, id_)
        yield from (future.result() for future in under_way)


def _move_range(there: View, writer: ChunkWriter, wanted: Range) -> Moved:
    first, last = wanted.places[0].entry, wanted.places[-1].entry
    begin, length = first.offset, last.offset + last.stored - first.offset
    try:
        body = memoryview(there.store.get(pack_key(wanted.pack), begin, length))
    except NotFound:
        body = memoryview(b"")
    moved = Moved([], [], len(body))
    for place in wanted.places:
        entry = place.entry
        sealed = body[entry.offset - begin : entry.offset - begin + entry.stored]
        try:
            opened = packs.open_both(there.keys, "d", wanted.pack, entry, sealed)
        except Damaged:
            moved = _together(moved, _alone(there, writer, entry.id))
            continue
        moved.ids.append((entry.id, writer.keep("d", opened.plain, entry.method, opened.payload)))
    return moved


def _alone(there: View, writer: ChunkWriter, id_: bytes) -> Moved:
    """A chunk that was not where it should be, from wherever else it can be had."""
    try:
        plain = there.read("d", id_)
    except Damaged:
        return Moved([], [id_], 0)
    return Moved([(id_, writer.write("d", plain).result())], [], len(plain))


def _together(first: Moved, second: Moved) -> Moved:
    return Moved(first.ids + second.ids, first.lost + second.lost, first.read_bytes + second.read_bytes)
