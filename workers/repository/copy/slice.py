"""One slice of a copy, and at its end the volume: its record, then a look whether all it needs stays (FORMAT 9)."""

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from schemas.errors import Damaged, NotFound, TransientError
from workers.ports import CopySlice, Progress
from workers.repository.chunks import tree_reader
from workers.repository.chunks.chunk_writer import ChunkWriter
from workers.repository.chunks.view import View
from workers.repository.copy import checkpoint as checkpoints
from workers.repository.copy.checkpoint import State
from workers.repository.copy.parent_tree import Previous
from workers.repository.copy.stream import Stream
from workers.repository.copy.tree_writer import TreeWriter
from workers.repository.copy.walk import Copy
from workers.repository.files.rooted import Rooted
from workers.repository.format import volume_record
from workers.repository.format.layout import PARTIAL, VOLUMES
from workers.repository.format.volume_record import Volume

SOON = timedelta(hours=6)
"""Who takes longer from W1 to the end of W2 cannot tell of the volume well within the day that its record is
left alone (F26)."""


def copy_slice(
    view: View,
    root: Path,
    *,
    parent: str | None,
    checkpoint: bytes | None,
    level: int,
    stop: Callable[[], bool],
    progress: Callable[[Progress], None],
) -> CopySlice:
    """See the port `Repository`."""
    state = checkpoints.decode(view.sealed, checkpoint) if checkpoint else checkpoints.begin(view.ambient)
    if state.too_old(view.ambient.now()):
        _drop_partial(view, state)
        state = checkpoints.begin(view.ambient)
    view.look()  # after the copy's start is set, so that what it sees is no older (F27)
    if not state.marks and not state.tree:
        state.marks, state.open_marks = sorted(view.marks), view.open_marks()
    before = _parent(view, parent)  # after the marks (F23)
    limits = view.ambient.limits
    with Rooted(root) as source, ChunkWriter(view, level) as writer:
        stream = Stream(view.keys.seed, limits, lambda data, fine: writer.write("d", data, harder=fine))
        tree_writer = TreeWriter(stream, limits, lambda data: writer.write("t", data), state.tree)
        previous = Previous(view, before.tree if before else [], state.parent_chunk)
        total = max(before.scanned_bytes if before else 0, _used(source))
        run = Copy(
            view,
            source,
            stream,
            tree_writer,
            previous,
            state,
            unreliable=view.unreliable_ids(),
            total=total,
            stop=stop,
            progress=progress,
        )
        try:
            complete = run.run()
        except Damaged:
            if all(view.reliable(id_) for id_ in state.tree):
                raise
            return _anew(view, state)  # a prune has taken the tree so far: its partial record was too old (F26)
        stream.finish()
        state.tree = tree_writer.finish()
        writer.flush()
        state.uploaded += writer.uploaded_bytes
        state.parent_chunk = previous.number
    progress(Progress(state.scanned, max(total, state.scanned), state.files))
    reached = Volume(state.tree, state.scanned, state.files)
    if not complete:
        volume_record.write(view.sealed, PARTIAL + state.copy, reached)
        return _slice(state, None, checkpoints.encode(view.sealed, state))
    volume = _commit(view, state, reached)
    return _slice(state, volume, None) if volume else _anew(view, state)


def _commit(view: View, state: State, reached: Volume) -> str | None:
    """The volume's id; None if a prune has taken, or is about to take, what it needs (F21), or it took too long."""
    name, begun = view.ambient.new_id(), view.ambient.now()
    volume_record.write(view.sealed, VOLUMES + name, reached)  # W1
    _drop_partial(view, state)  # before the last look at the clock: nothing may hold up the answer after that
    view.look()  # W2
    try:
        stays, now = _all_stays(view, state, reached), view.ambient.now()
        if stays and not state.too_old(now) and now - begun < SOON:
            return name
    except TransientError:
        view.store.delete(VOLUMES + name)
        raise
    view.store.delete(VOLUMES + name)
    return None


def _all_stays(view: View, state: State, reached: Volume) -> bool:
    """Whether nothing that the volume needs may have been deleted, or be about to (F21)."""
    return (sorted(view.marks) == state.marks and not state.open_marks) or all_reliable(view, reached)


def all_reliable(view: View, volume: Volume) -> bool:
    """Whether every chunk of a volume has a place that no mark names."""

    def stays(id_: bytes) -> bool:
        return any(place.pack not in view.marked for place in view.index.places(id_))

    if not all(stays(id_) for id_ in volume.tree):
        return False
    try:
        return all(stays(id_) for _, block in tree_reader.blocks(view, volume.tree) for id_, _ in block.table)
    except Damaged:
        return False


def _parent(view: View, parent: str | None) -> Volume | None:
    """A parent that is gone or damaged is as none."""
    if parent is None:
        return None
    with suppress(NotFound, Damaged):
        return volume_record.read(view.sealed, VOLUMES + parent)
    return None


def _anew(view: View, state: State) -> CopySlice:
    """The copy begins anew with the next slice."""
    _drop_partial(view, state)
    return _slice(state, None, checkpoints.encode(view.sealed, checkpoints.begin(view.ambient)))


def _drop_partial(view: View, state: State) -> None:
    view.store.delete(PARTIAL + state.copy)


def _used(root: Rooted) -> int:
    """A guess at the bytes of a volume: what its file system has in use, if it is all of one."""
    directory = root.directory(b"")
    with suppress(OSError):
        if os.stat("..", dir_fd=directory).st_dev != os.fstat(directory).st_dev:
            found = os.fstatvfs(directory)
            return (found.f_blocks - found.f_bfree) * found.f_frsize
    return 0


def _slice(state: State, volume: str | None, checkpoint: bytes | None) -> CopySlice:
    return CopySlice(
        volume=volume,
        checkpoint=checkpoint,
        scanned_bytes=state.scanned,
        changed_bytes=state.changed,
        uploaded_bytes=state.uploaded,
        files=state.files,
        warnings=state.all_warnings(),
    )
