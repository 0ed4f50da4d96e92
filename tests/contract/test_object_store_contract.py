"""What every object store does, by the same tests: the one in memory, a real S3 server, Google's and Azure's emulators,
and a directory."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local.ports import free_ports
from deploy.local.seaweedfs import SeaweedFS
from schemas.destination import DirectoryDestination
from schemas.errors import Code, Denied, Invalid, NotFound, TransientError
from schemas.messages import told
from workers.adapters.stores import open_store
from workers.adapters.stores.check import check
from workers.adapters.stores.directory import DirectoryObjectStore
from workers.adapters.stores.directory.names import path_of
from workers.adapters.stores.s3 import S3ObjectStore
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import ObjectStore

SERVERS = ("s3", "gcs", "azure")
STORES = ("memory", *SERVERS, "directory", "directory without hard links")


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if kind == "memory":
        return MemoryObjectStore()
    if kind in SERVERS:
        server: ObjectStore = request.getfixturevalue(kind)
        return server
    destination = DirectoryDestination(path=str(tmp_path), prefix="below/this")
    return DirectoryObjectStore(destination, hard_links=kind == "directory")


def test_what_is_written_is_read_whole_and_in_parts(store: ObjectStore) -> None:
    store.put("a/b", b"0123456789")
    assert store.get("a/b") == b"0123456789"
    assert store.get("a/b", 3) == b"3456789"
    assert store.get("a/b", 3, 4) == b"3456"
    assert store.get("a/b", 3, 0) == b""
    assert store.get("a/b", 8, 100) == b"89"


def test_what_is_not_there_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(NotFound, match="nope"):
        store.get("nope")


def test_put_replaces_and_create_does_not(store: ObjectStore) -> None:
    store.put("a", b"1")
    store.put("a", b"2")
    assert not store.create("a", b"3")
    assert store.get("a") == b"2"
    assert store.create("b", b"4")
    assert store.get("b") == b"4"


def test_of_many_creators_at_once_one_wins(store: ObjectStore) -> None:
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda number: store.create("contested", str(number).encode()), range(32)))
    assert won.count(True) == 1
    assert store.get("contested") == str(won.index(True)).encode()


def test_list_has_every_key_of_a_prefix_once_with_its_size(store: ObjectStore) -> None:
    keys = ["l/a", "l/a.b", "l/a/b", "l/a/b/c", "l/B", "l/ü", "l/%2F", "other"]
    for number, key in enumerate(keys):
        store.put(key, b"x" * number)
    found = list(store.list("l/"))
    assert sorted(entry.key for entry in found) == sorted(keys[:-1])
    assert {entry.key: entry.size for entry in found} == {key: number for number, key in enumerate(keys[:-1])}
    assert [entry.key for entry in store.list("l/a/")] == ["l/a/b", "l/a/b/c"]
    assert list(store.list("nothing")) == []


def test_list_tells_by_the_etag_whether_the_content_is_another(store: ObjectStore) -> None:
    store.put("e/a", b"1")
    store.put("e/b", b"1")
    before, again = ({found.key: found.etag for found in store.list("e/")} for _ in range(2))
    assert before == again
    store.put("e/a", b"2")
    store.delete("e/b")
    store.put("e/b", b"2")
    after = {found.key: found.etag for found in store.list("e/")}
    assert all(etag and '"' not in etag and etag != before[key] for key, etag in after.items())


def test_lists_and_names_go_beyond_a_page(kind: str, store: ObjectStore) -> None:
    keys = [f"many/{number:05d}/x" for number in range(250 if kind in ("gcs", "azure") else 1100)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: store.put(key, b""), keys))
    assert [entry.key for entry in store.list("many/")] == keys
    assert sorted(store.names("many/")) == [key[5:-1] for key in keys]


@pytest.mark.parametrize("kind", ["memory", "s3", "gcs", "directory"], indirect=True)
def test_10000_keys_are_listed_each_once(
    kind: str, store: ObjectStore, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Not on Azurite, which takes a minute to write so many."""
    keys = [f"many/{number:05d}/x" for number in range(10_000)]
    if kind == "directory":
        _touch(tmp_path / "below.d/this.d", keys)
    elif kind == "gcs":
        request.getfixturevalue("gcs_server").fill(store, keys)
    else:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda key: store.put(key, b""), keys))
    assert [entry.key for entry in store.list("many/")] == keys
    assert sorted(store.names("many/")) == [key[5:-1] for key in keys]


