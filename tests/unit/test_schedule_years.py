"""Two years of schedules in three time zones, with no, one and three schedulers that are killed at any instant: each
due time has exactly one backup, or one reason on record. What is due when, an oracle says that looks at each minute."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

import pytest

from schemas import schedule as schedules
from schemas.schedule import Schedule
from tests.support.cron_oracle import due_times
from tests.support.scheduled_years import HOUR, MINUTE, ROUGH, SMOOTH, Years, outcomes
from workers.scheduling.runs import LATE

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
AFTER = END + timedelta(days=4)
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
SECOND = timedelta(seconds=1)
EXPRESSIONS = [
    "30 2 * * *",
    "*/20 * * * *",
    "0 1-3 * * *",
    "*/30 2 * * *",
    "0 */2 * * *",
    "15,45 1-3 * * SUN",
    "0 2 1,15 * MON",
    "5 0 31 JAN-JUN,DEC ?",
    "0 0 * * 7",
]


def oracle(schedule: Schedule) -> list[datetime]:
    """The due times of two years, and of some days after."""
    if schedule.expression.startswith("@every"):
        hours = int(schedule.expression.removeprefix("@every ").removesuffix("h"))
        moments = (datetime(1970, 1, 1, tzinfo=UTC) + hours * HOUR * number for number in range(600_000))
        return [moment for moment in moments if BEGIN < moment < AFTER]
    return due_times(schedule.expression, schedule.time_zone, BEGIN + 15 * MINUTE, AFTER)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("expression", [each for each in EXPRESSIONS if each != "*/20 * * * *"])
def test_the_due_times_of_two_years_are_those_of_the_clock(expression: str, zone: str) -> None:
    expected, found, after = due_times(expression, zone, BEGIN, END), list[datetime](), BEGIN - SECOND
    while (after := schedules.next_due(expression, after, zone)) < END:
        found.append(after)
    assert found == expected


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_around_each_change_of_the_clock_the_last_due_time_is_that_before_the_next(expression: str, zone: str) -> None:
    for change in _changes(zone):
        expected = due_times(expression, zone, change - 32 * 24 * HOUR, change + 8 * HOUR)
        for minutes in range(-4 * 60, 4 * 60, 7):
            until = change + minutes * MINUTE
            number = bisect_right(expected, until)
            if number:
                assert schedules.last_due(expression, schedules.EPOCH, until, zone) == expected[number - 1]
            if number < len(expected):
                assert schedules.next_due(expression, until, zone) == expected[number]


def _changes(zone: str) -> list[datetime]:
    place = schedules.zone(zone)
    hours = [BEGIN + number * HOUR for number in range(366 * 24)]
    return [hour for hour in hours if hour.astimezone(place).utcoffset() != (hour + HOUR).astimezone(place).utcoffset()]


NIGHTLY = [
    Schedule(name="nightly", expression="30 2 * * *", time_zone=ZONES[0], since=BEGIN),
    Schedule(name="jittered", expression="30 2 * * *", time_zone=ZONES[1], since=BEGIN, jitter="90m"),
    Schedule(name="shut", expression="15 1,2 * * SUN,MON", time_zone=ZONES[2], since=BEGIN, blackouts=("01:00-02:30",)),
    Schedule(name="strict", expression="15,45 1-3 * * SUN", time_zone=ZONES[0], since=BEGIN, missed="skip"),
    Schedule(name="rare", expression="0 2 1,15 * MON", time_zone=ZONES[1], since=BEGIN, missed="skip"),
    Schedule(name="thirds", expression="0 */8 * * SAT", time_zone=ZONES[2], since=BEGIN, jitter="20h"),
    Schedule(name="every", expression="@every 31h", since=BEGIN, jitter="1h", blackouts=("SAT-SUN 00:00-24:00",)),
]


def live(schedule: Schedule, years: Years) -> list[datetime]:
    """Two years pass; the due times that must be accounted for."""
    known = oracle(schedule)
    for at in (each for each in known if each < END):
        starts = schedules.starts(schedule, at)
        years.live_until(starts + years.random.uniform(0, 2) * SECOND)
        if years.random.random() < 0.3:
            years.live_until(years.now + years.random.uniform(9, 21) * MINUTE)
    years.finish()
    last = max(years.store.entries)
    return [at for at in known if at <= last]


@pytest.mark.parametrize("schedule", NIGHTLY, ids=lambda schedule: schedule.name)
def test_each_due_time_has_exactly_one_backup_or_one_reason(schedule: Schedule) -> None:
    years = Years(schedule, BEGIN, [0, 1, 3], ROUGH, seed=16)
    known = live(schedule, years)
    store = years.store
    assert set(store.entries) <= set(known)
    assert {at: runs for at, runs in store.entries.items() if len(runs) > 1} == {}
    became = outcomes(years, known)
    assert {at: found for at, found in became.items() if len(found) != 1} == {}
    said = [found[0].split()[0] for found in became.values()]
    assert {"made", "passed"} <= set(said)  # else nothing was shown
    assert said.count("made") > len(known) / 4
    if schedule.missed == "skip":
        for at, asked_at in store.asked_at.items():
            assert asked_at - schedules.starts(schedule, at) <= LATE + 1 * MINUTE


@pytest.mark.parametrize(("schedule", "number"), list(zip(NIGHTLY, [3, 1, 3, 1, 1, 1, 1], strict=True)))
def test_where_schedulers_run_and_nothing_goes_wrong_no_run_is_missed(schedule: Schedule, number: int) -> None:
    years = Years(schedule, BEGIN, [number], SMOOTH, seed=number)
    known = live(schedule, years)
    made = {at for at, found in outcomes(years, known).items() if found and found[0].startswith("made")}
    put_off = {at for at in known if _shut(schedule, at)}
    assert set(known) - made <= put_off
    begun = {schedules.starts(schedule, at): at for at in sorted(made)}
    for at in set(known) - made:  # another one takes place when the window ends
        assert begun[schedules.starts(schedule, at)] > at
    for at, asked_at in years.store.asked_at.items():
        if schedules.starts(schedule, at) >= END:
            continue  # then they look but once an hour
        assert at <= schedules.starts(schedule, at) <= asked_at <= schedules.starts(schedule, at) + 3 * SECOND


def _shut(schedule: Schedule, at: datetime) -> bool:
    return bool(schedule.blackouts) and schedules.starts(schedule, at) > at
