"""What every object store does: the one in memory, a real S3 server, and a directory, by the same tests."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
from workers.adapters.stores.s3 import S3ObjectStore
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import ObjectStore


@pytest.fixture(params=["memory", "seaweedfs", "directory", "directory without hard links"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "memory":
        return MemoryObjectStore()
    if request.param == "seaweedfs":
        s3: S3ObjectStore = request.getfixturevalue("s3")
        return s3
    destination = DirectoryDestination(path=str(tmp_path), prefix="below/this")
    return DirectoryObjectStore(destination, hard_links=request.param == "directory")


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


def test_list_goes_beyond_a_page(store: ObjectStore) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: store.put(f"many/{number:05d}", b""), range(1100)))
    assert [entry.key for entry in store.list("many/")] == [f"many/{number:05d}" for number in range(1100)]


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


def test_names_go_beyond_a_page(store: ObjectStore) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: store.put(f"many/{number:05d}/x", b""), range(1100)))
    assert sorted(store.names("many/")) == [f"{number:05d}/" for number in range(1100)]


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
