"""The last 30 days: each day counts by the best that became of it, in UTC."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from producers.views.home.strip import Attempt, Day, Expected, days, summary
from tests.unit.home.facts import DAY, HOUR, LONG_AGO, NOW, snapshot

NIGHTS = Expected(DAY, LONG_AGO)


def made(age: timedelta, whole: bool = True, status: str = "Completed") -> Attempt:
    return snapshot(f"s-{age}", age, status=status), whole


def last(number: int, *attempts: Attempt, expected: Expected = NIGHTS, now: datetime = NOW) -> list[str]:
    return [each.state for each in days(attempts, expected, now)[-number:]]


def test_there_are_thirty_and_the_last_is_today() -> None:
    found = days([], NIGHTS, NOW)
    assert (len(found), found[0].at, found[-1].at) == (30, date(2026, 10, 28), date(2026, 11, 26))


@pytest.mark.parametrize(
    ("status", "whole", "state"),
    [
        ("Completed", True, "ok"),
        ("PartiallyFailed", True, "ok"),
        ("PartiallyFailed", False, "warn"),
        ("Completed", False, "warn"),
        ("Failed", False, "bad"),
        ("Rejected", False, "bad"),
        ("Cancelled", False, "none"),
        ("InProgress", False, "run"),
        ("Queued", False, "run"),
    ],
)
def test_what_becomes_of_a_snapshot_becomes_of_its_day(status: str, whole: bool, state: str) -> None:
    assert last(1, made(HOUR, whole, status)) == [state]


def test_the_best_of_a_day_counts() -> None:
    assert last(1, made(HOUR, False, "Failed"), made(2 * HOUR), made(3 * HOUR, False, "PartiallyFailed")) == ["ok"]


def test_midnight_belongs_to_the_day_that_begins() -> None:
    midnight = datetime(2026, 11, 26, tzinfo=UTC)
    assert last(2, made(NOW - midnight), expected=Expected(2 * DAY)) == ["none", "ok"]
    assert last(2, made(NOW - midnight + timedelta(microseconds=1)), expected=Expected(2 * DAY)) == ["ok", "none"]


def test_days_are_utc_wherever_the_clock_that_wrote_them_was() -> None:
    east = datetime(2026, 11, 26, 1, 30, tzinfo=UTC).astimezone(ZoneInfo("Asia/Tokyo"))
    assert last(2, (snapshot("a", HOUR, requested_at=east), True)) == ["none", "ok"]
    assert last(2, (snapshot("a", HOUR, requested_at=east - timedelta(hours=2)), True)) == ["ok", "none"]


def test_a_day_that_ended_without_a_young_enough_one_is_overdue() -> None:
    assert last(4, made(3 * DAY + HOUR)) == ["ok", "overdue", "overdue", "overdue"]
    assert last(4, made(3 * DAY + HOUR), expected=Expected(3 * DAY)) == ["ok", "none", "none", "overdue"]


def test_today_is_overdue_only_once_it_is() -> None:
    yesterday = made(NOW - datetime(2026, 11, 25, 23, tzinfo=UTC))
    assert last(1, yesterday) == ["none"]
    assert last(1, yesterday, now=NOW + 2 * HOUR) == ["none"]
    late = made(NOW - datetime(2026, 11, 25, 19, tzinfo=UTC))
    assert last(1, late) == ["overdue"]


def test_what_was_before_the_first_that_is_kept_nobody_knows() -> None:
    assert last(3, made(HOUR)) == ["none", "none", "ok"]


def test_before_it_was_registered_nothing_was_due() -> None:
    expected = Expected(DAY, NOW - DAY)
    assert last(3, made(HOUR), expected=expected) == ["before", "none", "ok"]


def test_a_run_that_was_asked_for_and_is_gone_was_deleted_and_not_missed() -> None:
    asked = Expected(HOUR, LONG_AGO, asked={date(2026, 11, 25)})
    assert last(3, made(2 * DAY + HOUR), expected=asked) == ["ok", "gone", "overdue"]


def test_without_an_objective_the_schedule_says_what_was_to_be() -> None:
    due = Expected(None, LONG_AGO, due={date(2026, 11, 25), date(2026, 11, 26)})
    assert last(3, made(2 * DAY), expected=due) == ["ok", "overdue", "none"]


def test_all_of_it_in_words() -> None:
    found = [Day(date(2026, 11, 1), state) for state in ("ok", "ok", "warn", "bad", "overdue", "run", "none", "before")]
    assert summary(found) == "2 completed, 1 incomplete, 1 failed, 1 overdue, 1 in progress"
    assert summary(days([], Expected(), NOW)) == "no snapshot in 30 days"
    assert Day(date(2026, 11, 6), "overdue").title == "6 Nov: Overdue: none was taken, or none is kept"
