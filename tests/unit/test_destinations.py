"""Destinations by name: where they are looked for, when they are opened, and that a change needs no restart."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from producers.actions.objects import apply
from schemas import destination as destinations
from schemas.destination import Destination, DirectoryDestination, S3Destination
from schemas.errors import Code, Denied, Invalid, NotFound, TransientError
from schemas.kubernetes import SECRETS, Object, ResourceType
from schemas.settings import Settings, from_environment
from workers.adapters.destinations import FRESH_FOR, ConfiguredDestinations
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.store import MemoryObjectStore
from workers.ports import Cluster, ObjectStore, Repository, StoredObject
from workers.repository import open_repository
from workers.repository.format import keyring
from workers.repository.upkeep.say import silent

CONSOLE = Settings().console_namespace


class GuardedStore(MemoryObjectStore):
    """A store of the world, and the access keys that open it."""

    def __init__(self) -> None:
        super().__init__()
        self.valid = {"key-1"}


class Session:
    """A guarded store with the access key that a destination has."""

    def __init__(self, store: GuardedStore, key: str) -> None:
        self._store, self._key = store, key

    def _opened(self) -> GuardedStore:
        if self._key not in self._store.valid:
            raise Denied("InvalidAccessKeyId", code=Code.STORE_CREDENTIALS)
        return self._store

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        return self._opened().get(key, start, length)

    def put(self, key: str, body: bytes | bytearray) -> None:
        self._opened().put(key, body)

    def create(self, key: str, body: bytes) -> bool:
        return self._opened().create(key, body)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        yield from self._opened().list(prefix)

    def names(self, prefix: str) -> Iterator[str]:
        yield from self._opened().names(prefix)

    def delete(self, key: str) -> None:
        self._opened().delete(key)


class World:
    """A cluster, buckets by name, and a clock that is set by hand; counts what is asked of them."""

    def __init__(self) -> None:
        self.cluster = MemoryCluster()
        self.buckets: dict[str, GuardedStore] = {}
        self.now = 1000.0
        self.reads = 0
        self.opened: list[str] = []
        self.away = False

    def keep(self, chosen: Destination) -> None:
        """As `storage set` does."""
        apply(self.cluster, SECRETS, destinations.to_secret(chosen, CONSOLE))

    def destinations(self, settings: Settings | None = None) -> ConfiguredDestinations:
        """As a process has them."""
        return ConfiguredDestinations(
            settings or Settings(),
            lambda: CountingCluster(self),
            self.open_repository,
            open_store=self.open_store,
            clock=lambda: self.now,
        )

    def open_store(self, chosen: Destination) -> ObjectStore:
        if isinstance(chosen, DirectoryDestination):
            return self.buckets.setdefault(chosen.path, GuardedStore())
        assert isinstance(chosen, S3Destination)
        return Session(self.buckets.setdefault(chosen.bucket, GuardedStore()), chosen.access_key_id)

    def open_repository(self, store: ObjectStore, passphrase: str) -> Repository:
        self.opened.append(passphrase)
        return open_repository(store, passphrase)


class CountingCluster(MemoryCluster):
    """The world's cluster as one process sees it: only Secrets are read, and it may be away."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get(self, type_: ResourceType, namespace: str | None, name: str) -> Object:
        self._ask()
        return self._world.cluster.get(type_, namespace, name)

    def list(self, type_: ResourceType, namespace: str | None = None, selector: str | None = None) -> Iterator[Object]:
        self._ask()
        return self._world.cluster.list(type_, namespace, selector)

    def _ask(self) -> None:
        self._world.reads += 1
        if self._world.away:
            raise TransientError("the API server does not answer")


@pytest.fixture
def world() -> World:
    return World()


def bucket(name: str = "default", **fields: str) -> S3Destination:
    """A destination with the access key that counts in the beginning."""
    secrets = {"passphrase": "open sesame", "access_key_id": "key-1", "bucket": name}
    return S3Destination.model_validate({"name": name} | secrets | fields)


def no_cluster() -> Cluster:
    raise Invalid("there is no kubeconfig")


def refused(*_: object) -> Repository:
    raise AssertionError("nobody asked for it")


# --- where they are looked for


def test_each_secret_is_a_destination(world: World) -> None:
    for each in (bucket(), bucket("second"), DirectoryDestination(name="nfs", path="/mnt")):
        world.keep(each)
    found = world.destinations()
    assert found.names() == ["default", "nfs", "second"]
    found.store("second").put("a", b"1")
    assert found.store("default").create("a", b"2")
    assert found.destination("nfs") == DirectoryDestination(name="nfs", path="/mnt")


@pytest.mark.parametrize("name", ["default", "other", "", "Not/A name", "../default"])
def test_a_destination_that_is_not_there_is_said_so_by_its_name(world: World, name: str) -> None:
    world.keep(bucket("second"))
    for ask in (world.destinations().store, world.destinations().repository):
        with pytest.raises(NotFound, match="no storage destination") as error:
            ask(name)
        assert (error.value.code, error.value.subject) == (Code.NO_DESTINATION, name)


def test_a_destination_that_is_stored_later_is_found(world: World) -> None:
    found = world.destinations()
    with pytest.raises(NotFound):
        found.store("default")
    world.keep(bucket())
    assert found.store("default").create("a", b"")


