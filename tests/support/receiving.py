"""Volumes that go from one repository into another, which has other keys, slice after slice."""

import functools
from collections.abc import Callable, Iterator

from tests.support.repositories import MANY_PACKS
from tests.support.volumes import AT_ONCE, never, quiet
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import ObjectStore, ReceivedSlice
from workers.repository import VolumeRepository
from workers.repository.format import keyring
from workers.repository.format.ambient import Ambient, Limits
from workers.repository.format.layout import FIRST_KEY
from workers.repository.format.master_key import Keys

PASSPHRASE = "battery staple"


@functools.cache
def other_key_record() -> tuple[bytes, Keys]:
    """A key record of a repository elsewhere, and its keys: made once."""
    store = MemoryObjectStore()
    keys = keyring.open_keys(store, PASSPHRASE)
    return store.get(FIRST_KEY), keys


def elsewhere(store: ObjectStore, *, limits: Limits = MANY_PACKS) -> VolumeRepository:
    """The repository in `store`, made with keys that the other tests' repositories do not have."""
    record, keys = other_key_record()
    store.create(FIRST_KEY, record)
    return VolumeRepository(store, keys, ambient=Ambient(limits, AT_ONCE))


def slices(
    volume: str,
    source: VolumeRepository,
    target: VolumeRepository,
    *,
    like: tuple[str, str] | None = None,
    stop: Callable[[], bool] = never,
) -> Iterator[ReceivedSlice]:
    """All slices; the last has the volume."""
    checkpoint = None
    while True:
        reached = target.receive(volume, source, like=like, checkpoint=checkpoint, stop=stop, progress=quiet)
        yield reached
        if reached.volume:
            return
        checkpoint = reached.checkpoint


def received(
    volume: str,
    source: VolumeRepository,
    target: VolumeRepository,
    *,
    like: tuple[str, str] | None = None,
    stop: Callable[[], bool] = never,
) -> ReceivedSlice:
    """The last slice."""
    *_, last = slices(volume, source, target, like=like, stop=stop)
    return last