def _touch(root: Path, keys: list[str]) -> None:
    for key in keys:
        path = root.joinpath(*path_of(key))
        path.parent.mkdir(parents=True)
        path.touch()


def test_a_list_sees_every_finished_write_and_removal(store: ObjectStore) -> None:
    for number in range(20):
        store.put(f"seen/{number:02d}", b"")
        assert [found.key for found in store.list("seen/")] == [f"seen/{each:02d}" for each in range(number + 1)]
    for number in range(20):
        store.delete(f"seen/{number:02d}")
        assert len(list(store.list("seen/"))) == 19 - number


def test_a_large_body_comes_back_whole_and_in_parts(store: ObjectStore) -> None:
    """Larger than any pack, and than what the SDKs send or fetch at once."""
    body = random.Random(16).randbytes(34 * 2**20)
    store.put("large", bytearray(body))
    assert store.create("large again", body)
    assert not store.create("large again", body[:-1])
    assert store.get("large") == body == store.get("large again")
    assert store.get("large", 2**20, 33 * 2**20) == body[2**20 :]
    assert store.get("large", len(body) - 5) == body[-5:]
    assert [found.size for found in store.list("large")] == [len(body)] * 2


def test_an_empty_body_is_there_and_has_no_parts(store: ObjectStore) -> None:
    assert store.create("empty", b"")
    assert (store.get("empty"), store.get("empty", 0, 10), store.get("empty", 5)) == (b"", b"", b"")
    assert [found.size for found in store.list("empty")] == [0]


def test_a_part_behind_the_end_is_empty(store: ObjectStore) -> None:
    store.put("short", b"0123456789")
    assert (store.get("short", 10), store.get("short", 11, 5)) == (b"", b"")


@pytest.mark.parametrize("round_", range(5))
def test_of_two_creators_one_wins_and_both_know(store: ObjectStore, round_: int) -> None:
    at_once = threading.Barrier(2)

    def create(body: bytes) -> bool:
        at_once.wait()
        return store.create("race", body)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(create, [b"1", b"2"])
    assert first != second
    assert store.get("race") == (b"1" if first else b"2")


def test_names_are_what_is_directly_below_each_once(store: ObjectStore) -> None:
    for key in ("n/a", "n/a.b", "n/a/b", "n/a/b/c", "n/a/d", "n/B/c", "n/ü/ö", "n/%2F", "n/", "no/a", "other"):
        store.put(key, b"")
    assert sorted(store.names("n/")) == sorted(["a", "a.b", "a/", "B/", "ü/", "%2F"])
    assert sorted(store.names("n/a/")) == ["b", "b/", "d"]
    assert sorted(store.names("")) == ["n/", "no/", "other"]
    assert list(store.names("nothing/")) == []


def test_an_object_is_named_no_more_once_it_is_gone(store: ObjectStore) -> None:
    """A directory may be: SeaweedFS keeps empty ones for a while."""
    store.put("n/a", b"")
    store.put("n/b", b"")
    store.delete("n/a")
    assert list(store.names("n/")) == ["b"]


def test_any_key_is_kept_under_its_own_name(store: ObjectStore) -> None:
    keys = [
        "k/shop%2Fdb-0.json",
        "k/a d",
        "k/=",
        "k/=2E",
        "k/.d",
        "k/x.d",
        "k/x.d/y",
        "k/x.c",
        "k/X",
        "k/*?:<|>",
        "k/a+b",
    ]
    for number, key in enumerate(keys):
        assert store.create(key, str(number).encode())
    assert [store.get(key) for key in keys] == [str(number).encode() for number in range(len(keys))]
    assert sorted(found.key for found in store.list("k/")) == sorted(keys)
    assert sorted(found.key for found in store.list("k/x.")) == ["k/x.c", "k/x.d", "k/x.d/y"]
    for key in keys:
        store.delete(key)
    assert list(store.list("")) == []


HOSTILE = [
    "h/ a  b ",
    "h/%",
    "h/%2e%2e%2Fx",
    "h/a%00b",
    "h/'\"`$(x)",
    "h/<b>&amp;",
    "h/?versionId=1&x#y",
    "h/+",
    "h/ä",
    "h/a\u0308",
    "h/日本/語",
    "h/\U0001f9ca",
    "h/..x/...y/.z",
    "h/~",
    "h/" + "long/" * 100 + "x" * 200,
    "h/-rf",
    "h/;|^[]{}",
]
"""What any store keeps."""
MANGLED = ["h/../x", "h/./x", "h/x/..", "h/dot.", "h/back\\slash"]
"""What a URL or Azure may take for something else."""


