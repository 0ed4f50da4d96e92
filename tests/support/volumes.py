"""Copies and restores directories through a repository, slice after slice."""

import functools
import itertools
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import CopySlice, ObjectStore, Progress, RestoreSlice
from workers.repository import VolumeRepository
from workers.repository.format import keyring
from workers.repository.format.ambient import Ambient, Graces, Limits, utc_now
from workers.repository.format.layout import FIRST_KEY
from workers.repository.format.master_key import Keys
from workers.repository.upkeep import verify
from workers.repository.upkeep.check import Problem

PASSPHRASE = "correct horse"
AT_ONCE = Graces(pack=timedelta(0), orphan=timedelta(0), mark=timedelta(0))
"""For tests without anybody else at work."""
USUAL = Limits()


@functools.cache
def key_record() -> tuple[bytes, Keys]:
    """A key record that PASSPHRASE opens, and its keys: made once, as stretching takes long on purpose."""
    store = MemoryObjectStore()
    keys = keyring.open_keys(store, PASSPHRASE)
    return store.get(FIRST_KEY), keys


def new_repository(
    store: ObjectStore,
    *,
    cache: Path | None = None,
    limits: Limits = USUAL,
    graces: Graces = AT_ONCE,
    now: Callable[[], datetime] = utc_now,
) -> VolumeRepository:
    """The repository in `store`; made with the one key record if there is none."""
    record, keys = key_record()
    store.create(FIRST_KEY, record)
    return VolumeRepository(store, keys, cache=cache, ambient=Ambient(limits, graces, now))


def never() -> bool:
    """No slice ends."""
    return False


def every(count: int) -> Callable[[], bool]:
    """Ends the slice at each `count`th question."""
    asked = itertools.count(1)
    return lambda: next(asked) % count == 0


def quiet(_progress: Progress) -> None:
    """Nobody watches."""


def slices_of_copy(
    repository: VolumeRepository, root: Path, *, parent: str | None = None, stop: Callable[[], bool] = never
) -> Iterator[CopySlice]:
    """All slices of a copy; the last has the volume."""
    checkpoint = None
    while True:
        reached = repository.copy(root, parent=parent, checkpoint=checkpoint, stop=stop, progress=quiet)
        yield reached
        if reached.volume:
            return
        checkpoint = reached.checkpoint


def copy(
    repository: VolumeRepository, root: Path, *, parent: str | None = None, stop: Callable[[], bool] = never
) -> CopySlice:
    """A whole copy; its last slice."""
    *_, last = slices_of_copy(repository, root, parent=parent, stop=stop)
    return last


def volume_of(reached: CopySlice) -> str:
    """The id of a complete copy."""
    assert reached.volume is not None
    return reached.volume


def restore(
    repository: VolumeRepository, volume: str, target: Path, *, stop: Callable[[], bool] = never
) -> RestoreSlice:
    """A whole restore; its last slice."""
    target.mkdir(exist_ok=True)
    checkpoint = None
    while True:
        reached = repository.restore(volume, target, checkpoint=checkpoint, stop=stop, progress=quiet)
        if reached.checkpoint is None:
            return reached
        checkpoint = reached.checkpoint


def problems_of(repository: VolumeRepository, names: dict[str, str]) -> list[Problem]:
    """What a full verification finds. `names` by volume."""
    with repository.new_view() as view:
        return verify.verify(view, names, 100).problems


def differences(first: Path, second: Path) -> str:
    """What rsync would have to do to make `second` the same as `first`: nothing but contents and metadata count."""
    command = ["rsync", "-aHAXni", "--checksum", "--delete", "--numeric-ids", "--devices", "--specials"]
    found = subprocess.run([*command, f"{first}/", f"{second}/"], capture_output=True, check=True)
    return found.stdout.decode("utf-8", "backslashreplace")


@contextmanager
def removed_at_end(directory: Path) -> Iterator[Path]:
    """A directory that goes at the end, however deep it is."""
    directory.mkdir(exist_ok=True)
    try:
        yield directory
    finally:
        subprocess.run(["rm", "-rf", "--", str(directory)], check=True)


def damaged(store: ObjectStore, key: str, at: int | None = None) -> None:
    """Flips a bit of an object."""
    body = bytearray(store.get(key))
    body[len(body) // 2 if at is None else at] ^= 1
    store.put(key, body)


def objects(store: ObjectStore, prefix: str = "") -> dict[str, int]:
    """Keys and bytes."""
    return {found.key: found.size for found in store.list(prefix)}
