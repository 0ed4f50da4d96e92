"""The rules are those of restic's `forget`, whose documentation has these examples:
https://restic.readthedocs.io/en/stable/060_forget.html#removing-snapshots-according-to-a-policy."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from schemas.retention import PERIODS, Rules
from workers.retention.calendar import kept_by_rules

NOW = datetime(2100, 1, 1, 12, tzinfo=UTC)
SUNDAYS = [datetime(2019, 9, 1, 11, tzinfo=UTC) + timedelta(weeks=week) for week in range(12)]


def _kept(moments: Iterable[datetime], rules: Rules, now: datetime = NOW) -> dict[datetime, list[str]]:
    by_name = {f"{at:%Y-%m-%dT%H:%M:%S}": at for at in moments}
    newest_first = sorted(by_name.items(), key=lambda each: each[1], reverse=True)
    return {by_name[name]: why for name, why in kept_by_rules(newest_first, rules, now).items()}


def test_four_dailies_of_twelve_sundays_are_the_last_four_sundays() -> None:
    assert _kept(SUNDAYS, Rules(keep_daily=4)) == {at: ["daily"] for at in SUNDAYS[-4:]}


HUNDRED_YEARS = [datetime(1919, 11, 18, 11, tzinfo=UTC) + timedelta(days=day) for day in range(365 * 100 + 25)]


def test_a_backup_a_day_for_a_hundred_years() -> None:
    """The example: 7 dailies; 4 more weeklies, as the dailies have one; 11 or 12 more months, 74 or 75 more years."""
    kept = _kept(HUNDRED_YEARS, Rules(keep_daily=7, keep_weekly=5, keep_monthly=12, keep_yearly=75))
    of = {period: [at for at, why in kept.items() if period in why] for period in PERIODS}
    assert of["daily"] == sorted(HUNDRED_YEARS, reverse=True)[:7]
    assert len(of["weekly"]) == 5
    assert len(set(of["weekly"]) - set(of["daily"])) == 4
    assert all(at.weekday() == 6 for at in of["weekly"][1:])
    others = set(of["daily"]) | set(of["weekly"])
    assert len(set(of["monthly"]) - others) in (11, 12)
    assert all((at + timedelta(days=1)).day == 1 for at in of["monthly"][1:])
    assert len([at for at in of["yearly"] if (at.month, at.day) == (12, 31)]) in (74, 75)
    assert kept.keys() == {at for each in of.values() for at in each}


def test_what_matches_several_rules_is_kept_once_with_all_reasons() -> None:
    kept = _kept(SUNDAYS, Rules(keep_last=1, keep_hourly=1, keep_daily=1, keep_weekly=1, keep_monthly=1, keep_yearly=1))
    assert kept == {SUNDAYS[-1]: ["last", "hourly", "daily", "weekly", "monthly", "yearly"]}


def test_only_periods_count_that_have_a_backup_and_the_newest_of_each_stands_for_it() -> None:
    moments = [datetime(2026, 11, day, hour, tzinfo=UTC) for day in (1, 5, 20) for hour in (3, 9, 21)]
    kept = _kept(moments, Rules(keep_daily=2))
    assert sorted(kept) == [datetime(2026, 11, 5, 21, tzinfo=UTC), datetime(2026, 11, 20, 21, tzinfo=UTC)]


def test_weeks_begin_on_monday_also_across_the_end_of_a_year() -> None:
    """2018-12-31 is a Monday, in the first ISO week of 2019."""
    moments = [datetime(2018, 12, 30, tzinfo=UTC), datetime(2018, 12, 31, tzinfo=UTC), datetime(2019, 1, 6, tzinfo=UTC)]
    assert sorted(_kept(moments, Rules(keep_weekly=2))) == [moments[0], moments[2]]


def test_the_oldest_is_kept_besides_while_there_are_not_enough() -> None:
    moments = [datetime(2026, 11, 1, hour, tzinfo=UTC) for hour in (3, 9, 21)]
    assert _kept(moments, Rules(keep_daily=2)) == {moments[2]: ["daily"], moments[0]: ["oldest daily"]}
    assert _kept(moments, Rules(keep_daily=1)) == {moments[2]: ["daily"]}


def test_within_counts_from_the_newest_and_not_from_now() -> None:
    kept = _kept(SUNDAYS, Rules(keep_within="504h"))
    assert sorted(kept) == SUNDAYS[-3:]
    assert set(map(tuple, kept.values())) == {("within 3 weeks",)}


def test_what_is_dated_in_the_future_stays_and_counts_for_nothing() -> None:
    now = SUNDAYS[-2] + timedelta(hours=1)
    kept = _kept(SUNDAYS, Rules(keep_last=1), now)
    assert kept == {SUNDAYS[-1]: ["dated in the future"], SUNDAYS[-2]: ["last"]}


@pytest.mark.parametrize("field", ["keep_last", "keep_hourly", "keep_daily"])
def test_unlimited_keeps_all(field: str) -> None:
    assert sorted(_kept(SUNDAYS, Rules.model_validate({field: -1}))) == SUNDAYS


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Pacific/Auckland"])
def test_days_are_those_of_the_time_zone(name: str) -> None:
    """Two in the same day of one place are in two of another."""
    evening = {"Europe/Berlin": 22, "America/New_York": 3, "Pacific/Auckland": 10}[name]
    moments = [datetime(2026, 6, 10, evening, 30, tzinfo=UTC) + timedelta(hours=hours) for hours in (-1, 0, 2)]
    local = _kept(moments, Rules(keep_daily=2, time_zone=name))
    wanted = [moments[0] if evening == 22 else moments[1], moments[2]]
    assert sorted(at for at, why in local.items() if why == ["daily"]) == wanted
