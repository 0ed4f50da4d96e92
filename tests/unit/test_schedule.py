"""When schedules are due, and that any number of schedulers say the same."""

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from producers import scheduler
from schemas import events as e
from schemas import schedule as schedules
from schemas.errors import Invalid, TransientError
from schemas.schedule import Schedule, last_due, next_due

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("* * * * *", "2026-11-23T12:01"),
        ("30 2 * * *", "2026-11-24T02:30"),
        ("0 0 1 * *", "2026-12-01T00:00"),
        ("*/15 9-17 * * MON-FRI", "2026-11-23T12:15"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
        ("30 2 ? * MON", "2026-11-30T02:30"),
        ("30 2 1 * ?", "2026-12-01T02:30"),
        ("?/15 * * * *", "2026-11-23T12:15"),
        ("@hourly", "2026-11-23T13:00"),
        ("@daily", "2026-11-24T00:00"),
        ("@midnight", "2026-11-24T00:00"),
        ("@weekly", "2026-11-29T00:00"),
        ("@monthly", "2026-12-01T00:00"),
        ("@yearly", "2027-01-01T00:00"),
        ("@annually", "2027-01-01T00:00"),
        ("@every 1h", "2026-11-23T13:00"),
        ("@every 1m", "2026-11-23T12:01"),
    ],
)
def test_schedules_are_due_when_they_say(expression: str, due: str) -> None:
    assert next_due(expression, NOON).strftime("%Y-%m-%dT%H:%M") == due


def test_every_counts_from_the_epoch_so_that_all_agree() -> None:
    every = timedelta(hours=1, minutes=45)
    for minutes in range(0, 300, 7):
        due = next_due("@every 1h45m", NOON + timedelta(minutes=minutes))
        assert (due - schedules.EPOCH) % every == timedelta(0)
        assert timedelta(0) < due - (NOON + timedelta(minutes=minutes)) <= every


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * *",
        "61 * * * *",
        "@reboot",
        "@every",
        "@every 5",
        "@every 30s",
        "0 0 30 2 *",
        "0 0 1? * *",
        "?? * * * *",
    ],
)
def test_a_wrong_expression_is_a_clear_error(expression: str) -> None:
    with pytest.raises(Invalid, match=r"schedule|too often"):
        Schedule(name="x", expression=expression)


def test_a_wrong_name_is_a_clear_error() -> None:
    with pytest.raises(Invalid, match="cannot be called"):
        Schedule(name="Not A Name", expression="@daily")


def test_of_missed_runs_only_the_newest_counts() -> None:
    assert last_due("@hourly", NOON - timedelta(hours=5), NOON) == NOON
    assert last_due("@hourly", NOON, NOON + timedelta(minutes=59)) is None


def test_a_schedule_survives_its_config_map() -> None:
    whole = Schedule(
        name="c",
        expression="@daily",
        app="shop",
        destination="nas",
        copy_to=("far", "farther"),
        ttl="720h",
        time_zone="Europe/Berlin",
        jitter="10m",
        missed="skip",
        paused=True,
        since=NOON,
    )
    for schedule in (Schedule(name="a", expression="@daily"), Schedule(name="b", expression="0 1 * * *"), whole):
        assert schedules.from_config_map(schedules.to_config_map(schedule, "ns")) == schedule
    with pytest.raises(Invalid, match=r"data\.expression"):
        schedules.from_config_map({"metadata": {"labels": {schedules.LABEL: "c"}}})


def test_a_config_map_of_an_older_version_is_readable() -> None:
    data = {"expression": "0 2 * * *", "since": "2026-11-23T12:00:00+00:00", "app": "shop"}
    read = schedules.from_config_map({"metadata": {"labels": {schedules.LABEL: "old"}}, "data": data})
    assert read == Schedule(name="old", expression="0 2 * * *", app="shop", since=NOON)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ttl", "30x"),
        ("ttl", "0h"),
        ("jitter", "-1m"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../etc/passwd"),
        ("blackouts", ("whenever",)),
        ("blackouts", ("FOO 08:00-09:00",)),
        ("blackouts", ("08:00-25:00",)),
        ("blackouts", ("SAT-FRI 12:00-00:00", "00:00-12:00")),
        ("missed", "twice"),
    ],
)
def test_a_wrong_field_is_a_clear_error(field: str, value: str) -> None:
    with pytest.raises((Invalid, ValidationError), match=f"{field}|{re.escape(str(value))}|blackout window"):
        Schedule.model_validate({"name": "x", "expression": "@daily", field: value})


def test_a_paused_schedule_asks_for_nothing_and_others_name_their_destinations() -> None:
    known = [Schedule(name="idle", expression="@hourly", paused=True)]
    known.append(Schedule(name="nas", expression="@hourly", destination="nas", copy_to=("far",), ttl="720h"))
    [(asked, due)] = scheduler.due(known, {}, NOON, lambda *_: False)
    request = scheduler.request(asked, due, NOON)
    said = e.BackupRequested(schedule="nas", destination="nas", copy_to=["far"], ttl="720h", due=due)
    assert request.data == said


def test_a_new_schedule_makes_up_for_nothing() -> None:
    old = Schedule(name="old", expression="@hourly")
    new = Schedule(name="new", expression="@hourly", since=NOON - timedelta(minutes=5))
    told = scheduler.due([old, new], {}, NOON - timedelta(minutes=1), lambda *_: False)
    assert [schedule.name for schedule, _ in told] == ["old"]


