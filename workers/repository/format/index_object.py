"""Index objects: which chunks lie where in some packs (FORMAT 6)."""

import struct
from collections.abc import Iterable, Iterator

from schemas.errors import Code, Damaged, NotFound
from workers.repository.format.layout import INDEX, INDEX_MOST, PACK_MOST, name_of
from workers.repository.format.listing import listed
from workers.repository.format.packs import ENTRY_SIZE, Pack, decode_entries, encode_entries
from workers.repository.format.sealing import SealedStore

THREADS = 8
_PACK = struct.Struct("<16scII")


def encode(packs: Iterable[Pack]) -> bytes:
    """An index object's plaintext."""
    return b"".join(
        _PACK.pack(pack.id, pack.kind.encode(), pack.size, len(pack.entries)) + encode_entries(pack.entries)
        for pack in packs
    )


def decode(data: bytes) -> Iterator[Pack]:
    """The inverse. Raises Damaged."""
    view, at = memoryview(data), 0
    while at < len(view):
        if at + _PACK.size > len(view):
            raise Damaged("an index object is cut off")
        id_, kind, size, count = _PACK.unpack_from(view, at)
        at += _PACK.size
        end = at + count * ENTRY_SIZE
        if end > len(view) or size > PACK_MOST or kind not in (b"d", b"t"):
            raise Damaged("an index object has an impossible pack")
        yield Pack(id_, kind.decode(), size, decode_entries(view[at:end], size))
        at = end


def write(sealed: SealedStore, packs: list[Pack]) -> list[tuple[str, list[Pack]]]:
    """New index objects that list these packs (F13): their names, and what each lists."""
    written = []
    for some in _together(packs, sealed.ambient.limits.packs_per_index_object):
        name = sealed.ambient.new_id()
        sealed.write(INDEX + name, encode(some))
        written.append((name, some))
    return written


def _together(packs: list[Pack], most: int) -> Iterator[list[Pack]]:
    """What is listed in one object: so many packs at most, and no more bytes than are read (F31)."""
    some: list[Pack] = []
    size = 0
    for pack in packs:
        described = _PACK.size + len(pack.entries) * ENTRY_SIZE
        if some and (len(some) >= most or size + described > INDEX_MOST):
            yield some
            some, size = [], 0
        some, size = [*some, pack], size + described
    if some:
        yield some


def size_of(sealed: SealedStore, names: set[str]) -> int:
    """The bytes of these index objects."""
    return sum(found.size for found in listed(sealed.store, INDEX) if name_of(found.key) in names)


def read(sealed: SealedStore, name: str) -> list[Pack]:
    """What one index object lists. Raises NotFound, Damaged."""
    try:
        return list(decode(sealed.read(INDEX + name, INDEX_MOST)))
    except Damaged as error:
        raise Damaged(str(error), code=Code.INDEX_DAMAGED) from error


def unreadable(sealed: SealedStore) -> list[str]:
    """The names of index objects that are damaged, whether or not a node has a copy of what they said."""

    def damaged(name: str) -> bool:
        try:
            read(sealed, name)
        except NotFound:  # a pruner has just replaced it
            return False
        except Damaged:
            return True
        return False

    names = sorted(name_of(found.key) for found in listed(sealed.store, INDEX))
    with sealed.ambient.pool(THREADS, "index") as pool:
        return [name for name, is_damaged in zip(names, pool.map(damaged, names), strict=True) if is_damaged]
