"""Volume and partial records, and the trees they name (FORMAT 7)."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.errors import Damaged, Invalid, NotFound
from workers.ports import ObjectStore
from workers.repository.chunks import chunk_reader
from workers.repository.chunks.view import View
from workers.repository.format import tree
from workers.repository.format.keyring import Keys
from workers.repository.format.layout import FORMAT, VOLUMES
from workers.repository.format.sealing import seal, unseal
from workers.repository.format.tree import Block

TOGETHER = 8
"""Tree chunks that are read at a time; they are neighbours, more often than not. Twice as many are in memory."""


@dataclass(frozen=True)
class Volume:
    """`tree` are the ids of its tree chunks, in order."""

    tree: list[bytes]
    scanned_bytes: int
    files: int


def write(store: ObjectStore, keys: Keys, key: str, volume: Volume) -> None:
    """Stores a record, for a partial one over what is there."""
    fields = {
        "format": FORMAT,
        "tree": [id_.hex() for id_ in volume.tree],
        "scanned_bytes": volume.scanned_bytes,
        "files": volume.files,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    store.put(key, seal(keys, json.dumps(fields).encode(), key))


def read(store: ObjectStore, keys: Keys, key: str) -> Volume:
    """Raises NotFound, Damaged."""
    try:
        body = store.get(key)
    except NotFound:
        raise NotFound(f"there is no volume {key.removeprefix(VOLUMES)} in the repository") from None
    try:
        fields = json.loads(unseal(keys, body, key))
        if fields["format"] != FORMAT:
            raise Invalid(f"{key} has format {fields['format']!r:.20}, this Snapline knows {FORMAT}; use a newer one")
        ids = [bytes.fromhex(id_) for id_ in fields["tree"]]
        return Volume(ids, int(fields["scanned_bytes"]), int(fields["files"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{key} cannot be read: it holds something else than a volume") from error


def blocks(
    view: View, ids: list[bytes], first: int = 0, unread: Callable[[Damaged], None] | None = None
) -> Iterator[tuple[int, Block]]:
    """The blocks of the tree chunks from number `first`, each with its chunk's number; some chunks are read ahead.
    A chunk that cannot be read is told to `unread` and left out, or without that raised as Damaged."""
    batches = [ids[start : start + TOGETHER] for start in range(first, len(ids), TOGETHER)]
    with ThreadPoolExecutor(1, thread_name_prefix="tree") as pool:
        ahead = deque(pool.submit(chunk_reader.read, view, "t", batch) for batch in batches[:1])
        for number, batch in enumerate(batches):
            ahead.extend(pool.submit(chunk_reader.read, view, "t", each) for each in batches[number + 1 : number + 2])
            chunks = ahead.popleft().result()
            for place, id_ in enumerate(batch, first + number * TOGETHER):
                try:
                    for block in tree.decode(_plain(chunks[id_])):
                        yield place, block
                except Damaged as problem:
                    if unread is None:
                        raise
                    unread(problem)


def _plain(chunk: bytes | Damaged) -> bytes:
    if isinstance(chunk, Damaged):
        raise chunk
    return chunk