def test_a_hostile_key_is_kept_under_its_own_name(store: ObjectStore) -> None:
    for number, key in enumerate(HOSTILE):
        assert store.create(key, str(number).encode())
    assert [store.get(key) for key in HOSTILE] == [str(number).encode() for number in range(len(HOSTILE))]
    assert sorted(found.key for found in store.list("h/")) == sorted(HOSTILE)
    for key in HOSTILE:
        store.delete(key)
    assert list(store.list("h/")) == []


@pytest.mark.parametrize("key", MANGLED)
def test_a_key_that_a_store_would_mangle_is_kept_or_refused(kind: str, store: ObjectStore, key: str) -> None:
    if kind == "s3" and "\\" in key:
        pytest.skip("SeaweedFS takes a backslash for a slash; S3 does not")
    store.put("x", b"another")
    store.put("h/x", b"another")
    try:
        created = store.create(key, b"mine")
    except (Invalid, NotFound, Denied):
        for ask in (lambda: store.get(key), lambda: store.put(key, b""), lambda: store.delete(key)):
            with suppress(Invalid, NotFound, Denied):
                ask()
    else:
        assert created
        assert store.get(key) == b"mine"
        assert key in [found.key for found in store.list("h/")]
        store.delete(key)
    assert {found.key: store.get(found.key) for found in store.list("")} == {"x": b"another", "h/x": b"another"}


def test_delete_is_no_error_when_there_is_nothing(store: ObjectStore) -> None:
    store.put("a", b"1")
    store.delete("a")
    store.delete("a")
    with pytest.raises(NotFound):
        store.get("a")
    assert store.create("a", b"2")


def test_a_store_passes_its_own_check_and_nothing_is_left(store: ObjectStore) -> None:
    assert all(each.ok for each in check(store, "x"))
    assert list(store.list("")) == []


def test_a_store_that_ignores_conditions_is_refused() -> None:
    class Forgetful(MemoryObjectStore):
        def create(self, key: str, body: bytes) -> bool:
            self.put(key, body)
            return True

    refused = [each for each in check(Forgetful(), "x") if not each.ok]
    assert [each.check for each in refused] == ["refuse to create it twice"]
    assert "If-None-Match" in refused[0].detail


def test_errors_say_what_was_tried_and_never_the_secret(s3_server: SeaweedFS) -> None:
    good = s3_server.destination()
    wrong_key = good.model_copy(update={"secret_access_key": SecretStr("hunter2-hunter2")})
    with pytest.raises(Denied, match="could not read a in the object store") as denied:
        S3ObjectStore(wrong_key).get("a")
    assert denied.value.place == f"bucket {good.bucket!r} at {good.endpoint}"
    assert denied.value.code == Code.STORE_CREDENTIALS
    with pytest.raises(Invalid, match="no such bucket"):
        S3ObjectStore(good.model_copy(update={"bucket": "missing"})).get("a")
    away = good.model_copy(update={"endpoint": f"http://127.0.0.1:{free_ports(1)[0]}"})
    with pytest.raises(TransientError, match="is the S3 server running"):
        S3ObjectStore(away).get("a")
    assert "hunter2" not in denied.value.with_place


@pytest.mark.parametrize("provider", ["s3", "directory"])
def test_errors_tell_others_nothing_of_where_the_store_is(provider: str, s3_server: SeaweedFS, tmp_path: Path) -> None:
    away = s3_server.destination().model_copy(update={"endpoint": f"http://127.0.0.1:{free_ports(1)[0]}"})
    gone = DirectoryDestination(path=str(tmp_path / "gone"))
    asks: list[Callable[[ObjectStore], object]] = [
        lambda store: store.get("a"),
        lambda store: list(store.list("a")),
        lambda store: store.create("a", b""),
    ]
    for ask in asks:
        with pytest.raises(TransientError) as error:
            ask(open_store(away if provider == "s3" else gone))
        said = told(error.value).text
        assert [word for word in (away.endpoint, away.bucket, "127.0.0.1", str(tmp_path)) if word in said] == []
        assert (away.endpoint if provider == "s3" else str(tmp_path)) in error.value.with_place
