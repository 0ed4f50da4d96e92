"""Reclaims what no volume in use refers to.

Rule: nothing younger than the grace period is deleted, as a copy that is under way may refer to it; and a copy
checks, after it has written its tree, that all it refers to is there (`missing_chunks`).
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from schemas.errors import NotFound
from workers.ports import ObjectStore
from workers.repository.chunks import CHUNKS
from workers.repository.tree import Tree

VOLUMES = "repository/volumes/"
GRACE = timedelta(hours=1)


def prune(store: ObjectStore, keep: Callable[[], set[str]], read: Callable[[str], Tree], grace: timedelta) -> int:
    """The bytes reclaimed. Volumes first, so that a killed prune leaves no volume without its chunks."""
    before = datetime.now(UTC) - grace
    candidates = [found for found in store.list(CHUNKS) if found.modified < before]
    volumes = list(store.list(VOLUMES))
    in_use = keep()
    reclaimed = 0
    kept: list[str] = []
    for found in volumes:
        name = found.key.removeprefix(VOLUMES)
        if name in in_use or found.modified >= before:
            kept.append(name)
        else:
            store.delete(found.key)
            reclaimed += found.size
    referred = _referred(kept, read)
    for found in candidates:
        if found.key.rpartition("/")[2] not in referred:
            store.delete(found.key)
            reclaimed += found.size
    return reclaimed


def missing_chunks(store: ObjectStore, tree: Tree) -> set[str]:
    """The chunks of `tree` that are not there."""
    there = {found.key.rpartition("/")[2] for found in store.list(CHUNKS)}
    return chunks_of(tree) - there


def chunks_of(tree: Tree) -> set[str]:
    """All that a volume refers to."""
    return {chunk for entry in tree.entries for chunk, _, _ in entry.parts}


def _referred(volumes: list[str], read: Callable[[str], Tree]) -> set[str]:
    referred: set[str] = set()
    for volume in volumes:
        try:
            referred |= chunks_of(read(volume))
        except NotFound:
            continue  # another prune was faster
    return referred
