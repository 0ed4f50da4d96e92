"""The watchdog tells what is missing, from the object store alone."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import Code
from schemas.job import Job, safety_snapshot
from schemas.messages import Message
from schemas.records import (
    BackupPlan,
    BackupRecord,
    BackupRejection,
    BackupRequest,
    CopyState,
    LiveRef,
    OwnerEnded,
    PodPlan,
    PodResult,
    Record,
    RestorePlan,
    RestoreRequest,
    Running,
    Undeploy,
    Undeployed,
)
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.deliveries import Delivery
from workers.jobs import endings, ledger, rejections
from workers.ports import QueueState
from workers.receive import Row, receive
from workers.steps import maintain, watchdog
from workers.steps.maintain import MaintainNeeds
from workers.steps.watchdog import WatchdogNeeds

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
STALLED = timedelta(minutes=2)
BACKUP, RESTORE = Job("backup", "b"), Job("restore", "r")


class Clock:
    """Set by hand."""

    now = NOW
    unserved: frozenset[str] = frozenset()
    asked = 0
    waiting = 0

    def __call__(self) -> datetime:
        return self.now

    def queue(self, queue: str) -> QueueState | None:
        """Of the queues of a broker, unserved if it is among these; nobody knows of `backup.finalize`."""
        self.asked += 1
        state = QueueState(0 if queue in self.unserved else 1, self.waiting)
        return None if queue == "backup.finalize" else state


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MemoryObjectStore:
    made = MemoryObjectStore(clock)
    ledger.begin(made, BACKUP)
    ledger.put(made, keys.request(BACKUP), BackupRequest(name="b", request="q", event_id="q", requested_at=NOW))
    return made


@pytest.fixture
def tick(store: MemoryObjectStore, clock: Clock) -> Callable[..., list[e.Event]]:
    def run(later: timedelta = STALLED + timedelta(seconds=1)) -> list[e.Event]:
        clock.now += later
        event = e.wrap(e.TickMinute(minute="m"), source="tests", time=clock.now)
        return list(watchdog.tick(event, WatchdogNeeds(_only(store), STALLED, clock, clock.queue)))

    return run


def _only(store: MemoryObjectStore) -> MemoryDestinations:
    """One destination, whose repository nobody may ask for."""
    return MemoryDestinations({"default": (store, None)})  # type: ignore[dict-item]


def _plan(store: MemoryObjectStore) -> None:
    pods = [PodPlan(namespace="ns", name=name, uid="u", node="n", volumes=[]) for name in ("a", "b")]
    ledger.put(store, keys.plan(BACKUP), BackupPlan(manifest="m", objects=3, pods=pods))


def _refuse(store: MemoryObjectStore, clock: Clock) -> Message:
    """Puts on record that the backup's request was refused; why."""
    why = Message(code=Code.NO_SUCH_BACKUP, text="there is none of that name")
    refused = BackupRejection(name="b", request="q", event_id="q", rejected_at=clock.now, reasons=[why])
    rejections.create(store, BACKUP, refused)
    return why


def test_a_job_that_moves_is_left_alone(store: MemoryObjectStore, tick: Callable[..., list[e.Event]]) -> None:
    assert tick(timedelta(seconds=60)) == []
    ledger.pulse(store, BACKUP)
    assert tick(timedelta(seconds=100)) == []


def test_without_a_plan_the_capture_is_told_again(tick: Callable[..., list[e.Event]]) -> None:
    assert tick() == [e.BackupStalled(backup="b", nudge=1), e.BackupLicensed(backup="b")]
    assert tick(timedelta(seconds=1)) == []
    assert tick()[0] == e.BackupStalled(backup="b", nudge=2)


def test_with_a_plan_only_what_has_no_result_is_told_again_from_where_it_was(
    store: MemoryObjectStore, tick: Callable[..., list[e.Event]]
) -> None:
    _plan(store)
    ledger.put(store, keys.pod_result(BACKUP, "ns/a"), PodResult(pod="ns/a", finished_at=NOW))
    ledger.put(store, keys.slices(BACKUP, "ns/b"), CopyState(slice=4))
    assert tick() == [
        e.BackupStalled(backup="b", nudge=1),
        e.VolumesCopyRequested(backup="b", node="n", pod="ns/b", slice=4),
        e.BackupPlanned(backup="b", objects=3, pods=2),
    ]


