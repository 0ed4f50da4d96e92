"""One slice of a copy: puts together what it needs, walks, and keeps what the next slice needs."""

from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from schemas.errors import Damaged, NotFound
from schemas.records import NO_CHANGES, Changes
from workers.ports import CopySlice, Progress
from workers.repository.chunks.chunk_writer import ChunkWriter
from workers.repository.chunks.reliance import Reliance
from workers.repository.chunks.view import View
from workers.repository.copy import checkpoint as checkpoints
from workers.repository.copy.checkpoint import Position, State
from workers.repository.copy.commit import commit, drop_partial
from workers.repository.copy.file_reader import FileReader
from workers.repository.copy.hardlinks import Hardlinks
from workers.repository.copy.pace import Pace
from workers.repository.copy.parent_tree import ParentTree
from workers.repository.copy.size_guess import guess
from workers.repository.copy.stream import Stream
from workers.repository.copy.tree_writer import TreeWriter
from workers.repository.copy.walk import Walk
from workers.repository.files.opening import RegularFiles
from workers.repository.files.rooted import Rooted
from workers.repository.format import volume_record
from workers.repository.format.layout import PARTIAL, VOLUMES
from workers.repository.format.volume_record import Volume


def copy_slice(
    view: View,
    root: Path,
    *,
    parent: str | None,
    checkpoint: bytes | None,
    binding: str,
    level: int,
    stop: Callable[[], bool],
    progress: Callable[[Progress], None],
) -> CopySlice:
    """See the port `Repository`."""
    state = _begun(view, checkpoint, binding)
    view.look()  # after the copy's start is set, so that what it sees is no older (F27)
    before = view.index_objects if state.position is None else None
    if not state.marks and not state.tree:
        state.marks, state.open_marks = sorted(view.marks), view.open_marks()
    known = _parent(view, parent)  # after the marks (F23)
    reliance = Reliance(view)
    with Rooted(root) as source, ChunkWriter(view, level) as writer:
        total = guess(source, known.scanned_bytes if known else 0, view.ambient.limits.guessed_entries)
        pace = Pace(state, view.ambient.limits, total, stop, progress)
        try:
            state.position = _walk(view, source, writer, known, state, pace, reliance)
        except Damaged:
            if all(view.reliable(id_) for id_ in state.tree):
                raise
            return _anew(
                view, state, binding
            )  # a prune has taken the tree so far: its partial record was too old (F26)
        writer.flush()
        state.uploaded += writer.uploaded_bytes
        state.new += writer.new_bytes
        state.new_stored += writer.new_stored_bytes
    progress(Progress(state.scanned, max(total, state.scanned), state.files))
    reached = Volume(state.tree, state.scanned, state.files)
    if state.position:
        volume_record.write(view.sealed, PARTIAL + state.copy, reached)
        return _slice(state, None, checkpoints.encode(view.sealed, state, binding))
    changes = _changes(state, known)
    volume = commit(view, state, reached, before, writer.relied | reliance.relied)
    return _slice(state, volume, None, changes) if volume else _anew(view, state, binding)


def _begun(view: View, checkpoint: bytes | None, binding: str) -> State:
    """The state that the slice begins with."""
    if not checkpoint:
        return checkpoints.begin(view.ambient)
    state = checkpoints.decode(view.sealed, checkpoint, binding)
    if not state.too_old(view.ambient.now()):
        return state
    drop_partial(view, state)
    return checkpoints.begin(view.ambient)


def _walk(
    view: View,
    source: Rooted,
    writer: ChunkWriter,
    known: Volume | None,
    state: State,
    pace: Pace,
    reliance: Reliance,
) -> Position | None:
    """Adds to the tree of `state` until the slice ends. Returns where it ended, or None if the whole volume is read."""
    limits = view.ambient.limits
    stream = Stream(view.keys.seed, limits, lambda data, fine: writer.write("d", data, harder=fine))
    tree = TreeWriter(stream, limits, lambda data: writer.write("t", data), state.tree)
    with (
        RegularFiles() as files,
        closing(ParentTree(view, known.tree if known else [], state.parent_chunk)) as parent,
        closing(Hardlinks()) as hardlinks,
    ):
        if state.linked:
            hardlinks.learn(view, state.tree)
        reader = FileReader(files, stream, tree, state, pace, limits)
        walk = Walk(source, tree, reader, parent, hardlinks, state, pace, reliance)
        left_off = walk.run(state.position)
    stream.finish()
    state.tree = tree.finish()
    state.parent_chunk = parent.number
    return left_off


def _parent(view: View, parent: str | None) -> Volume | None:
    """A parent that no longer exists, or is damaged, counts as no parent."""
    if parent is None:
        return None
    with suppress(NotFound, Damaged):
        return volume_record.read(view.sealed, VOLUMES + parent)
    return None


def _anew(view: View, state: State, binding: str) -> CopySlice:
    """The copy begins anew with the next slice."""
    drop_partial(view, state)
    return _slice(state, None, checkpoints.encode(view.sealed, checkpoints.begin(view.ambient), binding))


def _changes(state: State, known: Volume | None) -> Changes:
    """How the volume differs from its parent. A file that has another name now was deleted, and added."""
    return Changes(
        bytes_before=known.scanned_bytes if known else None,
        files_before=known.files if known else None,
        files_added=max(0, state.files - state.kept),
        files_changed=state.altered,
        files_deleted=max(0, known.files - state.kept) if known else 0,
        new_bytes=state.new,
        new_stored_bytes=state.new_stored,
    )


def _slice(state: State, volume: str | None, checkpoint: bytes | None, changes: Changes = NO_CHANGES) -> CopySlice:
    return CopySlice(
        volume=volume,
        checkpoint=checkpoint,
        scanned_bytes=state.scanned,
        changed_bytes=state.changed,
        uploaded_bytes=state.uploaded,
        files=state.files,
        changes=changes,
        warnings=state.all_warnings(),
        unreadable=state.all_unreadable(),
    )
