"""One slice of receiving a volume: some of its tree chunks, and in the end its record. How many tree chunks there are
here says how far it has come, as each is made of one there."""

from collections.abc import Callable
from dataclasses import dataclass

from schemas.errors import Damaged
from workers.ports import Progress, ReceivedSlice
from workers.repository.chunks.chunk_writer import ChunkWriter
from workers.repository.chunks.view import View
from workers.repository.copy import checkpoint as checkpoints
from workers.repository.copy.checkpoint import State
from workers.repository.copy.commit import commit, drop_partial
from workers.repository.format import volume_record
from workers.repository.format.layout import PARTIAL, VOLUMES
from workers.repository.format.volume_record import Volume
from workers.repository.receive.known import Earlier
from workers.repository.receive.trees import Receiver, Views, grouped, unreadable


@dataclass(frozen=True)
class Wanted:
    """The volume that is received, by its id there, and an earlier one: its ids there and here."""

    volume: str
    like: tuple[str, str] | None


def receive_slice(
    views: Views,
    wanted: Wanted,
    *,
    checkpoint: bytes | None,
    binding: str,
    level: int,
    stop: Callable[[], bool],
    progress: Callable[[Progress], None],
) -> ReceivedSlice:
    """See the port `Repository`."""
    there, here = views
    state = _begun(here, checkpoint, binding)
    here.look()  # after the start is set, so that what it sees is no older (F27)
    before = here.index_objects if not state.tree else None
    if not state.tree:
        state.marks, state.open_marks = sorted(here.marks), here.open_marks()
    there.look()
    original = volume_record.read(there.sealed, VOLUMES + wanted.volume)
    with ChunkWriter(here, level) as writer:
        earlier = Earlier(there, here, wanted.like, original.tree)
        receiver = Receiver(views, wanted.volume, earlier, writer)
        _receive(there, receiver, wanted.volume, original, state, stop, progress)
        writer.flush()
        state.uploaded += writer.uploaded_bytes
    reached = Volume(state.tree, original.scanned_bytes, original.files)
    if len(state.tree) < len(original.tree):
        volume_record.write(here.sealed, PARTIAL + state.copy, reached)
        return _slice(state, None, checkpoints.encode(here.sealed, state, binding))
    name = commit(here, state, reached, before, writer.relied | receiver.reliance.relied)
    return _slice(state, name, None) if name else _anew(here, state, binding)


def _begun(here: View, checkpoint: bytes | None, binding: str) -> State:
    """The state that the slice begins with."""
    if not checkpoint:
        return checkpoints.begin(here.ambient)
    state = checkpoints.decode(here.sealed, checkpoint, binding)
    if not state.too_old(here.ambient.now()):
        return state
    drop_partial(here, state)
    return checkpoints.begin(here.ambient)


def _receive(
    there: View,
    receiver: Receiver,
    volume: str,
    original: Volume,
    state: State,
    stop: Callable[[], bool],
    progress: Callable[[Progress], None],
) -> None:
    """Adds to the tree of `state` until the slice ends, one group of tree chunks at least."""
    left = original.tree[len(state.tree) :]
    groups = grouped(there, left)
    while True:
        try:
            group = next(groups, None)
        except Damaged:
            raise unreadable(there, volume, _lost(there, left)) from None
        if group is None:
            return
        receiver.receive(group, state)
        progress(Progress(state.scanned, original.scanned_bytes, state.files))
        if stop():
            return


def _lost(view: View, tree: list[bytes]) -> set[bytes]:
    """The tree chunks that cannot be read."""
    lost: set[bytes] = set()
    for id_ in tree:
        try:
            view.read("t", id_)
        except Damaged:
            lost.add(id_)
    return lost


def _anew(here: View, state: State, binding: str) -> ReceivedSlice:
    """It begins anew with the next slice: a prune has taken what it needs."""
    drop_partial(here, state)
    return _slice(state, None, checkpoints.encode(here.sealed, checkpoints.begin(here.ambient), binding))


def _slice(state: State, volume: str | None, checkpoint: bytes | None) -> ReceivedSlice:
    return ReceivedSlice(volume=volume, checkpoint=checkpoint, read_bytes=state.changed, uploaded_bytes=state.uploaded)
