"""How one application stands: judged by what is whole of it, wherever that is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from producers.views.home.facts import App, Facts
from producers.views.home.standings import AppStanding, last_good, standings
from producers.views.job_views import RestoreView
from schemas.errors import Code
from schemas.messages import Message
from tests.unit.home.facts import DAY, HOUR, LONG_AGO, NOW, facts, nightly, read_back, snapshot, tried

WHY = Message(code="HookFailed", text="its script failed", subject="shop/db-0")


def of(slug: str, all_: Facts) -> AppStanding:
    return next(each for each in standings(all_) if each.app.slug == slug)


def restored(age: timedelta, minutes: int, app: str | None, **more: Any) -> RestoreView:
    at = NOW - age
    given: dict[str, Any] = {
        "scope": "applications",
        "completed_at": at + timedelta(minutes=minutes),
        "status": "Completed",
    } | more
    return RestoreView("r", destination="default", backup="b", app=app, requested_at=at, **given)


def test_a_full_snapshot_counts_for_those_who_are_whole_in_it() -> None:
    all_ = facts(
        snapshot("new", HOUR, status="PartiallyFailed"),
        snapshot("old", DAY),
        lacking={"new": {"shop": WHY}},
    )
    shop, wiki, console = of("shop", all_), of("wiki", all_), of("console", all_)
    assert (shop.state, shop.good and shop.good.name, shop.reason) == ("failed", "old", WHY)
    assert [(each.state, each.good and each.good.name) for each in (wiki, console)] == [("ok", "new")] * 2


def test_a_snapshot_of_which_nobody_knows_who_is_whole_counts_for_nobody() -> None:
    assert last_good(facts(snapshot("new", HOUR, status="PartiallyFailed"))) == {}


def test_safety_snapshots_and_what_is_under_way_count_for_nothing() -> None:
    all_ = facts(snapshot("x-before", HOUR, snapshot_of="x"), snapshot("y", HOUR, status="InProgress"))
    assert last_good(all_) == {}
    assert of("shop", all_).state == "never"
    assert of("shop", all_).running is not None


def test_a_cancelled_snapshot_is_no_failure() -> None:
    assert of("shop", facts(snapshot("a", DAY), snapshot("b", HOUR, status="Cancelled"))).state == "ok"


def test_a_refused_request_counts_only_if_the_license_or_a_schedule_is_behind_it() -> None:
    def refused(code: Code, schedule: str | None = None) -> AppStanding:
        reasons = (Message(code=code, text="no"),)
        new = snapshot("b", HOUR, "shop", status="Rejected", apps=(), reasons=reasons, schedule=schedule)
        return of("shop", facts(snapshot("a", DAY), new))

    assert refused(Code.SENDER_NOT_ALLOWED).state == "ok"
    assert refused(Code.LICENSE_REFUSED).state == "failed"
    assert refused(Code.NO_BACKUP_RESOURCE, "nightly").state == "failed"


@pytest.mark.parametrize(("age", "state"), [(timedelta(hours=24), "ok"), (timedelta(hours=24, seconds=1), "overdue")])
def test_the_objective_is_met_to_the_second(age: timedelta, state: str) -> None:
    all_ = facts(snapshot("a", age, "shop"), apps=[App("shop", "Shop", LONG_AGO, DAY)])
    assert of("shop", all_).state == state


def test_the_worst_stand_first_then_by_name_and_the_console_after_those_alike() -> None:
    apps = [App("b", "beta"), App("a", "Alpha"), App("z", "Zeta"), App("late", "Late", LONG_AGO, HOUR)]
    good = snapshot("a", 2 * HOUR, apps=("a", "b", "late"))
    assert [each.app.slug for each in standings(facts(good, apps=apps))] == ["late", "z", "a", "b", "console"]


def test_the_next_run_is_the_earliest_of_all_that_cover_it() -> None:
    plans = [nightly(), nightly(name="hourly", expression="0 * * * *", app="shop"), nightly(name="x", does="verify")]
    all_ = facts(schedules=plans)
    assert of("shop", all_).next == datetime(2026, 11, 26, 21, tzinfo=UTC)
    assert of("wiki", all_).next == datetime(2026, 11, 27, 2, tzinfo=UTC)
    assert of("wiki", facts(schedules=[nightly(paused=True)])).next is None


def test_the_time_zone_of_a_schedule_is_heeded() -> None:
    berlin = nightly(time_zone="Europe/Berlin")
    assert of("wiki", facts(schedules=[berlin])).next == datetime(2026, 11, 27, 1, tzinfo=UTC)


def test_verified_is_the_newest_proof_of_a_good_snapshot() -> None:
    all_ = facts(
        snapshot("a", DAY, "shop", checked=read_back(5 * HOUR)),
        snapshot("b", 2 * DAY, "shop", tested=tried(3 * HOUR, 60)),
        snapshot("c", 3 * DAY, "shop", checked=read_back(HOUR, "failed")),
    )
    assert of("shop", all_).verified == NOW - 3 * HOUR
    assert of("wiki", all_).verified is None


def test_the_restore_time_is_measured_of_the_application_alone_where_it_can_be() -> None:
    together = restored(HOUR, 50, None)
    alone = restored(DAY, 6, "shop")
    failed = restored(HOUR, 1, "shop", status="Failed")
    all_ = facts(snapshot("a", DAY), restores=[together, alone, failed])
    shop, wiki = of("shop", all_).restoring, of("wiki", all_).restoring
    assert shop is not None
    assert (shop.seconds, shop.tested) == (360, False)
    assert wiki is not None
    assert wiki.seconds == 3000
    tested = facts(snapshot("a", DAY, "shop", tested=tried(HOUR, 42)), restores=[alone])
    found = of("shop", tested).restoring
    assert found is not None
    assert (found.seconds, found.tested) == (42, True)
    assert of("shop", facts()).restoring is None


def test_five_thousand_snapshots_of_two_hundred_applications_are_judged_at_once() -> None:
    slugs = tuple(f"app-{index:03}" for index in range(200))
    apps = [App(slug, slug, LONG_AGO, DAY) for slug in slugs]
    backups = [
        snapshot(f"s-{index}", index * HOUR / 2, None if index % 40 == 0 else slugs[index % 200], apps=slugs)
        for index in range(5000)
    ]
    found = standings(facts(*backups, apps=apps, schedules=[nightly()]))
    assert len(found) == 201
    assert {each.state for each in found} == {"ok"}
