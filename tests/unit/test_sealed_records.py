"""Who can write to the store and has no passphrase can make no record: each is sealed for its key (FORMAT F45, F46)."""

import random
from collections.abc import Callable

import pytest

from schemas import keys
from schemas.errors import Code, Damaged, Invalid, NotFound
from schemas.records import Record
from tests.support.sealed import repository_in, sealed
from tests.support.written_keys import BACK, COPY, WRITTEN
from workers.adapters.stores.sealed_records import RECORD_MOST, SealedRecords
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.ports import Repository
from workers.repository import VolumeRepository
from workers.repository.format import sealed_record
from workers.repository.format.master_key import derive

NO_RECORDS = {
    "CLOCK": "empty, and only its time counts",
    "manifest": "sealed by who writes it",
    "replaced": "sealed by who writes it",
    "hook_plans": "sealed by who writes it",
    "hook_output": "sealed by who writes it",
}
RECORDS = [key for name, made in WRITTEN.items() if name not in NO_RECORDS for key in made]
RECORDS += [keys.cancel(COPY), keys.cancel(BACK)]
PLAIN = b'{"format": 1, "name": "forged"}'


@pytest.fixture
def objects() -> MemoryObjectStore:
    """What somebody sees who has no passphrase."""
    return MemoryObjectStore()


@pytest.fixture
def store(objects: MemoryObjectStore) -> SealedRecords:
    return sealed(objects)


def _refused(store: SealedRecords, key: str) -> bool:
    """Whether whoever asks for the record is told so by its name, and not that it is missing."""
    looks: list[Callable[[], object]] = [
        lambda: store.get(key),
        lambda: store.get(key, 3, 5),
        lambda: ledger.exists(store, key),
        lambda: ledger.find(store, key, Record),
        lambda: ledger.create(store, key, Record()),
    ]
    for look in looks:
        with pytest.raises(Damaged) as error:
            look()
        assert (error.value.code, error.value.subject) == (Code.RECORD_NOT_AUTHENTIC, key)
        assert key in str(error.value)
    return True


def test_all_that_jobs_write_is_a_record_but_what_is_sealed_apart() -> None:
    assert {name for name, made in WRITTEN.items() if not any(map(keys.is_record, made))} == NO_RECORDS.keys()
    assert all(map(keys.is_record, RECORDS))


def test_what_nobody_knows_yet_is_a_record() -> None:
    for key in ("new/thing", "backups/x/new.json", "restores/x/manifest", "repositoryish", "clock2", "backups/x"):
        assert keys.is_record(key)


@pytest.mark.parametrize("key", RECORDS)
def test_a_record_opens_at_its_key_and_says_nothing_to_others(
    key: str, store: SealedRecords, objects: MemoryObjectStore
) -> None:
    assert store.create(key, PLAIN)
    assert not store.create(key, PLAIN)
    assert store.get(key) == PLAIN
    assert store.get(key, 2, 6) == PLAIN[2:8]
    assert b"forged" not in objects.get(key)
    store.put(key, bytearray(b"{}"))
    assert store.get(key) == b"{}"


@pytest.mark.parametrize("key", RECORDS)
def test_a_record_that_is_not_ours_is_refused(key: str, store: SealedRecords, objects: MemoryObjectStore) -> None:
    store.put(key, PLAIN)
    ours = objects.get(key)
    forged = [PLAIN, b"", b"{}", ours[:-1], ours[:8], ours[:30], ours + b"x", b"{" + ours]
    forged += [ours[:at] + bytes([ours[at] ^ 1]) + ours[at + 1 :] for at in range(len(ours))]
    for body in forged:
        objects.put(key, body)
        with pytest.raises(Damaged):
            store.get(key)
    assert _refused(store, key)
    objects.put(key, ours)
    assert store.get(key) == PLAIN


@pytest.mark.parametrize("key", RECORDS)
def test_a_record_of_another_key_is_refused(key: str, store: SealedRecords, objects: MemoryObjectStore) -> None:
    for other in RECORDS:
        if other != key:
            store.put(other, PLAIN)
            objects.put(key, objects.get(other))
            with pytest.raises(Damaged):
                store.get(key)
    assert _refused(store, key)


def test_a_record_of_another_repository_is_refused(store: SealedRecords, objects: MemoryObjectStore) -> None:
    elsewhere = MemoryObjectStore()
    for key in RECORDS:
        sealed(elsewhere).put(key, PLAIN)
        objects.put(key, elsewhere.get(key))
        assert _refused(store, key)


def test_what_a_repository_seals_otherwise_is_no_record(store: SealedRecords, objects: MemoryObjectStore) -> None:
    repository = repository_in(objects)
    for key in RECORDS:
        objects.put(key, repository.seal(PLAIN, key))
        assert _refused(store, key)


def test_a_record_is_not_missing_because_the_keys_are(objects: MemoryObjectStore) -> None:
    def without_keys() -> Repository:
        raise NotFound("there is no repository in this destination yet", code=Code.NO_REPOSITORY)

    store, key = SealedRecords(objects, without_keys), keys.final(COPY)
    assert not ledger.exists(store, key)
    objects.put(key, PLAIN)
    with pytest.raises(Damaged, match="final/backup") as error:
        ledger.exists(store, key)
    assert error.value.code == Code.KEYS_LOST


def test_a_record_without_end_is_not_read(objects: MemoryObjectStore) -> None:
    class Endless(MemoryObjectStore):
        """Has as much as anybody asks for."""

        def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
            assert length is not None
            assert length <= RECORD_MOST + 1
            return memoryview(bytes(1)).tobytes() * length

    repository = repository_in(objects)
    with pytest.raises(Damaged, match="longer than any of ours"):
        SealedRecords(Endless(), lambda: repository).get(keys.plan(COPY))


def test_nothing_is_sealed_that_would_not_be_read(objects: MemoryObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_record, "RECORD_MOST", 1000)
    store = SealedRecords(objects, lambda: repository_in(objects))
    for body in (b"1" * 1001, random.Random(1).randbytes(999)):  # of which the second is longer when it is sealed
        with pytest.raises(Invalid, match="at most 1000 are read"):
            store.put(keys.plan(COPY), body)
    store.put(keys.plan(COPY), b"1" * 1000)


def test_plain_records_are_read_only_where_there_was_nothing_else(objects: MemoryObjectStore) -> None:
    old = VolumeRepository(MemoryObjectStore(), derive(bytes(32), plain_records=True))
    store = SealedRecords(objects, lambda: old)
    key, other = keys.plan(COPY), keys.plan(BACK)
    objects.put(key, PLAIN)
    assert store.get(key) == PLAIN
    store.put(key, PLAIN)
    assert b"forged" not in objects.get(key), "what is written is sealed"
    objects.put(other, objects.get(key))
    assert _refused(store, other)
    objects.put(other, b"not JSON")
    assert _refused(store, other)
    new = SealedRecords(objects, lambda: VolumeRepository(MemoryObjectStore(), derive(bytes(32))))
    assert new.get(key) == PLAIN
    objects.put(key, PLAIN)
    assert _refused(new, key)
