"""What the S3 adapter makes of a server that fails: lost answers, cut bodies, conflicts, refusals."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.local.seaweedfs import SeaweedFS
from schemas.destination import S3Destination
from schemas.errors import Denied, Invalid, SnaplineError, TransientError
from tests.support.faults import CUT, LOSE, FaultyProxy
from workers.adapters.stores.s3 import S3ObjectStore


@pytest.fixture
def proxy(s3_server: SeaweedFS) -> Iterator[FaultyProxy]:
    with FaultyProxy(s3_server.endpoint).serving() as proxy:
        yield proxy


@pytest.fixture
def store(proxy: FaultyProxy, s3_server: SeaweedFS) -> S3ObjectStore:
    behind = s3_server.destination(prefix=uuid.uuid4().hex).model_copy(update={"endpoint": proxy.endpoint})
    return S3ObjectStore(behind)


def test_a_creation_whose_answer_is_lost_was_ours(store: S3ObjectStore, proxy: FaultyProxy) -> None:
    proxy.faults = [LOSE]
    assert store.create("a", b"mine")
    assert proxy.requests >= 2
    assert store.get("a") == b"mine"


def test_a_creation_whose_answer_is_lost_was_not_ours_if_another_body_is_there(
    store: S3ObjectStore, proxy: FaultyProxy
) -> None:
    store.put("a", b"theirs")
    proxy.faults = [LOSE]
    assert not store.create("a", b"mine")
    assert store.get("a") == b"theirs"


def test_the_same_body_of_somebody_else_does_not_count_as_ours(store: S3ObjectStore) -> None:
    store.put("a", b"same")
    assert not store.create("a", b"same")


def test_a_creation_that_conflicts_is_tried_again(store: S3ObjectStore, proxy: FaultyProxy) -> None:
    proxy.faults = ["409 ConditionalRequestConflict"] * 2
    assert store.create("a", b"mine")
    proxy.faults = ["409 ConditionalRequestConflict"]
    assert not store.create("a", b"another")


def test_a_creation_that_only_conflicts_is_for_later(store: S3ObjectStore, proxy: FaultyProxy) -> None:
    proxy.faults = ["409 ConditionalRequestConflict"] * 20
    with pytest.raises(TransientError, match="try again"):
        store.create("a", b"mine")


def test_a_write_and_a_removal_whose_answer_is_lost_are_done_again(store: S3ObjectStore, proxy: FaultyProxy) -> None:
    proxy.faults = [LOSE]
    store.put("a", b"1")
    proxy.faults = [LOSE]
    store.delete("a")
    assert list(store.list("")) == []


def test_a_cut_body_is_never_taken_for_the_whole(store: S3ObjectStore, proxy: FaultyProxy) -> None:
    store.put("a", b"0123456789" * 1000)
    proxy.faults = [CUT]
    with pytest.raises(TransientError, match="could not read a"):
        store.get("a")
    proxy.faults = [CUT]
    with pytest.raises(TransientError, match="could not read a"):
        store.get("a", 10, 1000)


def test_a_busy_server_is_asked_again_but_not_for_ever(store: S3ObjectStore, proxy: FaultyProxy) -> None:
    store.put("a", b"1")
    proxy.faults = ["503 SlowDown"]
    assert store.get("a") == b"1"
    proxy.faults, proxy.requests = ["503 SlowDown"] * 20, 0
    with pytest.raises(TransientError, match="SlowDown"):
        store.get("a")
    assert proxy.requests == 4


@pytest.mark.parametrize(
    ("fault", "family"),
    [
        ("403 AccessDenied", Denied),
        ("400 ExpiredToken", TransientError),
        ("403 RequestTimeTooSkewed", TransientError),
        ("403 SignatureDoesNotMatch", Denied),
        ("404 NoSuchBucket", Invalid),
        ("400 InvalidBucketName", Invalid),
        ("501 NotImplemented", Invalid),
    ],
)
def test_a_refusal_falls_into_its_family(
    store: S3ObjectStore, proxy: FaultyProxy, fault: str, family: type[SnaplineError]
) -> None:
    for attempt in (lambda: store.get("a"), lambda: store.create("a", b""), lambda: list(store.list(""))):
        proxy.faults = [fault] * 4
        with pytest.raises(family):
            attempt()


@pytest.mark.parametrize(
    ("fields", "family", "words"),
    [
        ({"access_key_id": "only this"}, Denied, "go together"),
        ({"endpoint": "not a url"}, Invalid, "not well formed"),
        ({"region": "no such region"}, Invalid, "not well formed"),
        ({"bucket": "no such name!"}, Invalid, "a name in it"),
    ],
)
def test_a_destination_that_cannot_be_used_says_so(
    fields: dict[str, str], family: type[SnaplineError], words: str
) -> None:
    with pytest.raises(family, match=words):
        S3ObjectStore(S3Destination.model_validate({"bucket": "b"} | fields)).get("a")


def test_names_cost_a_request_a_page_whatever_is_inside(store: S3ObjectStore, proxy: FaultyProxy) -> None:
    keys = [f"backups/{number:04d}/{inside}" for number in range(1050) for inside in ("plan.json", "backup.json")]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: store.put(key, b""), keys))
    proxy.requests = 0
    assert len(list(store.names("backups/"))) == 1050
    assert proxy.requests == 2
    list(store.list("backups/"))
    assert proxy.requests == 2 + 3