@pytest.mark.parametrize(
    "expression", ["0 2 * * *", "*/7 3-5 * * 1", "@monthly", "0 0 31 * *", "@every 7h", "@every 1m"]
)
@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 3600 * 50])
def test_the_last_due_time_is_that_after_which_none_is_due(expression: str, seconds: int) -> None:
    until = datetime(2026, 11, 24, 2, tzinfo=UTC) + timedelta(seconds=seconds)
    last = schedules.last_due(expression, schedules.EPOCH, until)
    assert last
    assert last <= until < schedules.next_due(expression, last)
    assert schedules.last_due(expression, last, until) is None
    assert schedules.last_due(expression, last - timedelta(seconds=1), until) == last


def test_what_was_missed_while_no_scheduler_ran_is_made_up_for_once_however_long_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scheduler, "LOOK", 0)
    known = [Schedule(name="yearly", expression="0 2 1 1 *"), Schedule(name="often", expression="@every 1m")]
    start = datetime(2026, 11, 24, 1, 0, 30, tzinfo=UTC)
    told = _run([start, start + timedelta(seconds=1)], known)
    requests = [event.id for event in told if event.id.startswith("schedule/")]
    assert requests == ["schedule/yearly/2026-01-01T02:00:00Z", "schedule/often/2026-11-24T01:00:00Z"]


class _Bus:
    def __init__(self) -> None:
        self.events: list[e.AnyEvent] = []

    def publish(self, event: e.AnyEvent) -> None:
        self.events.append(event)


def _run(clock: list[datetime], known: list[Schedule]) -> list[e.AnyEvent]:
    """A scheduler that lives as long as its clock has times."""
    bus, stop, times = _Bus(), threading.Event(), iter(clock)
    last = clock[-1]

    def now() -> datetime:
        moment = next(times, last)
        if moment == last:
            stop.set()
        return moment

    scheduler.run(bus.publish, lambda: known, stop, now)
    return bus.events


def test_two_schedulers_say_the_same_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "LOOK", 0)
    known = [
        Schedule(name="nightly", expression="0 2 * * *"),
        Schedule(name="often", expression="@every 5m", app="shop"),
    ]
    start = datetime(2026, 11, 24, 1, 58, 30, tzinfo=UTC)
    first = _run([start + timedelta(seconds=second) for second in range(0, 240, 1)], known)
    second = _run([start + timedelta(seconds=7 * step) for step in range(34)], known)
    assert {event.id for event in first} == {event.id for event in second}
    requests = {event.id: event for event in first if event.type == "backup.requested.v1"}
    assert "schedule/nightly/2026-11-24T02:00:00Z" in requests
    assert len({event.source for event in first}) == 1
    assert (
        sorted({event.id for event in first if event.type == "tick.minute.v1"})[-1]
        == "tick.minute.v1/2026-11-24T02:02Z"
    )


def test_a_run_is_asked_for_again_until_it_is_answered() -> None:
    known, asked, told = [Schedule(name="nightly", expression="@daily")], scheduler.Asked(), list[e.AnyEvent]()
    for minutes in range(60):
        now, answered = NOON + timedelta(minutes=minutes), minutes > 35
        scheduler.look(told.append, known, asked, now, lambda *_, answered=answered: answered)
    assert [event.id for event in told] == ["schedule/nightly/2026-11-23T00:00:00Z"] * 4


@pytest.mark.parametrize(
    "more", [{"jitter": "5h"}, {"blackouts": ("01:00-14:00",)}, {"jitter": "9h", "blackouts": ("07:00-09:00",)}]
)
def test_the_newest_run_is_the_last_that_has_begun(more: dict[str, object]) -> None:
    schedule = Schedule.model_validate({"name": "x", "expression": "0 */6 * * *", "since": NOON, **more})
    known = [NOON + timedelta(hours=hours) for hours in range(6, 96, 6)]
    for minutes in range(0, 3 * 24 * 60, 11):
        now = NOON + timedelta(minutes=minutes)
        newest = schedules.latest(schedule, now)
        begun = [at for at in known if schedules.starts(schedule, at) <= now]
        assert (newest.at if newest else None) == (begun[-1] if begun else None)


def test_each_due_time_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "LOOK", 0)
    known = [Schedule(name="each", expression="* * * * *")]
    start = datetime(2026, 11, 24, 1, 0, 0, tzinfo=UTC)
    told = _run([start + timedelta(seconds=second) for second in range(1, 200)], known)
    ids = [event.id for event in told]
    assert len(ids) == len(set(ids))
    assert [id_ for id_ in ids if id_.startswith("schedule/")][-1] == "schedule/each/2026-11-24T01:03:00Z"


def test_while_the_tick_is_refused_what_is_due_is_asked_for_all_the_same() -> None:
    """As it is with a broker on which a worker that hears ticks was never started."""
    stop, published = threading.Event(), list[e.AnyEvent]()
    start = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def publish(event: e.AnyEvent) -> None:
        if isinstance(event.data, e.TickMinute):
            raise TransientError("nobody would hear it")
        published.append(event)
        stop.set()

    scheduler.run(publish, lambda: [Schedule(name="nightly", expression="@daily")], stop, lambda: start)
    assert [type(event.data) for event in published] == [e.BackupRequested]
