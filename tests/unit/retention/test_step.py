"""What has expired is asked to be deleted: once, in time, also after a kill, and cheaply of thousands."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import Code, TransientError
from schemas.job import Job, backup, restore
from schemas.kubernetes import CONFIG_MAPS
from schemas.records import BackupRecord, BackupRequest, RestoreRequest, Tombstone, Verification, WantedCopy
from schemas.retention import Rules, to_config_map
from tests.support.repositories import Killed, WrappedStore
from tests.support.sealed import sealed
from tests.support.world import CONSOLE, World
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.ports import ObjectStore
from workers.retention import holds
from workers.steps import maintain, retention
from workers.steps.maintain import MaintainNeeds
from workers.steps.retention import RetentionNeeds

DAY = timedelta(days=1)
EVERY = timedelta(minutes=10)


class Timed(World):
    """Whose store has its clock, too."""

    def __post_init__(self) -> None:
        self.objects = MemoryObjectStore(self.clock)
        super().__post_init__()


@pytest.fixture
def world() -> World:
    made = Timed()
    made.register("shop")  # which makes the console's namespace
    return made


def _finish(world: World, name: str, days: float, *, expired: bool = True) -> Job:
    """A backup that was taken so many days ago."""
    at, job = world.now - days * DAY, backup(name)
    asked = {"name": name, "request": "q", "event_id": "q", "requested_at": at}
    record = {**asked, "status": "Completed", "completed_at": at, "expires_at": world.now - DAY if expired else None}
    ledger.put(world.store, keys.request(job), BackupRequest.model_validate(asked))
    ledger.put(world.store, keys.final(job), BackupRecord.model_validate(record))
    return job


def _needs(world: World, store: ObjectStore | None = None) -> RetentionNeeds:
    destinations = MemoryDestinations({"default": (store or world.store, world.repository)})
    return RetentionNeeds(destinations, world.cluster, CONSOLE, EVERY, world.clock)


def _tick(needs: RetentionNeeds) -> Iterator[e.Event]:
    return retention.tick(e.wrap(e.TickMinute(minute="now"), source="tests", time=needs.now()), needs)


def _asked(world: World, needs: RetentionNeeds | None = None) -> list[str]:
    told = list(_tick(needs or _needs(world)))
    assert all(isinstance(event, e.BackupDeleteRequested) and event.expired for event in told)
    return [event.backup for event in told if isinstance(event, e.BackupDeleteRequested)]


def _delete(world: World, name: str) -> e.Event:
    event = e.wrap(e.BackupDeleteRequested(backup=name, expired=True), source="tests", time=world.now)
    return list(maintain.delete(event, MaintainNeeds(world.destinations, moment=timedelta(0))))[-1]


def test_what_has_expired_is_asked_for_the_oldest_first_and_then_no_more(world: World) -> None:
    for days in (40, 20, 30):
        _finish(world, f"b{days}", days)
    _finish(world, "newest", 1, expired=False)
    needs = _needs(world)
    assert _asked(world, needs) == ["b40", "b30", "b20"]
    assert _asked(world, needs) == []
    world.now += EVERY + timedelta(seconds=1)
    assert _asked(world, _needs(world)) == []
    world.now += DAY
    assert _asked(world, needs) == ["b40", "b30", "b20"], "what was asked for a day ago counts as lost"


def test_the_same_deletion_has_the_same_id_whoever_asks(world: World) -> None:
    _finish(world, "old", 40)
    _finish(world, "newest", 1)
    first, second = ([event.event_id for event in _tick(_needs(world, sealed(world.objects)))] for _ in range(2))
    assert first == ["backup.delete.requested.v1/old"]
    assert second == []


def test_rules_are_read_where_they_are_kept(world: World) -> None:
    for days in range(1, 6):
        _finish(world, f"b{days}", days, expired=False)
    world.cluster.create(CONFIG_MAPS, to_config_map("instance", Rules(keep_last=3), CONSOLE))
    assert _asked(world) == ["b5", "b4"]


def test_a_config_map_that_cannot_be_read_lets_nothing_go(world: World) -> None:
    for days in range(1, 4):
        _finish(world, f"b{days}", days)
    broken = to_config_map("instance", Rules(keep_last=1), CONSOLE)
    broken["data"]["keep_last"] = "some"
    world.cluster.create(CONFIG_MAPS, broken)
    assert _asked(world) == []


def test_nothing_is_asked_for_while_rules_or_a_store_are_away_and_other_stores_go_on(world: World) -> None:
    _finish(world, "old", 40)
    _finish(world, "newest", 1)

    class Away(WrappedStore):
        def before(self, operation: str, key: str, body: bytes | bytearray = b"") -> None:
            raise TransientError("it is away")

    stores = {"away": (Away(world.store), world.repository), "default": (world.store, world.repository)}
    needs = RetentionNeeds(MemoryDestinations(stores), world.cluster, CONSOLE, EVERY, world.clock)
    told: list[e.Event] = []
    with pytest.raises(TransientError):
        told.extend(_collected(_tick(needs), told))
    assert [event.subject for event in told] == ["old"]


def _collected(events: Iterator[e.Event], into: list[e.Event]) -> list[e.Event]:
    for event in events:
        into.append(event)
    return []


def test_what_is_held_or_used_is_not_asked_for(world: World) -> None:
    for name in ("held", "restored", "verified", "copied", "free"):
        _finish(world, name, 40)
    _finish(world, "newest", 1)
    holds.hold(world.store, backup("held"), "", "ada", world.now)
    job = restore("restored-r")
    ledger.begin(world.store, job)
    asked = {"name": job.name, "request": "q", "event_id": "q", "requested_at": world.now}
    ledger.put(
        world.store, keys.request(job), RestoreRequest.model_validate({**asked, "backup": "restored", "scope": "full"})
    )
    ledger.put(world.store, keys.verification("v"), Verification(backup="verified"))
    ledger.put(world.store, keys.wanted_copy(backup("copied"), "elsewhere"), WantedCopy(since=world.now))
    assert _asked(world) == ["free"]


@pytest.mark.parametrize("name", ["held", "used", "last"])
def test_what_has_come_in_between_is_looked_at_once_more_and_it_may_be_asked_for_again(world: World, name: str) -> None:
    _finish(world, "old", 40)
    newest = _finish(world, "newest", 1)
    assert _asked(world) == ["old"]
    match name:
        case "held":
            holds.hold(world.store, backup("old"), "", "ada", world.now)
        case "used":
            ledger.put(world.store, keys.verification("v"), Verification(backup="old"))
        case "last":
            ledger.put(world.store, keys.deleted(newest), Tombstone())
    refused = _delete(world, "old")
    assert isinstance(refused, e.BackupDeleteFailed)
    assert refused.reason.code == {"held": Code.BACKUP_HELD, "used": Code.BACKUP_IN_USE, "last": Code.LAST_GOOD}[name]
    assert not ledger.exists(world.store, keys.expiring(backup("old")))
    assert ledger.finished_backup(world.store, "old") is not None
    assert not ledger.deleted(world.store, backup("old"))


def test_of_two_that_are_deleted_at_once_one_stays(world: World) -> None:
    """Both have expired, and the third, for which they were to go, was deleted by hand meanwhile: each sees the other's
    tombstone, so both stay; asked for once more, the older one goes."""
    jobs = [_finish(world, name, days) for name, days in (("a", 3), ("b", 2))]
    for job in jobs:
        ledger.put(world.store, keys.deleted(job), Tombstone())
    assert [type(_delete(world, job.name)) for job in jobs] == [e.BackupDeleteFailed] * 2
    assert _asked(world) == ["a"]
    assert isinstance(_delete(world, "a"), e.BackupDeleted)


def test_it_is_killed_at_each_of_its_notes_and_nothing_is_forgotten_or_deleted_that_must_stay(world: World) -> None:
    names = [f"b{days}" for days in range(10, 15)]
    for name in names:
        _finish(world, name, int(name[1:]))
    _finish(world, "newest", 1)
    for at in range(1, len(names) + 2):
        for done in (False, True):
            told: list[e.Event] = []
            with pytest.raises(Killed):
                _collected(_tick(_needs(world, sealed(_Dying(world.objects, at, done=done)))), told)
            world.now += EVERY + timedelta(seconds=1)
            _collected(_tick(_needs(world)), told)
            asked = Counter(event.subject for event in told)
            assert asked.keys() == set(names)
            assert asked.total() <= len(names) + 1, "that alone is told again of which the note was not taken"
            world.now += DAY
    assert {type(_delete(world, name)) for name in names} == {e.BackupDeleted}
    assert [type(_delete(world, name)) for name in names] == [e.BackupDeleted] * 5, "again, and it is the same"
    assert [keys.parse_final(found.key) for found in world.store.list(keys.finals_of("backup"))] == [backup("newest")]
    assert list(world.store.list(keys.EXPIRING)) == []


class _Dying(WrappedStore):
    """Whoever uses it is killed at its write of that number, before or after it is done."""

    def __init__(self, store: ObjectStore, at: int, *, done: bool) -> None:
        super().__init__(store)
        self._left, self._done = at, done

    def put(self, key: str, body: bytes | bytearray) -> None:
        self._left -= 1
        if self._left == 0 and not self._done:
            raise Killed
        super().put(key, body)
        if self._left == 0:
            raise Killed


def test_of_five_thousand_only_new_records_are_read_and_a_hundred_deletions_asked_for_at_a_time(world: World) -> None:
    for number in range(5000):
        world.objects.put(
            keys.final(backup(f"b{number}")),
            world.repository.seal_record(
                BackupRecord(
                    name=f"b{number}",
                    request="q",
                    status="Completed",
                    requested_at=world.now - number * timedelta(hours=1),
                    completed_at=world.now,
                    expires_at=world.now - DAY if number >= 4850 else None,
                )
                .model_dump_json(exclude_none=True)
                .encode(),
                keys.final(backup(f"b{number}")),
            ),
        )
    counted = WrappedStore(world.objects)
    needs = _needs(world, sealed(counted))
    found = [_asked(world, needs)]
    assert sum(each.startswith("get final/") for each in counted.operations) == 5000
    counted.operations.clear()
    found += [_asked(world, needs), _asked(world, needs)]
    assert [len(each) for each in found] == [100, 50, 0]
    assert not [each for each in counted.operations if each.startswith("get final/")]
    assert len([each for each in counted.operations if each.startswith("list")]) <= 3 * 7
    assert ledger.exists(world.store, keys.LOOKED)
