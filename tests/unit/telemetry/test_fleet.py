"""What is said of the fleet is what the records say; what cannot be read is absent, and said to be."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.local.license_authority import sign_license
from schemas import keys, objectives
from schemas import metrics as m
from schemas import schedule as schedules
from schemas.errors import TransientError
from schemas.job import backup
from schemas.kubernetes import CONFIG_MAPS
from schemas.messages import Message
from schemas.metrics import Metric, Sample
from schemas.records import AppRef, BackupRecord, Check, Running, Suspicion, Verified, VolumeRecord, encode
from schemas.schedule import Schedule
from tests.support.world import CONSOLE, World
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.fleet.looking import PARTS, FleetNeeds, look
from workers.fleet.wanted import interval
from workers.fleet.watching import STALE, Watch
from workers.jobs import ledger
from workers.ports import QueueState, Room

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _queues(names: list[str]) -> Mapping[str, QueueState]:
    return {name: QueueState(1, 3) if not name.endswith(".XQ") else QueueState(0, 2) for name in names}


def _needs(world: World, **changed: Any) -> FleetNeeds:
    needs = FleetNeeds(
        destinations=world.destinations,
        cluster=world.cluster,
        console_namespace=CONSOLE,
        trusted=lambda: world.authority.trusted,
        names=["license.gate", "volumes.node-a"],
        queues=_queues,
        room=lambda _: Room(free=10, total=100),
        now=world.clock,
    )
    return replace(needs, **changed)


def _values(found: list[Sample], metric: Metric) -> dict[tuple[str, ...], float]:
    return {each.labels: each.value for each in found if each.metric is metric}


def _record(
    world: World, name: str, at: datetime, status: str = "Completed", app: str | None = None, **more: Any
) -> None:
    apps = [AppRef(slug=slug, name=slug, version="1", sequence=1) for slug in ([app] if app else ["shop", "floor"])]
    record = BackupRecord(
        name=name,
        request=name,
        status=status,
        app=app,
        apps=apps,
        requested_at=at,
        completed_at=at + timedelta(seconds=90),
        **more,
    )
    ledger.put(world.store, keys.final(backup(name)), record)


def _volume(**more: Any) -> VolumeRecord:
    sizes = {"scanned_bytes": 1000, "changed_bytes": 400, "uploaded_bytes": 250, "files": 7}
    return VolumeRecord(namespace="shop", pod="web", name="data", kind="claim", volume_id="v", **sizes | more)


@pytest.fixture
def world() -> World:
    made = World()
    for slug in ("shop", "floor"):
        made.register(slug)
    return made


def test_the_last_good_backup_counts_for_each_application_that_it_has(world: World) -> None:
    _record(world, "full-1", NOW - timedelta(days=2))
    _record(world, "shop-2", NOW - timedelta(days=1), app="shop", volumes=[_volume()], objects=5)
    _record(world, "shop-3", NOW, "PartiallyFailed", app="shop", volumes=[_volume()], objects=6)
    _record(world, "shop-3-x-before", NOW, app="shop")  # a safety snapshot, of what a restore was to delete
    found = look(_needs(world))
    assert _values(found, m.LAST_GOOD) == {
        ("shop", "default"): (NOW - timedelta(days=1)).timestamp(),
        ("floor", "default"): (NOW - timedelta(days=2)).timestamp(),
    }
    status = _values(found, m.LAST_STATUS)
    assert status["shop", "default", "PartiallyFailed"] == 1
    assert status["shop", "default", "Completed"] == 0
    assert status["floor", "default", "Completed"] == 1
    assert _values(found, m.LAST_OBJECTS) == {("", "default"): 0, ("shop", "default"): 6}
    assert _values(found, m.LAST_STORED)["shop", "default"] == 250
    assert _values(found, m.LAST_DEDUPLICATION) == {("shop", "default"): 0.75}
    assert _values(found, m.LAST_SECONDS)["shop", "default"] == 90
    assert all(value == 1 for value in _values(found, m.FLEET_OK).values())
    assert set(_values(found, m.FLEET_OK)) == {(part,) for part in PARTS}


def test_what_is_bad_about_backups_is_counted_until_they_are_gone(world: World) -> None:
    needs, reason = _needs(world), Message(code="Damaged", text="x")
    _record(world, "shop-1", NOW, app="shop", volumes=[_volume(suspicion=Suspicion(reasons=[]))])
    checks = {"full": Check(at=NOW, seconds=1, request="r", problems=[reason])}
    ledger.put(world.store, keys.verified(backup("shop-1")), Verified(checks=checks))
    for _ in range(2):
        found = look(needs)
        assert _values(found, m.SUSPICIOUS) == {("default",): 1}
        assert _values(found, m.DAMAGED) == {("default",): 1}
        assert _values(found, m.LAST_VERIFIED) == {("default",): NOW.timestamp()}
    world.store.delete(keys.final(backup("shop-1")))
    world.store.delete(keys.verified(backup("shop-1")))
    found = look(needs)
    assert _values(found, m.SUSPICIOUS) == {("default",): 0}
    assert _values(found, m.DAMAGED) == {("default",): 0}
    assert _values(found, m.LAST_VERIFIED) == {}
    assert not needs.known.finished
    assert not needs.known.checked


def test_queues_jobs_room_and_licenses_are_said(world: World) -> None:
    ledger.put(world.store, keys.running(backup("shop-9")), Running())
    ends = NOW + timedelta(days=20)
    text = sign_license(world.authority, app_slug="timed", expires_at=ends.isoformat())
    world.register("timed", license_text=text)
    found = look(_needs(world))
    assert _values(found, m.QUEUE_MESSAGES) == {("license.gate",): 3, ("volumes.node-a",): 3}
    assert _values(found, m.QUEUE_CONSUMERS) == {("license.gate",): 1, ("volumes.node-a",): 1}
    assert _values(found, m.DEAD_LETTERS) == {("license.gate",): 2, ("volumes.node-a",): 2}
    assert _values(found, m.BROKER_UP) == {(): 1}
    assert _values(found, m.RUNNING) == {("default", "backup"): 1, ("default", "restore"): 0}
    assert _values(found, m.DESTINATION_OK) == {("default",): 1}
    assert _values(found, m.DESTINATION_FREE) == {("default",): 10}
    assert _values(found, m.APPLICATIONS) == {(): 3}
    assert _values(found, m.LICENSE_ENDS)["timed",] == ends.timestamp()


def test_a_schedule_says_how_far_apart_its_runs_are_for_each_application(world: World) -> None:
    workdays = Schedule(name="workdays", expression="0 2 * * 1-5")
    for schedule in (workdays, Schedule(name="hourly", expression="@hourly", app="shop"), _paused()):
        world.cluster.create(CONFIG_MAPS, schedules.to_config_map(schedule, CONSOLE))
    data = {"shop": "6h", "gone": "1h"}
    metadata = {"name": objectives.NAME, "namespace": CONSOLE}
    world.cluster.create(CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    found = look(_needs(world))
    assert interval(workdays, NOW) == timedelta(days=3)  # over the weekend
    assert _values(found, m.SCHEDULE_INTERVAL) == {
        ("workdays", "shop", "backup"): 3 * 86400,
        ("workdays", "floor", "backup"): 3 * 86400,
        ("hourly", "shop", "backup"): 3600,
    }
    assert _values(found, m.OBJECTIVE) == {("shop",): 6 * 3600}


def _paused() -> Schedule:
    return Schedule(name="resting", expression="@daily", paused=True)


class _Away(MemoryObjectStore):
    def list(self, prefix: str) -> Any:
        raise TransientError("away")


def test_what_cannot_be_read_is_absent_and_said_to_be_and_holds_up_nothing_else(world: World) -> None:
    def away(_: list[str]) -> Mapping[str, QueueState]:
        raise TransientError("the broker is away")

    _record(world, "shop-1", NOW, app="shop")
    both = MemoryDestinations({"default": (world.store, world.repository), "offsite": (_Away(), world.repository)})
    found = look(_needs(world, destinations=both, queues=away))
    ok = _values(found, m.FLEET_OK)
    assert {part for (part,), value in ok.items() if not value} == {"queues", "backups", "jobs"}
    assert _values(found, m.BROKER_UP) == {(): 0}
    assert _values(found, m.QUEUE_MESSAGES) == {}
    assert _values(found, m.DESTINATION_OK) == {("default",): 1, ("offsite",): 0}
    assert set(_values(found, m.LAST_GOOD)) == {("shop", "default")}
    assert _values(found, m.BACKUPS) == {("default",): 1}


def test_a_record_that_nobody_believes_is_no_good_backup(world: World) -> None:
    world.objects.put(keys.final(backup("shop-1")), encode(Running()))
    assert _values(look(_needs(world)), m.LAST_GOOD) == {}


def test_what_was_seen_long_ago_is_not_told_any_more() -> None:
    now = [0.0]
    seen: list[list[Sample]] = [[Sample(m.BACKUPS, 7, ("default",)), Sample(m.FLEET_OK, 1, ("backups",))]]

    def looking() -> list[Sample]:
        return seen.pop()

    watch = Watch(looking, ["backups"], lambda: now[0])
    assert watch.samples() == []
    watch.once()
    assert _values(watch.samples(), m.BACKUPS) == {("default",): 7}
    now[0] = STALE
    watch.once()  # fails in a way nobody foresaw
    assert _values(watch.samples(), m.BACKUPS) == {("default",): 7}
    now[0] += 1
    assert _values(watch.samples(), m.BACKUPS) == {}
    assert _values(watch.samples(), m.FLEET_OK) == {("backups",): 0}
