"""Reads many chunks at a time: each pack's needed parts once, neighbours in one request (FORMAT 11)."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from schemas.errors import Damaged, NotFound
from workers.repository import packs
from workers.repository.index import Place
from workers.repository.layout import MIB, pack_key
from workers.repository.view import View

GAP = MIB // 4
"""Bytes between two chunks that are read along rather than asked around."""
RANGE = 4 * MIB
"""Bytes of one request, about."""

Use = Callable[[bytes, bytes | Damaged], None]
"""Is given a chunk's id and its plaintext, or why it cannot be had. Called in several threads."""


class Range(NamedTuple):
    """Chunks that are read with one request."""

    pack: bytes
    places: list[Place]


def fetch(view: View, ids: Iterable[bytes], use: Use, pool: ThreadPoolExecutor, in_flight: int) -> None:
    """Gives every chunk to `use`, once, with at most `in_flight` requests under way. Raises what `use` raises."""
    places = view.places(ids)
    missing = [id_ for id_, found in places.items() if not found]
    under_way: set[Future[None]] = set()
    try:
        for found in ranges(next(iter(each)) for each in places.values() if each):
            if len(under_way) >= in_flight:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for each in done:
                    each.result()
            under_way.add(pool.submit(_read, view, found, use))
        for id_ in missing:
            _alone(view, id_, use)
        for each in under_way:
            each.result()
    finally:
        wait(under_way)


def ranges(places: Iterable[Place]) -> Iterator[Range]:
    """The requests that read all of these, pack by pack, in the order in which packs come first."""
    by_pack: dict[bytes, list[Place]] = {}
    for place in places:
        by_pack.setdefault(place.pack, []).append(place)
    for pack, wanted in by_pack.items():
        wanted.sort(key=lambda place: place.entry.offset)
        together: list[Place] = []
        for place in wanted:
            if together and not _near(together, place):
                yield Range(pack, together)
                together = []
            together.append(place)
        yield Range(pack, together)


def _near(together: list[Place], place: Place) -> bool:
    first, last = together[0].entry, together[-1].entry
    entry = place.entry
    return entry.offset - last.offset - last.stored <= GAP and entry.offset + entry.stored - first.offset <= RANGE


def _read(view: View, wanted: Range, use: Use) -> None:
    first, last = wanted.places[0].entry, wanted.places[-1].entry
    begin = first.offset
    try:
        body = memoryview(view.store.get(pack_key(wanted.pack), begin, last.offset + last.stored - begin))
    except NotFound:
        body = memoryview(b"")
    for place in wanted.places:
        entry = place.entry
        sealed = body[entry.offset - begin : entry.offset - begin + entry.stored]
        try:
            plain = packs.open_chunk(view.keys, "d", wanted.pack, entry, sealed)
        except Damaged:
            _alone(view, entry.id, use)
            continue
        use(entry.id, plain)


def _alone(view: View, id_: bytes, use: Use) -> None:
    """A chunk that was not where it should be, from wherever else it can be had."""
    try:
        plain: bytes | Damaged = view.read("d", id_)
    except Damaged as error:
        plain = error
    use(id_, plain)
