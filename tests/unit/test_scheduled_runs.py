"""Each due time of a schedule has one snapshot, or one reason on record; and one run waits for the other."""

from datetime import UTC, datetime, timedelta

import pytest

from producers import scheduler
from schemas import events as e
from schemas import keys
from schemas import schedule as schedules
from schemas.errors import Code, NotYet
from schemas.messages import Message
from schemas.records import BackupRequest
from schemas.schedule import Schedule
from tests.support.world import World
from workers.jobs import endings, ledger, requests
from workers.scheduling import runs
from workers.steps import license_gate

TWO = datetime(2026, 11, 24, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = Schedule(name="often", expression="@hourly", app="shop", since=TWO - 30 * timedelta(days=1))


@pytest.fixture
def world() -> World:
    world = World(now=TWO)
    world.register("shop")
    return world


def ask(world: World, schedule: Schedule, at: datetime) -> list[e.Event]:
    """What the gate says to a scheduler's request for the run that is due `at`."""
    event = scheduler.request(schedule, schedules.due(schedule, at), world.now)
    return list(license_gate.backup_requested(event, "somebody", world.gate))  # type: ignore[arg-type]


def request_of(world: World, licensed: e.Event) -> BackupRequest:
    assert isinstance(licensed, e.BackupLicensed)
    return ledger.read(world.store, keys.request(licensed.job), BackupRequest)


def refused(told: list[e.Event]) -> Code | str:
    [rejected] = told
    assert isinstance(rejected, e.BackupRejected)
    return rejected.reasons[0].code


def end(world: World, licensed: e.Event) -> None:
    """The backup ends, whatever it was doing."""
    assert isinstance(licensed, e.BackupLicensed)
    endings.fail(world.store, licensed.job, world.now, Message(code=Code.STALLED, text="for the test"))


def test_the_request_of_any_scheduler_makes_one_backup_that_knows_its_due_time(world: World) -> None:
    [first], [again] = ask(world, HOURLY, TWO), ask(world, HOURLY, TWO)
    assert first == again
    assert request_of(world, first).due == TWO
    assert runs.is_answered(world.store, "often", TWO)
    assert not runs.is_answered(world.store, "often", TWO + HOUR)


def test_what_nobody_asked_for_in_between_is_on_record_with_the_next_run(world: World) -> None:
    ask(world, HOURLY, TWO)
    world.now += 5 * HOUR
    ask(world, HOURLY, TWO + 5 * HOUR)
    run = runs.read(world.store, "often", TWO + 5 * HOUR)
    assert run.passed_over
    assert (run.passed_over.after, run.passed_over.until) == (TWO, TWO + 4 * HOUR)
    assert run.passed_over.reason.code == Code.RUN_MISSED


def test_a_run_that_is_asked_for_after_a_later_one_is_refused(world: World) -> None:
    world.now += 5 * HOUR
    ask(world, HOURLY, TWO + HOUR)
    assert refused(ask(world, HOURLY, TWO)) == Code.RUN_MISSED
    assert refused(ask(world, HOURLY, TWO)) == Code.RUN_MISSED
    assert runs.is_answered(world.store, "often", TWO)


@pytest.mark.parametrize(("late", "missed"), [(0, False), (14, False), (16, True)])
def test_a_schedule_may_skip_what_was_missed(world: World, late: int, missed: bool) -> None:
    strict = HOURLY.model_copy(update={"missed": "skip"})
    world.now += timedelta(minutes=late)
    told = ask(world, strict, TWO)
    assert isinstance(told[0], e.BackupRejected) is missed
    world.now += HOUR
    assert ask(world, strict, TWO) == told


def test_nobody_but_a_scheduler_says_what_is_due(world: World) -> None:
    world.schedulers = frozenset()
    assert refused(ask(world, HOURLY, TWO)) == Code.SENDER_NOT_ALLOWED
    assert runs.runs_of(world.store, "often") == []


def test_a_run_waits_for_one_of_the_same_and_says_so(world: World) -> None:
    [manual] = world.request(e.BackupRequested(app="shop"), "by hand")
    world.now += timedelta(minutes=1)
    [scheduled] = ask(world, HOURLY, TWO)
    heard = world.hear(scheduled)
    queued = next(heard)
    assert isinstance(queued, e.BackupQueued)
    assert isinstance(manual, e.BackupLicensed)
    assert queued.behind == str(manual.job)
    with pytest.raises(NotYet):
        next(heard)
    end(world, manual)
    assert [type(event) for event in world.hear(scheduled)] == [e.BackupPlanned]


def test_what_is_asked_for_by_hand_waits_for_no_run_and_a_run_for_no_other_application(world: World) -> None:
    world.register("blog")
    ask(world, HOURLY, TWO)
    world.now += timedelta(minutes=1)
    [manual] = world.request(e.BackupRequested(app="shop"), "by hand")
    [other] = ask(world, Schedule(name="blog", expression="@hourly", app="blog"), TWO)
    for event in (manual, other):
        assert [type(each) for each in world.hear(event)] == [e.BackupPlanned]


def test_of_one_schedule_one_run_waits_at_most(world: World) -> None:
    [first] = ask(world, HOURLY, TWO)
    list(world.hear(first))
    world.now += HOUR
    [second] = ask(world, HOURLY, TWO + HOUR)
    with pytest.raises(NotYet):
        list(world.hear(second))
    world.now += HOUR
    assert refused(ask(world, HOURLY, TWO + 2 * HOUR)) == Code.RUN_WAITS
    end(world, first)
    list(world.hear(second))
    world.now += HOUR
    [third] = ask(world, HOURLY, TWO + 3 * HOUR)
    assert isinstance(third, e.BackupLicensed)


def test_a_gate_that_dies_after_the_entry_makes_the_backup_when_it_is_asked_again(world: World) -> None:
    due = schedules.due(HOURLY, TWO)
    event: e.CloudEvent[e.BackupRequested] = scheduler.request(HOURLY, due, world.now)  # type: ignore[assignment]
    asking = requests.look_up(world.store, event, "somebody")
    runs.enter(world.store, event.data, due, asking.request, asking.job, world.now)
    assert not runs.is_answered(world.store, "often", TWO)
    [made] = ask(world, HOURLY, TWO)
    assert isinstance(made, e.BackupLicensed)
    assert runs.is_answered(world.store, "often", TWO)


def test_entries_go_after_ninety_days(world: World) -> None:
    for day in range(0, 200, 40):
        world.now = TWO + timedelta(days=day)
        ask(world, HOURLY, world.now)
    assert runs.runs_of(world.store, "often") == [TWO + timedelta(days=day) for day in (80, 120, 160)]
