"""What the adapters make of a server that fails: lost answers, cut bodies, conflicts, refusals."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from schemas.destination import AzureDestination, Destination, GcsDestination, S3Destination
from schemas.errors import Code, Denied, Invalid, SnaplineError, TransientError
from tests.support.faults import CUT, DIE, LOSE, FaultyProxy, azure_refusal, gcs_refusal, s3_refusal
from workers.adapters.stores import asking, open_store
from workers.adapters.stores.s3 import S3ObjectStore
from workers.ports import ObjectStore

s3_only = pytest.mark.parametrize("kind", ["s3"], indirect=True)
BUSY = {"s3": "SlowDown", "gcs": "backendError", "azure": "ServerBusy"}


Ask = Callable[[], object]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks again without a rest, but for S3, whose SDK has rests of its own. So has Azure's for bodies that are cut."""
    monkeypatch.setattr(asking, "RESTS", (0, 0, 0))
    monkeypatch.setattr("azure.storage.blob._download.time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture(params=["s3", "gcs", "azure"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def behind(kind: str, request: pytest.FixtureRequest) -> Destination:
    """A destination at a server that does not fail."""
    found: S3Destination | GcsDestination | AzureDestination
    if kind == "azure":
        found = request.getfixturevalue("azure_server")
    else:
        found = request.getfixturevalue("s3_server" if kind == "s3" else "gcs_server").destination()
    return found.model_copy(update={"prefix": uuid.uuid4().hex})


@pytest.fixture
def proxy(kind: str, behind: S3Destination) -> Iterator[FaultyProxy]:
    refusal = {"s3": s3_refusal, "gcs": gcs_refusal, "azure": azure_refusal}[kind]
    with FaultyProxy(behind.endpoint, refusal).serving() as proxy:
        yield proxy


@pytest.fixture
def store(proxy: FaultyProxy, behind: S3Destination) -> ObjectStore:
    endpoint = urlsplit(behind.endpoint)._replace(netloc=urlsplit(proxy.endpoint).netloc).geturl()
    return open_store(behind.model_copy(update={"endpoint": endpoint}))


def test_a_creation_whose_answer_is_lost_was_ours(store: ObjectStore, proxy: FaultyProxy) -> None:
    proxy.faults = [LOSE]
    assert store.create("a", b"mine")
    assert proxy.requests >= 2
    assert store.get("a") == b"mine"


def test_a_creation_whose_answer_is_lost_was_not_ours_if_another_body_is_there(
    store: ObjectStore, proxy: FaultyProxy
) -> None:
    store.put("a", b"theirs")
    proxy.faults = [LOSE]
    assert not store.create("a", b"mine")
    assert store.get("a") == b"theirs"


@s3_only
@pytest.mark.parametrize("body", [b"mine", b"the objects of a backup" * 100_000], ids=["small", "large"])
def test_who_dies_before_the_body_is_sent_leaves_nothing(store: ObjectStore, proxy: FaultyProxy, body: bytes) -> None:
    """SeaweedFS keeps an empty object of one who has sent no checksum."""
    proxy.faults = [DIE]
    assert store.create("a", body)
    assert store.get("a") == body


def test_the_same_body_of_somebody_else_does_not_count_as_ours(store: ObjectStore) -> None:
    store.put("a", b"same")
    assert not store.create("a", b"same")


@s3_only
def test_a_creation_that_conflicts_is_tried_again(store: ObjectStore, proxy: FaultyProxy) -> None:
    proxy.faults = ["409 ConditionalRequestConflict"] * 2
    assert store.create("a", b"mine")
    proxy.faults = ["409 ConditionalRequestConflict"]
    assert not store.create("a", b"another")


@s3_only
def test_a_creation_that_only_conflicts_is_for_later(store: ObjectStore, proxy: FaultyProxy) -> None:
    proxy.faults = ["409 ConditionalRequestConflict"] * 20
    with pytest.raises(TransientError, match="try again"):
        store.create("a", b"mine")


def test_a_write_and_a_removal_whose_answer_is_lost_are_done_again(store: ObjectStore, proxy: FaultyProxy) -> None:
    proxy.faults = [LOSE]
    store.put("a", b"1")
    proxy.faults = [LOSE]
    store.delete("a")
    assert list(store.list("")) == []


def test_a_cut_body_is_never_taken_for_the_whole(store: ObjectStore, proxy: FaultyProxy) -> None:
    body = b"0123456789" * 1000
    store.put("a", body)
    reads: list[tuple[Ask, bytes]] = [
        (lambda: store.get("a"), body),
        (lambda: store.get("a", 10, 1000), body[10:1010]),
    ]
    for ask, wanted in reads:
        proxy.faults = [CUT]
        with suppress(TransientError):  # S3's SDK does not read again
            assert ask() == wanted
        proxy.faults = [CUT] * 100
        with pytest.raises(TransientError, match="could not read a"):
            ask()
        proxy.faults = []


@pytest.mark.parametrize("status", [500, 503])
def test_a_busy_server_is_asked_again_but_not_for_ever(
    store: ObjectStore, proxy: FaultyProxy, kind: str, status: int
) -> None:
    store.put("a", b"1")
    busy = f"{status} {BUSY[kind]}"
    proxy.faults = [busy]
    assert store.get("a") == b"1"
    proxy.faults = [busy]
    assert [found.key for found in store.list("")] == ["a"]
    proxy.faults, proxy.requests = [busy] * 20, 0
    with pytest.raises(TransientError, match=BUSY[kind] if kind != "gcs" else "try again"):
        store.get("a")
    assert proxy.requests == 4


REFUSALS: dict[str, list[tuple[str, type[SnaplineError], Code]]] = {
    "s3": [
        ("403 AccessDenied", Denied, Code.STORE_CREDENTIALS),
        ("400 ExpiredToken", TransientError, Code.STORE_CREDENTIALS),
        ("403 RequestTimeTooSkewed", TransientError, Code.STORE_CREDENTIALS),
        ("403 SignatureDoesNotMatch", Denied, Code.STORE_CREDENTIALS),
        ("404 NoSuchBucket", Invalid, Code.DESTINATION_INVALID),
        ("400 InvalidBucketName", Invalid, Code.INVALID),
        ("501 NotImplemented", Invalid, Code.STORE_UNSUITABLE),
        ("507 XMinioStorageFull", TransientError, Code.STORE_FULL),
        ("403 QuotaExceeded", TransientError, Code.STORE_FULL),
    ],
    "gcs": [
        ("403 forbidden", Denied, Code.STORE_CREDENTIALS),
        ("401 authError", Denied, Code.STORE_CREDENTIALS),  # of one who has not signed in
        ("403 rateLimitExceeded", TransientError, Code.TRANSIENT),
        ("429 rateLimitExceeded", TransientError, Code.TRANSIENT),
        ("400 invalid", Invalid, Code.INVALID),
        ("507 full", TransientError, Code.STORE_FULL),
    ],
    "azure": [
        ("403 AuthenticationFailed", Denied, Code.STORE_CREDENTIALS),
        ("403 AuthorizationPermissionMismatch", Denied, Code.STORE_CREDENTIALS),
        ("401 InvalidAuthenticationInfo", TransientError, Code.STORE_CREDENTIALS),
        ("404 ContainerNotFound", Invalid, Code.DESTINATION_INVALID),
        ("409 ContainerBeingDeleted", Invalid, Code.DESTINATION_INVALID),
        ("503 ServerBusy", TransientError, Code.TRANSIENT),
        ("400 InvalidHeaderValue", Invalid, Code.INVALID),
        ("507 Full", TransientError, Code.STORE_FULL),
    ],
}


@pytest.mark.parametrize(
    ("kind", "fault", "family", "code"),
    [(kind, *each) for kind, cases in REFUSALS.items() for each in cases],
    indirect=["kind"],
)
def test_a_refusal_falls_into_its_family(
    store: ObjectStore, proxy: FaultyProxy, fault: str, family: type[SnaplineError], code: Code
) -> None:
    asks: list[Ask] = [
        lambda: store.get("a"),
        lambda: store.create("a", b""),
        lambda: list(store.list("")),
        lambda: store.put("a", b""),
        lambda: store.delete("a"),
    ]
    for ask in asks:
        proxy.faults = [fault] * 4
        with pytest.raises(family) as error:
            ask()
        assert error.value.code == code
        proxy.faults = []


def test_a_bucket_that_is_gone_is_no_missing_object(store: ObjectStore, proxy: FaultyProxy, kind: str) -> None:
    """Google says so in its text alone."""
    words = {"s3": "NoSuchBucket", "gcs": "notFound", "azure": "ContainerNotFound"}[kind]
    asks: list[Ask] = [
        lambda: store.put("a", b""),
        lambda: store.create("a", b""),
        lambda: list(store.list("")),
    ]
    for ask in asks:
        proxy.faults = [f"404 {words}"]
        with pytest.raises(Invalid, match=r"no such (bucket|container)"):
            ask()


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


@s3_only
def test_names_cost_a_request_a_page_whatever_is_inside(store: ObjectStore, proxy: FaultyProxy) -> None:
    keys = [f"backups/{number:04d}/{inside}" for number in range(1050) for inside in ("plan.json", "backup.json")]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: store.put(key, b""), keys))
    proxy.requests = 0
    assert len(list(store.names("backups/"))) == 1050
    assert proxy.requests == 2
    list(store.list("backups/"))
    assert proxy.requests == 2 + 3
