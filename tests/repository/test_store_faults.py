"""A store that answers late, busy, half, wrongly or not at all: tried again or reported, never stored as success."""

import os
import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from deploy.local.seaweedfs import SeaweedFS
from schemas.errors import Damaged, TransientError
from tests.support.faults import CUT, LOSE, FaultyProxy
from tests.support.volumes import (
    copy,
    differences,
    key_record,
    new_repository,
    objects,
    problems_of,
    restore,
    volume_of,
)
from workers.adapters.stores.s3 import S3ObjectStore
from workers.adapters.twins.store import MemoryObjectStore
from workers.repository import VolumeRepository
from workers.repository.format.layout import FIRST_KEY, PACKS

T = TypeVar("T")
FAULTS = (LOSE, CUT, "500 InternalError", "503 SlowDown", "", "", "")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    root.mkdir()
    for number in range(30):
        (root / f"file {number}").write_bytes(os.urandom(50_000))
    (root / "large").write_bytes(os.urandom(3_000_000))
    return root


@pytest.fixture
def proxy(s3_server: SeaweedFS) -> Iterator[FaultyProxy]:
    with FaultyProxy(s3_server.endpoint).serving() as found:
        yield found


@pytest.fixture
def store(s3_server: SeaweedFS, proxy: FaultyProxy) -> S3ObjectStore:
    """Behind the proxy."""
    destination = s3_server.destination(prefix=uuid.uuid4().hex)
    found = S3ObjectStore(destination.model_copy(update={"endpoint": proxy.endpoint}))
    found.create(FIRST_KEY, key_record()[0])
    return found


@pytest.mark.parametrize("seed", range(2))
def test_copies_restores_and_prunes_get_through_a_bad_hour(
    seed: int, store: S3ObjectStore, proxy: FaultyProxy, source: Path, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    proxy.faults += chance.choices(FAULTS, k=30)
    repository = VolumeRepository(store, key_record()[1])
    volume = _until_it_succeeds(lambda: volume_of(copy(repository, source)))
    _until_it_succeeds(lambda: restore(repository, volume, tmp_path / "target"))
    _until_it_succeeds(lambda: repository.prune(lambda: {volume}))
    proxy.faults.clear()
    assert differences(source, tmp_path / "target") == ""
    assert problems_of(repository, {volume: "it"}) == []


def _until_it_succeeds(act: Callable[[], T]) -> T:
    """As the bus does: again after what may be better later."""
    for _ in range(40):
        try:
            return act()
        except TransientError:
            continue
    raise AssertionError("it never succeeds")


def test_credentials_that_expire_are_waited_for(store: S3ObjectStore, proxy: FaultyProxy, source: Path) -> None:
    repository = VolumeRepository(store, key_record()[1])
    volume = volume_of(copy(repository, source))
    for act in (
        lambda: copy(repository, source, parent=volume),
        lambda: restore(repository, volume, source.parent / "target"),
        lambda: repository.prune(lambda: {volume}),
        lambda: repository.verify(volume),
    ):
        proxy.faults += ["", "403 ExpiredToken", *["403 ExpiredToken"] * 20]
        with pytest.raises(TransientError, match="ExpiredToken"):
            act()
        proxy.faults.clear()
    assert repository.verify(volume) == []


class Liar(MemoryObjectStore):
    """Answers some reads with other bytes, or with a part."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.chance, self.lies = random.Random(seed), 0.0

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See the port; or not."""
        body = bytearray(super().get(key, start, length))
        if body and self.chance.random() < self.lies:
            if self.chance.random() < 0.5:
                return bytes(body[: self.chance.randrange(len(body))])
            body[self.chance.randrange(len(body))] ^= 0x10
        return bytes(body)


@pytest.mark.parametrize("seed", range(12))
def test_wrong_bytes_are_never_restored_and_never_copied(seed: int, source: Path, tmp_path: Path) -> None:
    store = Liar(seed)
    repository = new_repository(store)
    first = volume_of(copy(repository, source))
    store.lies = 0.2
    try:
        reached = restore(repository, first, tmp_path / "lies")
        lost = {each.partition(":")[0] for each in reached.lost}
    except (Damaged, TransientError):
        lost = {path.name for path in source.iterdir()}
    for path in (tmp_path / "lies").iterdir():
        assert path.read_bytes() == (source / path.name).read_bytes() or path.name in lost
    (source / "file 3").write_bytes(b"new")
    try:
        second = volume_of(copy(repository, source, parent=first))
    except (Damaged, TransientError):
        return
    store.lies = 0
    restore(new_repository(store), second, tmp_path / "truth")
    assert differences(source, tmp_path / "truth") == ""


def test_a_write_that_was_not_taken_is_no_success(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryObjectStore()
    repository = new_repository(store)
    really = store.put

    def refuse_packs(key: str, body: bytes | bytearray) -> None:
        if key.startswith(PACKS):
            raise TransientError("could not write: the server is busy")
        really(key, body)

    monkeypatch.setattr(store, "put", refuse_packs)
    with pytest.raises(TransientError):
        copy(repository, source)
    assert list(objects(store)) == [FIRST_KEY]
    monkeypatch.undo()
    assert problems_of(repository, {volume_of(copy(repository, source)): "it"}) == []
