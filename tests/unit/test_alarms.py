"""alarms: what is wrong although no job says so, told once for as long as it lasts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.local.license_authority import Authority, create_authority, sign_license
from schemas import application, keys, objectives
from schemas import events as e
from schemas import schedule as schedules
from schemas.application import Application
from schemas.errors import Denied, Invalid, TransientError
from schemas.job import backup, restore, safety_snapshot
from schemas.kubernetes import CONFIG_MAPS, SECRETS
from schemas.news import describe
from schemas.records import AppRef, BackupRecord, ScheduledRun
from schemas.records.alarms import NAME
from schemas.schedule import Schedule
from tests.support.dying import Dying, Killed
from tests.support.sealed import sealed
from workers.adapters.stores.room import file_system_room
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.store import MemoryObjectStore
from workers.alarms.overdue import Good
from workers.jobs import ledger
from workers.ports import ObjectStore, QueueState, Room
from workers.steps import alarms

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
CONSOLE = "snapline-console"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Stores:
    """Destinations whose stores may be away."""

    def __init__(self, known: dict[str, ObjectStore]) -> None:
        self.known, self.away = known, dict[str, Exception]()

    def names(self) -> list[str]:
        return sorted(self.known)

    def defaults(self) -> list[str]:
        return ["default"]

    def store(self, name: str) -> ObjectStore:
        if name in self.away:
            raise self.away[name]
        return self.known[name]

    def repository(self, name: str) -> Any:
        raise NotImplementedError


@dataclass
class Watch:
    """The step over twins, with a clock that is set by hand."""

    now: datetime = NOW
    letters: dict[str, int] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    authority: Authority = field(default_factory=create_authority)
    remembered: dict[str, Good] = field(default_factory=dict)
    last: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cluster = MemoryCluster(
            [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CONSOLE}}],
            clock=lambda: self.now,
        )
        self.store = sealed(MemoryObjectStore(lambda: self.now))
        self.stores = Stores({"default": self.store})

    def register(self, slug: str, objective: str | None = None, license_text: str | None = None) -> None:
        """An application, with an objective."""
        app = Application(slug=slug, name=slug, license=license_text)
        self.cluster.create(SECRETS, application.to_secret(app, CONSOLE))
        if objective:
            obj = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": objectives.NAME, "namespace": CONSOLE},
                "data": {slug: objective},
            }
            self.cluster.create(CONFIG_MAPS, obj)

    def back_up(self, name: str, *apps: str, status: str = "Completed", store: ObjectStore | None = None) -> None:
        """A backup that has ended now."""
        record = BackupRecord.model_validate(
            {"name": name, "request": "q", "status": status, "requested_at": self.now, "completed_at": self.now}
        )
        record = record.model_copy(update={"apps": [AppRef(slug=app) for app in apps]})
        ledger.put(store or self.store, keys.final(backup(name)), record)

    def tick(self, after: timedelta = timedelta(0)) -> list[Any]:
        """What is told when so much time has passed."""
        self.now += after
        return list(self.each())

    def each(self) -> Iterator[Any]:
        """One by one; `last` has the ids of those that were taken."""
        self.last.clear()
        needs = alarms.AlarmNeeds(
            destinations=self.stores,
            cluster=self.cluster,
            console_namespace=CONSOLE,
            trusted=self.authority.trusted,
            queues=["notify", "volumes.node-a"],
            states=lambda names: {name: QueueState(0, self.letters.get(name, 0)) for name in names},
            room=self.rooms.get,
            remembered=self.remembered,
            now=lambda: self.now,
        )
        for event in alarms.tick(e.wrap(e.TickMinute(minute="x"), source="tests", time=self.now), needs):
            self.last.append(event.event_id)
            yield event

    def types(self, after: timedelta = timedelta(0)) -> list[str]:
        """The same, in short."""
        return [event.type for event in self.tick(after)]


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_nothing_is_told_where_all_is_well(watch: Watch) -> None:
    watch.register("shop", "24h")
    watch.back_up("full", "shop", "wiki")
    assert [watch.types(HOUR) for _ in range(20)] == [[]] * 20


# Overdue.


def test_a_snapshot_that_is_too_old_is_told_once_a_day_and_when_there_is_a_younger_one(watch: Watch) -> None:
    watch.register("shop", "24h")
    watch.back_up("first", "shop")
    assert watch.types(DAY - HOUR) == []
    [told] = watch.tick(HOUR)
    assert (told.app, told.last_good_at, told.since) == ("shop", NOW, NOW + DAY)
    assert (told.objective_seconds, told.again, told.severity) == (86_400, 0, "error")
    assert [watch.types(HOUR) for _ in range(23)] == [[]] * 23
    [again] = watch.tick(HOUR)
    assert (again.again, again.since) == (1, told.since)
    watch.back_up("second", "shop")
    [over] = watch.tick()
    assert over == e.AlarmResolved(alarm="backup.overdue.v1", about="shop", app="shop", since=told.since)
    assert watch.types(HOUR) == []


@pytest.mark.parametrize("status", ["PartiallyFailed", "Failed", "Cancelled"])
def test_what_is_not_whole_is_no_good_one(watch: Watch, status: str) -> None:
    watch.register("shop", "24h")
    watch.back_up("first", "shop", status=status)
    watch.back_up(safety_snapshot(restore("r")).name, "shop")
    [told] = watch.tick(DAY)
    assert told.last_good_at is None


def test_a_full_backup_counts_for_all_that_are_in_it_and_in_every_destination(watch: Watch) -> None:
    watch.register("shop", "24h")
    other = sealed(MemoryObjectStore(lambda: watch.now))
    watch.stores.known["other"] = other
    watch.now += DAY - HOUR
    watch.back_up("full", "shop", "wiki", store=other)
    assert watch.types(2 * HOUR) == []
    watch.now += DAY
    assert watch.types() == ["backup.overdue.v1"]


def test_an_application_that_is_not_registered_has_no_objective(watch: Watch) -> None:
    watch.register("shop", "24h")
    watch.cluster.delete(SECRETS, CONSOLE, application.secret_name("shop"))
    assert watch.types(2 * DAY) == []


def test_a_clock_that_jumps_makes_nothing_new(watch: Watch) -> None:
    """Ahead, it is overdue by that clock; back, it is not; and the second time, it is the same alarm."""
    watch.register("shop", "24h")
    watch.back_up("first", "shop")
    [told] = watch.tick(2 * DAY)
    [over] = watch.tick(-2 * DAY)
    assert over.type == "alarm.resolved.v1"
    assert watch.types(-DAY) == []
    [again] = watch.tick(3 * DAY)
    assert again.event_id == told.event_id
    assert watch.types(-HOUR) == []  # it lasts, and was told at a time to come
    assert watch.types(2 * HOUR) == []


def test_while_its_store_is_away_what_was_known_before_counts(watch: Watch) -> None:
    watch.register("shop", "24h")
    watch.back_up("first", "shop")
    watch.tick()
    watch.stores.away["default"] = TransientError("the store is away")
    assert watch.types(DAY + HOUR) == ["backup.overdue.v1"]
    unknowing = Watch()
    unknowing.register("shop", "24h")
    unknowing.stores.away["default"] = TransientError("the store is away")
    assert unknowing.types(DAY + HOUR) == []  # nobody knows


def test_an_objective_that_cannot_be_read_is_said_and_holds_up_nothing_else(watch: Watch) -> None:
    watch.register("shop", "soon")
    watch.letters["notify.XQ"] = 1
    told = []
    with pytest.raises(Invalid, match=r"snapline-objectives.*shop"):
        told += watch.tick()
    assert watch.cluster.get(CONFIG_MAPS, CONSOLE, NAME)["data"].keys() == {"dead-letters.notify"}


# Missed.


def _schedule(watch: Watch, **fields: Any) -> Schedule:
    made = Schedule(name="nightly", expression="0 2 * * *", since=NOW, **fields)
    watch.cluster.create(CONFIG_MAPS, schedules.to_config_map(made, CONSOLE))
    return made


def _ran(watch: Watch, at: datetime) -> None:
    run = ScheduledRun(schedule="nightly", at=at, starts=at, asked_at=at, request="q", job="b")
    ledger.put(watch.store, keys.scheduled_run("nightly", at), run)


def test_a_run_that_nobody_has_asked_for_is_told_with_when_it_was_due(watch: Watch) -> None:
    _schedule(watch)
    two = datetime(2026, 11, 27, 2, tzinfo=UTC)
    assert watch.types(two - NOW) == []
    assert watch.types(timedelta(minutes=29)) == []
    [told] = watch.tick(timedelta(minutes=1))
    assert (told.schedule, told.since, told.last_good_at) == ("nightly", two, None)
    assert "schedule nightly" in describe(told)
    [again] = watch.tick(DAY)  # the next run was missed as well, and it is the same alarm
    assert (again.since, again.again) == (two, 1)
    _ran(watch, two + DAY)
    assert watch.types() == ["alarm.resolved.v1"]
    assert [each.since for each in watch.tick(DAY)] == [two + 2 * DAY]


@pytest.mark.parametrize("fields", [{"paused": True}, {"does": "verify"}])
def test_what_is_not_to_begin_is_not_missed(watch: Watch, fields: dict[str, Any]) -> None:
    _schedule(watch, **fields)
    assert watch.types(5 * DAY) == []


def test_a_schedule_is_not_known_to_be_missed_while_its_store_is_away(watch: Watch) -> None:
    _schedule(watch)
    watch.stores.away["default"] = TransientError("away")
    assert watch.types(DAY) == []  # it fails for the first time
    assert watch.types(timedelta(minutes=11)) == ["destination.failing.v1"]
    watch.stores.away.clear()
    assert sorted(watch.types()) == ["alarm.resolved.v1", "backup.overdue.v1"]


# Destinations.


@pytest.mark.parametrize("why", [TransientError("it is away"), Denied("no"), Invalid("without a passphrase")])
def test_a_destination_that_fails_for_ten_minutes_is_told_and_when_it_is_back(watch: Watch, why: Exception) -> None:
    watch.stores.known["other"] = sealed(MemoryObjectStore(lambda: watch.now))
    watch.stores.away["other"] = why
    minute = timedelta(minutes=1)
    assert [watch.types(minute) for _ in range(10)] == [[]] * 10
    [told] = watch.tick(minute)
    assert (told.destination, told.since, str(told.reason)) == ("other", NOW + minute, str(why))
    assert watch.types(minute) == []
    watch.stores.away.clear()
    assert watch.types(minute) == ["alarm.resolved.v1"]


def test_a_hiccup_is_not_told_at_all(watch: Watch) -> None:
    for _ in range(3):
        watch.stores.away["default"] = TransientError("away")
        assert watch.types(timedelta(minutes=5)) == []
        watch.stores.away.clear()
        assert watch.types(timedelta(minutes=5)) == []


def test_little_room_is_told_until_there_is_clearly_more(watch: Watch) -> None:
    found = []
    for free in (200, 99, 105, 119, 121, 105, 20):
        watch.rooms["default"] = Room(free=free, total=1000)
        found += [[(event.type, event.severity) for event in watch.tick(HOUR)]]
    full = "destination.nearly_full.v1"
    assert found == [[], [(full, "warning")], [], [], [("alarm.resolved.v1", "info")], [], [(full, "error")]]


def test_a_directory_says_how_much_room_it_has(tmp_path: Any) -> None:
    room = file_system_room(str(tmp_path))
    assert 0 < room.free <= room.total
    with pytest.raises(TransientError):
        file_system_room(str(tmp_path / "gone"))


# Licenses and dead letters.


def test_a_license_is_told_thirty_seven_and_one_days_before_it_ends_and_when_it_has(watch: Watch) -> None:
    ends = NOW + timedelta(days=40)
    text = sign_license(watch.authority, app_slug="shop", expires_at=ends.isoformat())
    watch.register("shop", license_text=text)
    found = {}
    for day in range(45):
        for event in watch.tick(DAY if day else timedelta(0)):
            found[day] = (event.days, event.severity)
    assert found == {10: (30, "info"), 33: (7, "warning"), 39: (1, "error"), 40: (0, "error")}


def test_dead_letters_are_told_once_a_day_until_they_are_gone(watch: Watch) -> None:
    watch.letters["volumes.node-a.XQ"] = 2
    [told] = watch.tick()
    assert (told.queue, told.count) == ("volumes.node-a", 2)
    watch.letters["volumes.node-a.XQ"] = 5
    assert watch.types(HOUR) == []
    assert watch.types(DAY) == ["dead_letters.found.v1"]
    watch.letters.clear()
    assert watch.types() == ["alarm.resolved.v1"]


# Killed.


@pytest.mark.parametrize("number", range(1, 12))
def test_who_is_killed_anywhere_tells_the_same_events_again(number: int) -> None:
    """So whoever is notified has them once: the ids are those from before."""
    watch = Watch()
    text = sign_license(watch.authority, app_slug="shop", expires_at=(NOW + DAY).isoformat())
    watch.register("shop", "24h", text)
    watch.letters = {"notify.XQ": 1, "volumes.node-a.XQ": 1}
    watch.now += DAY
    whole: Any = watch.cluster
    watch.cluster = Dying(whole, number)  # type: ignore[assignment]
    told: list[str] = []
    for _ in range(2):
        try:
            told += [event.event_id for event in watch.each()]
        except Killed:
            told += watch.last
            watch.cluster = whole
    assert len(set(told)) == 4
    assert len(told) <= 5
    assert watch.tick() == []


def test_what_somebody_has_spoilt_is_as_if_it_was_not_there(watch: Watch) -> None:
    watch.letters["notify.XQ"] = 1
    watch.tick()
    watch.cluster.patch(CONFIG_MAPS, CONSOLE, NAME, {"data": {"dead-letters.notify": "{", "other": "nonsense"}})
    assert watch.types() == ["dead_letters.found.v1"]
