"""Growth, day by day, by the records of snapshots."""

from datetime import date, timedelta

from producers.views.home.growth import growth
from tests.unit.home.facts import DAY, HOUR, NOW, snapshot

TB = 10**12


def test_nothing_grows_where_there_is_nothing() -> None:
    found = growth([], NOW)
    assert (found.points, found.daily, found.milestone, found.protected, found.stored) == ((), None, None, 0, 0)


def test_what_is_stored_adds_up_and_what_is_protected_is_the_newest() -> None:
    found = growth(
        [snapshot("a", 3 * DAY, size=100, uploaded_bytes=60), snapshot("b", DAY, size=120, uploaded_bytes=30)], NOW
    )
    assert [(point.at.day, point.protected, point.stored) for point in found.points] == [
        (23, 100, 60),
        (24, 100, 60),
        (25, 120, 90),
        (26, 120, 90),
    ]
    assert (found.snapshots, found.full_bytes, found.daily) == (2, 220, 10)


def test_partial_snapshots_protect_together_what_no_full_one_does() -> None:
    found = growth([snapshot("a", HOUR, "shop", size=70), snapshot("b", HOUR, "wiki", size=50)], NOW)
    assert found.protected == 120


def test_the_next_round_number_has_a_day() -> None:
    backups = [snapshot(f"s{day}", day * DAY, uploaded_bytes=10**10) for day in range(90)]
    found = growth(backups, NOW)
    assert (found.stored, found.daily, found.milestone) == (9 * 10**11, 10**10, TB)
    assert found.milestone_at == date(2026, 11, 26) + timedelta(days=10)


def test_what_failed_or_is_under_way_counts_for_nothing() -> None:
    assert growth([snapshot("a", HOUR, status="Failed"), snapshot("b", HOUR, status="InProgress")], NOW).points == ()
