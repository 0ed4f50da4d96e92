"""The end of a copy: writes its record, then looks whether all that the volume needs stays (FORMAT 9)."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from schemas.errors import Damaged, TransientError
from workers.repository.chunks import presence, tree_reader
from workers.repository.chunks.view import View
from workers.repository.copy.checkpoint import State
from workers.repository.format import store_clock, volume_record
from workers.repository.format.layout import PARTIAL, VOLUMES
from workers.repository.format.volume_record import Volume

SOON = timedelta(hours=6)
"""A copy that takes longer from W1 to the end of W2 could not tell of its volume well within the day for which its
record is left alone (F26)."""


def commit(view: View, state: State, reached: Volume, before: frozenset[str] | None, relied: set[bytes]) -> str | None:
    """The volume's id; None if a prune has taken, or is about to take, what it needs (F21), a pack is not there (F43),
    or it took too long. `before` are the index objects that were there at the start of the copy, None if this was in an
    earlier slice; `relied` the packs of others that this slice relies on."""
    name = view.ambient.new_id()
    volume_record.write(view.sealed, VOLUMES + name, reached)  # W1
    drop_partial(view, state)  # before the last look at the clock: nothing may hold up the answer after that
    try:
        view.look_at_marks()  # W2
        now = view.ambient.now()
        if not state.too_old(now) and _all_stays(view, state, reached, before, relied) and _in_time(view, name):
            return name
    except TransientError:
        view.store.delete(VOLUMES + name)
        raise
    view.store.delete(VOLUMES + name)
    return None


def drop_partial(view: View, state: State) -> None:
    """Deletes the record of how far the copy has come."""
    view.store.delete(PARTIAL + state.copy)


def _in_time(view: View, name: str) -> bool:
    """Whether the record still is there, and no pruner takes it soon: by the store's clock, as a pruner sees it."""
    written = _written(view, name)
    return written is not None and store_clock.now(view.store) - written < SOON


def _written(view: View, name: str) -> datetime | None:
    """When the record was written."""
    return next((found.modified for found in view.store.list(VOLUMES + name) if found.key == VOLUMES + name), None)


def _all_stays(view: View, state: State, reached: Volume, before: frozenset[str] | None, relied: set[bytes]) -> bool:
    """Whether nothing that the volume needs may have gone, or be about to. If no mark has come, and no index object has
    gone since the copy began, the index has all that it relied on as it was."""
    is_as_before = sorted(view.marks) == state.marks and not state.open_marks
    if is_as_before and before is not None and before <= view.index_objects:
        return presence.all_there(view, relied)
    return _stay(view, reached.tree) and _stay(view, _data(view, reached))


def _stay(view: View, ids: Iterable[bytes]) -> bool:
    """Whether every chunk has a place that may be relied on, in a pack that is there."""
    needed: set[bytes] = set()
    try:
        for id_ in ids:
            places = [place.pack for place in view.reliable_places(id_)]
            if not places:
                return False
            if needed.isdisjoint(places):
                needed.add(places[0])
    except Damaged:
        return False
    return presence.all_there(view, needed)


def _data(view: View, volume: Volume) -> Iterator[bytes]:
    """The data chunks of a volume. Raises Damaged."""
    return (id_ for _, block in tree_reader.blocks(view, volume.tree) for id_, _ in block.table)