def test_the_environments_destination_goes_before_the_secret_and_needs_no_cluster(world: World) -> None:
    settings = from_environment({"SNAPLINE_S3_BUCKET": "mine", "SNAPLINE_S3_ACCESS_KEY_ID": "key-1"})
    alone = ConfiguredDestinations(settings, no_cluster, refused, open_store=world.open_store)
    assert alone.names() == ["default"]
    assert alone.store("default").create("check/a", b"")
    assert list(world.buckets) == ["mine"]
    world.keep(bucket())
    world.keep(bucket("second"))
    both = world.destinations(settings)
    assert both.names() == ["default", "second"]
    assert both.destination("default") == destinations.from_settings(settings)


def test_without_a_destination_in_the_environment_there_must_be_a_cluster() -> None:
    with pytest.raises(Invalid, match="kubeconfig"):
        ConfiguredDestinations(Settings(), no_cluster, refused).names()


# --- when they are opened


def test_a_secret_is_read_once_in_a_while_and_all_is_opened_once(world: World) -> None:
    world.keep(bucket())
    found = world.destinations()
    first = found.repository("default")
    for _ in range(5):
        assert found.repository("default") is first
        found.store("default").put("a", b"1")
    assert world.reads == 1
    world.now += FRESH_FOR
    assert found.repository("default") is first
    assert (world.reads, world.opened) == (2, ["open sesame"])


def test_many_threads_open_a_repository_once(world: World) -> None:
    world.keep(bucket())
    found, gate = world.destinations(), threading.Barrier(8)

    def ask(_: int) -> Repository:
        gate.wait()
        return found.repository("default")

    with ThreadPoolExecutor(8) as pool:
        assert len({id(each) for each in pool.map(ask, range(8))}) == 1
    assert (world.reads, world.opened) == (1, ["open sesame"])


def test_an_open_destination_works_on_while_the_cluster_is_away(world: World) -> None:
    world.keep(bucket())
    found = world.destinations()
    found.store("default").put("a", b"1")
    world.away = True
    world.now += FRESH_FOR
    assert found.store("default").get("a") == b"1"
    with pytest.raises(TransientError):
        found.store("second")


# --- after a change


def test_a_rotated_passphrase_needs_no_restart(world: World) -> None:
    world.keep(bucket())
    busy, idle = world.destinations(), world.destinations()
    before = busy.repository("default")
    sealed = before.seal(b"the plan", "key")
    idle.store("default")  # has read the old passphrase, and opened nothing with it
    keyring.rotate(busy.store("default"), "open sesame", "open barley", "")
    world.keep(bucket(passphrase="open barley"))
    assert idle.repository("default").unseal(sealed, "key") == b"the plan"
    assert before.unseal(sealed, "key") == b"the plan"
    world.now += FRESH_FOR
    after = busy.repository("default")
    assert after is not before
    assert after.unseal(sealed, "key") == b"the plan"
    assert world.opened == ["open sesame", "open sesame", "open barley", "open barley"]


def test_a_wrong_passphrase_stays_refused_until_it_is_corrected(world: World) -> None:
    world.keep(bucket())
    world.destinations().repository("default")
    world.keep(bucket(passphrase="wrong"))
    found = world.destinations()
    with pytest.raises(Denied):
        found.repository("default")
    world.keep(bucket(passphrase=""))
    with pytest.raises(Invalid):
        found.repository("default")
    world.keep(bucket())
    found.repository("default")


def test_a_rotated_access_key_needs_no_restart_not_even_of_what_is_under_way(world: World) -> None:
    world.keep(bucket())
    found = world.destinations()
    store, repository = found.store("default"), found.repository("default")
    store.put("a", b"1")
    world.keep(bucket(access_key_id="key-2"))
    world.buckets["default"].valid = {"key-2"}
    assert [each.key for each in store.list("a")] == ["a"]
    world.keep(bucket(access_key_id="key-3"))
    world.buckets["default"].valid = {"key-3"}
    assert "a" in list(store.names(""))
    assert store.get("a") == b"1"
    world.keep(bucket(access_key_id="key-4"))
    world.buckets["default"].valid = {"key-4"}
    assert repository.prune(set, silent).reclaimed_bytes == 0
    world.buckets["default"].valid = {"key-5"}
    for attempt in (lambda: store.get("a"), lambda: list(store.list("")), lambda: store.put("a", b"")):
        with pytest.raises(Denied):
            attempt()


def test_another_place_under_the_same_name_is_another_store(world: World) -> None:
    world.keep(bucket())
    found = world.destinations()
    old, repository = found.store("default"), found.repository("default")
    old.put("a", b"1")
    world.keep(bucket(bucket="elsewhere"))
    world.now += FRESH_FOR
    new = found.store("default")
    assert not list(new.names(""))
    assert old.get("a") == b"1", "work that has begun ends where it has begun"
    assert found.repository("default") is not repository
    assert "repository/" in list(new.names(""))


def test_a_destination_that_is_removed_is_gone(world: World) -> None:
    world.keep(bucket())
    found = world.destinations()
    found.store("default")
    world.cluster.delete(SECRETS, CONSOLE, destinations.secret_name("default"))
    world.now += FRESH_FOR
    with pytest.raises(NotFound):
        found.store("default")
    world.keep(bucket(passphrase="another"))
    assert found.destination("default").passphrase == SecretStr("another")
