"""Stores that lock what is written: a real S3 bucket with object lock, and what Google and Azure answer."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local.seaweedfs import SeaweedFS
from schemas.destination import AzureDestination, GcsDestination
from schemas.errors import Code, Locked
from tests.support.faults import Answer, FaultyProxy, azure_refusal, gcs_refusal
from tests.support.repositories import MANY_PACKS, digests, fill
from tests.support.volumes import copy, new_repository, objects, problems_of, restore, volume_of
from workers.adapters.stores import open_store
from workers.adapters.stores.check import check
from workers.ports import ObjectStore
from workers.repository.format.ambient import Graces
from workers.repository.format.layout import PACKS

DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def locked_bucket(s3_server: SeaweedFS) -> str:
    """Each object is locked for a day from when it is written."""
    name = f"locked-{uuid.uuid4().hex[:8]}"
    s3_server.make_locked_bucket(name, days=1)
    return name


@pytest.fixture
def store(s3_server: SeaweedFS, locked_bucket: str) -> ObjectStore:
    return open_store(s3_server.destination(prefix=uuid.uuid4().hex).model_copy(update={"bucket": locked_bucket}))


def test_lists_say_until_when_an_object_is_locked(store: ObjectStore) -> None:
    assert [found.locked_until for found in store.list("")] == []
    store.put("a", b"1")
    [found] = store.list("")
    assert found.locked_until == found.modified + DAY


def test_a_bucket_without_locks_is_asked_for_none(s3: ObjectStore) -> None:
    s3.put("a", b"1")
    assert [found.locked_until for found in s3.list("")] == [None]


def test_what_has_to_change_changes_as_the_bucket_keeps_versions(store: ObjectStore) -> None:
    assert store.create("lease", b"1")
    store.put("lease", b"2")
    store.delete("lease")
    assert list(store.list("")) == []
    assert store.create("lease", b"3")
    assert not store.create("lease", b"4")
    assert store.get("lease") == b"3"


def test_the_check_passes_and_says_that_space_comes_back_later(store: ObjectStore) -> None:
    checks = list(check(store, "x"))
    assert [each for each in checks if not each.ok] == []
    assert any("space comes back no sooner" in each.detail for each in checks)


def test_a_repository_in_it_is_pruned_of_nothing_that_is_locked(store: ObjectStore, tmp_path: Path) -> None:
    old_at_once = Graces(pack=-DAY, orphan=-DAY, mark=-DAY)  # the server tells whole seconds
    repository = new_repository(store, limits=MANY_PACKS, graces=old_at_once)
    fill(tmp_path / "first", files=6)
    first = volume_of(copy(repository, tmp_path / "first"))
    fill(tmp_path / "second", files=3, seed=2)
    second, content = volume_of(copy(repository, tmp_path / "second")), digests(tmp_path / "second")
    repository.forget([first])
    packs = objects(store, PACKS)
    pruned = repository.prune(lambda: {second})
    assert objects(store, PACKS) == packs
    assert sum(packs.values()) / 2 < pruned.locked_bytes < sum(packs.values())
    assert pruned.locked_until is not None
    assert timedelta(0) < pruned.locked_until - datetime.now(UTC) <= DAY + timedelta(minutes=1)
    restored = restore(repository, second, tmp_path / "target")
    assert (restored.lost, digests(tmp_path / "target")) == ((), content)
    assert problems_of(repository, {second: "b"}) == []


@pytest.fixture(params=["gcs", "azure"])
def refusing(request: pytest.FixtureRequest) -> Iterator[tuple[FaultyProxy, ObjectStore, list[str]]]:
    """A proxy, a store behind it, and what that server answers for a lock."""
    found: GcsDestination | AzureDestination
    refusal: Callable[[int, str], Answer]
    if request.param == "gcs":
        found, refusal = request.getfixturevalue("gcs_server").destination(), gcs_refusal
        answers = ["403 retentionPolicyNotMet", "403 objectUnderActiveHold"]
    else:
        found, refusal = request.getfixturevalue("azure_server"), azure_refusal
        answers = ["409 BlobImmutableDueToPolicy", "409 BlobImmutableDueToLegalHold", "412 LeaseIdMissing"]
    with FaultyProxy(found.endpoint, refusal).serving() as proxy:
        endpoint = urlsplit(found.endpoint)._replace(netloc=urlsplit(proxy.endpoint).netloc).geturl()
        yield proxy, open_store(found.model_copy(update={"endpoint": endpoint, "prefix": uuid.uuid4().hex})), answers


def test_a_refusal_for_a_lock_is_no_denial(refusing: tuple[FaultyProxy, ObjectStore, list[str]]) -> None:
    proxy, store, answers = refusing
    store.put("a", b"1")
    asks: list[Callable[[], object]] = [lambda: store.delete("a"), lambda: store.put("a", b"2")]
    for answer in answers:
        for ask in asks:
            proxy.faults = [answer]
            with pytest.raises(Locked, match="it is locked") as error:
                ask()
            assert (error.value.code, error.value.until) == (Code.LOCKED, None)
    assert store.get("a") == b"1"
    store.delete("a")
