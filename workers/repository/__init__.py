"""The volume repository: many files in, one volume id out; and back.

Plain inside for now. repository/key.json, repository/chunks/<xx>/<id>, repository/volumes/<id>.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from schemas.errors import Damaged, NotFound, TransientError
from workers.ports import CopySlice, ObjectStore, Progress, RestoreSlice
from workers.repository import copying, pruning, restoring, tree
from workers.repository.chunks import read_chunk
from workers.repository.keyring import Keys, open_keys
from workers.repository.pruning import VOLUMES
from workers.repository.sealing import seal, unseal
from workers.repository.tree import Entry, Tree


class VolumeRepository:
    """The port `Repository`."""

    def __init__(self, store: ObjectStore, keys: Keys, grace: timedelta) -> None:
        self._store, self._keys, self._grace = store, keys, grace

    def copy(
        self,
        root: Path,
        *,
        parent: str | None,
        checkpoint: bytes | None,
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> CopySlice:
        """See the port. A parent that is gone is as none."""
        known = self._known(parent)
        return copying.copy(
            self._store,
            self._keys,
            root,
            known=known,
            checkpoint=checkpoint,
            stop=stop,
            progress=progress,
            commit=self._commit,
        )

    def restore(
        self,
        volume: str,
        target: Path,
        *,
        checkpoint: bytes | None,
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> RestoreSlice:
        """See the port."""
        return restoring.restore(
            self._store,
            self._keys,
            self._read(volume),
            target,
            checkpoint=checkpoint,
            stop=stop,
            progress=progress,
        )

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """See the port."""
        return seal(self._keys, plaintext, context)

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """See the port."""
        return unseal(self._keys, sealed, context)

    def verify(self, volume: str) -> list[str]:
        """See the port."""
        try:
            found = self._read(volume)
        except (NotFound, Damaged) as error:
            return [str(error)]
        problems = []
        for chunk in sorted(pruning.chunks_of(found)):
            try:
                read_chunk(self._store, self._keys, chunk)
            except (NotFound, Damaged) as error:
                hurt = [entry.path for entry in found.entries if any(part[0] == chunk for part in entry.parts)]
                problems.append(f"{error}; it hurts {', '.join(hurt[:10])}")
        return problems

    def prune(self, keep: Callable[[], set[str]]) -> int:
        """See the port."""
        return pruning.prune(self._store, keep, self._read, self._grace)

    def _known(self, parent: str | None) -> dict[str, Entry]:
        if parent is None:
            return {}
        try:
            return {entry.path: entry for entry in self._read(parent).entries}
        except (NotFound, Damaged):
            return {}

    def _read(self, volume: str) -> Tree:
        return tree.decode(unseal(self._keys, self._store.get(VOLUMES + volume), VOLUMES + volume))

    def _commit(self, made: Tree) -> str:
        """Writes the tree, then makes sure that no prune took what it refers to. Raises TransientError."""
        body = tree.encode(made)
        volume = self._keys.name(body)
        self._store.put(VOLUMES + volume, seal(self._keys, body, VOLUMES + volume))
        if missing := pruning.missing_chunks(self._store, made):
            self._store.delete(VOLUMES + volume)
            raise TransientError(f"{len(missing)} chunks were pruned while the volume was copied; it is copied again")
        return volume


def open_repository(store: ObjectStore, passphrase: str, *, grace: timedelta = pruning.GRACE) -> VolumeRepository:
    """The repository in `store`, made if there is none. Raises Invalid without passphrase, Denied for a wrong one."""
    return VolumeRepository(store, open_keys(store, passphrase), grace)
