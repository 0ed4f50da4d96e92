"""The volume repository: many files in, one volume id out; and back. Its format is in schemas/FORMAT.md."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from schemas.errors import Locked
from schemas.messages import Message
from workers.ports import (
    EVERYTHING,
    CopySlice,
    ObjectStore,
    Part,
    Progress,
    Pruned,
    ReceivedSlice,
    Repository,
    RestoreSlice,
    Say,
)
from workers.repository.chunks.chunk_writer import LEVEL
from workers.repository.chunks.index_cache import Index
from workers.repository.chunks.memory import keep_memory_small
from workers.repository.chunks.view import View
from workers.repository.copy.slice import copy_slice
from workers.repository.format import keyring, sealed_record
from workers.repository.format.ambient import Ambient
from workers.repository.format.layout import BALLAST, VOLUMES
from workers.repository.format.master_key import Keys
from workers.repository.format.sealing import SealedStore
from workers.repository.receive.slice import Wanted, receive_slice
from workers.repository.receive.trees import Views
from workers.repository.restore.slice import restore_slice
from workers.repository.upkeep import check, prune, verify
from workers.repository.upkeep.say import silent


class VolumeRepository:
    """The port `Repository`. Opening it reads nothing but keys."""

    def __init__(
        self,
        store: ObjectStore,
        keys: Keys,
        *,
        cache: Path | None = None,
        level: int = LEVEL,
        ambient: Ambient | None = None,
    ) -> None:
        """Without a `cache` the copy of the index lasts as long as this object."""
        self.store, self.keys = store, keys
        self.sealed = SealedStore(store, keys, ambient or Ambient())
        self._cache, self._level = cache, level
        self._index = None if cache else Index(self.sealed, None)
        keep_memory_small()

    @contextmanager
    def new_view(self) -> Iterator[View]:
        """For one job, or for the functions that look into a repository."""
        if self._index is not None:
            yield View(self.sealed, self._index)
            return
        with closing(Index(self.sealed, self._cache)) as index:
            yield View(self.sealed, index)

    def copy(
        self,
        root: Path,
        *,
        parent: str | None,
        checkpoint: bytes | None,
        binding: str = "",
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> CopySlice:
        """See the port. A parent that no longer exists counts as no parent."""
        with self.new_view() as view:
            return copy_slice(
                view,
                root,
                parent=parent,
                checkpoint=checkpoint,
                binding=binding,
                level=self._level,
                stop=stop,
                progress=progress,
            )

    def restore(
        self,
        volume: str,
        target: Path,
        *,
        checkpoint: bytes | None,
        binding: str = "",
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> RestoreSlice:
        """See the port."""
        with self.new_view() as view:
            return restore_slice(
                view, volume, target, checkpoint=checkpoint, binding=binding, stop=stop, progress=progress
            )

    def receive(
        self,
        volume: str,
        source: Repository,
        *,
        like: tuple[str, str] | None,
        checkpoint: bytes | None,
        binding: str = "",
        stop: Callable[[], bool],
        progress: Callable[[Progress], None],
    ) -> ReceivedSlice:
        """See the port."""
        if not isinstance(source, VolumeRepository):
            raise RuntimeError("volumes are received from volume repositories alone")
        with source.new_view() as there, self.new_view() as here:
            return receive_slice(
                Views(there, here),
                Wanted(volume, like),
                checkpoint=checkpoint,
                binding=binding,
                level=self._level,
                stop=stop,
                progress=progress,
            )

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """See the port."""
        return self.sealed.seal(plaintext, context)

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """See the port."""
        return self.sealed.unseal(sealed, context)

    def seal_record(self, record: bytes, key: str) -> bytes:
        """See the port."""
        return sealed_record.seal(self.keys, record, key, self.sealed.ambient.random_bytes)

    def open_record(self, kept: bytes, key: str) -> bytes:
        """See the port."""
        return sealed_record.unseal(self.keys, kept, key, plain=self.keys.plain_records)

    def verify(self, volume: str, say: Say = silent, part: Part = EVERYTHING) -> list[Message]:
        """See the port."""
        with self.new_view() as view:
            return [Message(code=each.code, text=str(each)) for each in verify.verify_volume(view, volume, say, part)]

    def check(self, volumes: Mapping[str, str], say: Say = silent) -> list[Message]:
        """See the port."""
        with self.new_view() as view:
            return [Message(code=each.code, text=str(each)) for each in check.check_volumes(view, volumes, say)]

    def forget(self, volumes: Iterable[str]) -> None:
        """See the port."""
        for volume in volumes:
            with suppress(Locked):  # the prune that comes when it is free finds it
                self.store.delete(VOLUMES + volume)

    def make_room(self) -> None:
        """See the port (F28)."""
        self.store.delete(BALLAST)

    def prune(self, keep: Callable[[], set[str]], say: Say = silent) -> Pruned:
        """See the port."""
        with self.new_view() as view:
            return prune.prune(view, keep, level=self._level, say=say)


def open_repository(
    store: ObjectStore,
    passphrase: str,
    *,
    cache: Path | None = None,
    level: int = LEVEL,
    ambient: Ambient | None = None,
) -> VolumeRepository:
    """The repository in `store`, made if there is none. Raises Invalid without passphrase, Denied for a wrong one.

    `cache` is the directory of the node's copy of the index, without one it is temporary; `level` is zstd's.
    """
    ambient = ambient or Ambient()
    keys = keyring.open_keys(store, passphrase, ambient)
    return VolumeRepository(store, keys, cache=cache, level=level, ambient=ambient)