def test_queues_that_nobody_serves_are_named(
    store: MemoryObjectStore, clock: Clock, tick: Callable[..., list[e.Event]]
) -> None:
    _plan(store)
    clock.unserved = frozenset({"volumes.n", "restore.apply"})
    assert tick()[0] == e.BackupStalled(backup="b", nudge=1, unserved=["volumes.n"])
    assert clock.asked == len(("volumes.n", "backup.finalize"))
    ledger.put(store, keys.running(BACKUP), Running(nudges=watchdog.MOST_NUDGES))
    [failed] = tick()
    assert isinstance(failed, e.BackupFailed)
    assert "nobody serves volumes.n" in str(failed.reason)


def test_a_lost_final_event_is_told_again_and_the_mark_taken_away(
    store: MemoryObjectStore, tick: Callable[..., list[e.Event]]
) -> None:
    record = BackupRecord(name="b", request="q", status="Completed", requested_at=NOW, completed_at=NOW)
    ledger.put(store, keys.final(BACKUP), record)
    assert tick() == [e.BackupCompleted(backup="b")]
    assert tick() == []


def test_what_ends_while_the_watchdog_looks_is_told_by_who_ended_it(
    store: MemoryObjectStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = BackupRecord(name="b", request="q", status="Completed", requested_at=NOW, completed_at=NOW)
    newest = watchdog._newest

    def ends_meanwhile(seen: MemoryObjectStore, job: Job) -> datetime | None:
        found = newest(seen, job)
        ledger.put(store, keys.final(BACKUP), record)
        return found

    monkeypatch.setattr(watchdog, "_newest", ends_meanwhile)
    clock.now += STALLED * 2
    event = e.wrap(e.TickMinute(minute="m"), source="tests", time=clock.now)
    assert list(watchdog.tick(event, WatchdogNeeds(_only(store), STALLED, clock, clock.queue))) == []


def test_a_mark_without_a_request_is_taken_away(store: MemoryObjectStore, tick: Callable[..., list[e.Event]]) -> None:
    store.delete(keys.request(BACKUP))
    assert tick() == []
    assert not list(store.list(keys.RUNNING))


def test_a_job_that_came_after_its_request_was_refused_ends_by_the_refusal(
    store: MemoryObjectStore, clock: Clock, tick: Callable[..., list[e.Event]]
) -> None:
    """As where a network brings the record of a job so late that the gate has looked anew meanwhile."""
    why = _refuse(store, clock)
    assert tick() == [e.BackupFailed(backup="b", errors=1, reason=why)]
    assert list(store.list(keys.RUNNING)) == []


def test_a_job_that_has_begun_goes_on_though_a_refusal_is_on_record(
    store: MemoryObjectStore, clock: Clock, tick: Callable[..., list[e.Event]]
) -> None:
    _refuse(store, clock)
    _plan(store)
    assert isinstance(tick()[0], e.BackupStalled)


def test_a_cancelled_job_that_nobody_works_on_is_ended(
    store: MemoryObjectStore, tick: Callable[..., list[e.Event]]
) -> None:
    ledger.put(store, keys.cancel(BACKUP), Record())
    [told] = tick()
    assert isinstance(told, e.BackupCancelled)


def test_after_many_nudges_the_job_has_failed(tick: Callable[..., list[e.Event]]) -> None:
    for number in range(1, watchdog.MOST_NUDGES + 1):
        assert tick()[0] == e.BackupStalled(backup="b", nudge=number)
    [told] = tick()
    assert isinstance(told, e.BackupFailed)
    assert "no progress" in str(told.reason)
    assert tick() == []


def test_a_nudge_that_the_bus_does_not_take_counts_for_nothing_and_holds_up_no_other_job(
    store: MemoryObjectStore, clock: Clock
) -> None:
    other = Job("backup", "c")
    ledger.begin(store, other)
    ledger.put(store, keys.request(other), BackupRequest(name="c", request="p", event_id="p", requested_at=NOW))
    event = e.wrap(e.TickMinute(minute="m"), source="tests", time=NOW)
    needs = WatchdogNeeds(_only(store), STALLED, clock, clock.queue)
    clock.now += timedelta(hours=2)
    refused = [next(watchdog.tick(event, needs)) for _ in range(2)]
    assert refused == [e.BackupStalled(backup="b", nudge=1), e.BackupStalled(backup="c", nudge=1)]
    clock.now += STALLED + timedelta(seconds=1)
    assert [told.nudge for told in watchdog.tick(event, needs) if isinstance(told, e.BackupStalled)] == [1, 1]
    clock.now += STALLED + timedelta(seconds=1)
    assert [told.nudge for told in watchdog.tick(event, needs) if isinstance(told, e.BackupStalled)] == [2, 2]


def test_a_job_of_which_a_message_is_tried_again_later_is_left_alone_until_then(
    store: MemoryObjectStore, tick: Callable[..., list[e.Event]]
) -> None:
    ledger.rest(store, BACKUP, timedelta(minutes=15))
    assert tick(timedelta(minutes=10)) == []
    assert tick(timedelta(minutes=6)) == []
    assert tick(timedelta(minutes=2))[0] == e.BackupStalled(backup="b", nudge=1)


def test_a_restore_whose_safety_snapshot_is_tried_again_later_is_left_alone_until_then(
    store: MemoryObjectStore, tick: Callable[..., list[e.Event]]
) -> None:
    snapshot = safety_snapshot(RESTORE)
    request = RestoreRequest(name="r", request="p", event_id="p", requested_at=NOW, backup="b", scope="full")
    ledger.put(store, keys.request(RESTORE), request)
    snapshot_request = BackupRequest(name=snapshot.name, request="s", event_id="s", requested_at=NOW)
    ledger.put(store, keys.request(snapshot), snapshot_request)
    for job in (RESTORE, snapshot):
        ledger.begin(store, job)
    ledger.rest(store, snapshot, timedelta(minutes=15))
    endings.close(store, BACKUP)
    assert tick(timedelta(minutes=10)) == []
    told = tick(timedelta(minutes=8))
    assert any(isinstance(each, e.RestoreStalled) for each in told)
    assert any(isinstance(each, e.BackupStalled) for each in told)


def test_nudges_that_help_count_for_nothing(
    store: MemoryObjectStore, clock: Clock, tick: Callable[..., list[e.Event]]
) -> None:
    _plan(store)
    many = watchdog.MOST_NUDGES * 2
    for slice_ in range(many):
        assert tick()[0] == e.BackupStalled(backup="b", nudge=slice_ + 1)
        clock.now += timedelta(seconds=1)
        ledger.put(store, keys.slices(BACKUP, "ns/a"), CopyState(slice=slice_))
    for more in range(watchdog.MOST_NUDGES):
        assert tick()[0] == e.BackupStalled(backup="b", nudge=many + more + 1)
    assert isinstance(tick()[0], e.BackupFailed)


@pytest.mark.parametrize("days", [-2, 2])
def test_the_workers_clock_says_nothing_of_how_long_a_job_stands_still(
    store: MemoryObjectStore, clock: Clock, days: int
) -> None:
    clock.now += timedelta(seconds=60)
    event = e.wrap(e.TickMinute(minute="m"), source="tests", time=clock.now)
    needs = WatchdogNeeds(_only(store), STALLED, lambda: clock.now + timedelta(days=days), clock.queue)
    assert list(watchdog.tick(event, needs)) == []
    clock.now += STALLED
    assert next(watchdog.tick(event, needs)) == e.BackupStalled(backup="b", nudge=1)


def test_a_job_that_waits_in_a_queue_behind_others_is_left_alone_for_an_hour(
    clock: Clock, tick: Callable[..., list[e.Event]]
) -> None:
    clock.waiting = 4999
    assert tick() == []
    clock.unserved = frozenset({"manifest.capture"})
    assert tick()[0] == e.BackupStalled(backup="b", nudge=1, unserved=["manifest.capture"])
    clock.unserved = frozenset()
    assert tick() == []
    assert tick(watchdog.BACKLOG) == [e.BackupStalled(backup="b", nudge=2), e.BackupLicensed(backup="b")]


def test_a_flood_is_looked_at_from_its_oldest_end(
    store: MemoryObjectStore, clock: Clock, tick: Callable[..., list[e.Event]]
) -> None:
    for number in range(watchdog.MOST_LOOKED_AT):
        clock.now += timedelta(seconds=1)
        job = Job("backup", f"x{number}")
        ledger.begin(store, job)
        ledger.put(store, keys.request(job), BackupRequest(name=job.name, request="q", event_id="q", requested_at=NOW))
    named = {event.backup for event in tick(timedelta(days=1)) if isinstance(event, e.BackupStalled)}
    assert len(named) == watchdog.MOST_LOOKED_AT
    assert "b" in named
    assert f"x{watchdog.MOST_LOOKED_AT - 1}" not in named


def test_who_asked_for_a_job_hears_of_it(store: MemoryObjectStore, clock: Clock) -> None:
    needs = WatchdogNeeds(_only(store), STALLED, clock, clock.queue)
    row = Row(lambda event, _: watchdog.tick(event, needs), correlate=lambda event: watchdog.request_of(event, needs))
    clock.now += STALLED * 2
    told: list[e.AnyEvent] = []
    tick = e.wrap(e.TickMinute(minute="m"), source="tests", time=clock.now)
    receive(json.loads(e.encode(tick)), row, told.append, Delivery("watchdog", 1, "somebody", clock.now))
    assert [(event.type, event.correlationid) for event in told] == [
        ("backup.stalled.v1", "q"),
        ("backup.licensed.v1", "q"),
    ]


def test_a_restore_is_told_its_step_again(store: MemoryObjectStore, tick: Callable[..., list[e.Event]]) -> None:
    endings.close(store, BACKUP)
    ledger.begin(store, RESTORE)
    request = RestoreRequest(name="r", request="q", event_id="q", requested_at=NOW, backup="b", scope="full")
    ledger.put(store, keys.request(RESTORE), request)
    assert tick() == [e.RestoreStalled(restore="r", nudge=1), e.RestoreLicensed(restore="r", backup="b")]
    ledger.put(
        store, keys.plan(RESTORE), RestorePlan(backup="b", manifest="m", objects=3, volumes=[], owners=["shop", "blog"])
    )
    newer = LiveRef(group_resource="pods", namespace="shop", name="x", uid="u", why="newer")
    ledger.put(store, keys.undeploy(RESTORE), Undeploy(objects=[newer]))
    planned = e.RestorePlanned(restore="r", replaced=1, objects=3, volumes=0, newer=["pods shop/x"])
    shop, blog = (e.RestoreUndeployRequested(restore="r", owner=owner) for owner in ("shop", "blog"))
    assert tick() == [e.RestoreStalled(restore="r", nudge=2), planned, shop, blog]
    ledger.put(store, keys.undeployed(RESTORE, "shop"), Undeployed(finished_at=NOW))
    prepared = e.RestorePrepared(restore="r", owner="shop")
    assert tick() == [e.RestoreStalled(restore="r", nudge=3), prepared, blog]
    ledger.put(store, keys.owner_ended(RESTORE, "blog"), OwnerEnded(finished_at=NOW))
    assert tick() == [e.RestoreStalled(restore="r", nudge=4), prepared]
    assert tick() == [e.RestoreStalled(restore="r", nudge=5), prepared]
    ledger.put(store, keys.owner_ended(RESTORE, "shop"), OwnerEnded(finished_at=NOW))
    assert tick() == [e.RestoreStalled(restore="r", nudge=6), e.RestoreApplied(restore="r", owner="blog")]


def test_a_backup_that_a_restore_uses_is_not_deleted(store: MemoryObjectStore) -> None:
    record = BackupRecord(name="b", request="q", status="Completed", requested_at=NOW, completed_at=NOW)
    ledger.put(store, keys.final(BACKUP), record)
    ledger.begin(store, RESTORE)
    request = RestoreRequest(name="r", request="q", event_id="q", requested_at=NOW, backup="b", scope="full")
    ledger.put(store, keys.request(RESTORE), request)
    event = e.wrap(e.BackupDeleteRequested(backup="b"), source="tests", time=NOW)
    [told] = maintain.delete(event, MaintainNeeds(_only(store)))
    assert isinstance(told, e.BackupDeleteFailed)
    assert "restore r is using" in str(told.reason)
