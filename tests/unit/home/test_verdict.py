"""The first sentence: the worst that there is to say, whatever else there is."""

from dataclasses import replace

import pytest

from producers.views.home.composed import Home, composed, granted
from producers.views.home.facts import App, Facts, Unread
from producers.views.home.uncovered import Uncovered, UncoveredVolume
from producers.views.home.verdict import RANKS, Deed
from schemas.errors import Code
from schemas.messages import Message
from tests.unit.home.facts import DAY, HOUR, LONG_AGO, NOW, facts, nightly, read_back, snapshot

GOOD = snapshot("instance-good", HOUR, checked=read_back(HOUR))
AWAY = Message(code=Code.TRANSIENT, text="connection refused")
OPEN = Uncovered((UncoveredVolume("batch", "cache", "No pod mounts it", 17),))


def said(of: Facts) -> str:
    return composed(of).verdict.sentence


def test_everything_is_backed_up() -> None:
    verdict = composed(facts(GOOD)).verdict
    assert (verdict.rank, verdict.tone, verdict.sentence) == ("good", "ok", "Everything is backed up.")
    assert verdict.support.startswith("2 applications and the Admin Console have a good snapshot")
    assert verdict.todo == ()


def test_each_rank_counts_more_than_those_after_it() -> None:
    """Everything is wrong at first; one thing after the other is put right."""
    states = [
        facts(unread=[Unread("destination default", AWAY)], destinations=False),
        facts(destinations=False),
        facts(snapshot("a", DAY, "shop"), uncovered=OPEN),
        facts(replace(GOOD, checked=None), uncovered=OPEN),
        facts(replace(GOOD, checked=None)),
        facts(GOOD),
    ]
    assert [composed(each).verdict.rank for each in states] == list(RANKS)


def test_without_the_store_it_cannot_be_said() -> None:
    home = composed(facts(unread=[Unread("destination default", AWAY)]))
    assert home.verdict.sentence == (
        "It cannot be said whether everything is backed up: destination default cannot be read."
    )
    assert home.verdict.todo[0].text == "connection refused"
    assert home.verdict.todo[0].deeds == (Deed("destination", "destination default"),)
    assert (home.standings, home.known_at) == ((), None)


def test_of_what_else_cannot_be_read_it_counts_what_it_might_hold() -> None:
    doubt = [Unread("destination nas", AWAY, "doubts")]
    assert said(facts(GOOD, unread=doubt)) == "Everything is backed up."
    assert composed(facts(GOOD, unread=doubt)).verdict.todo[0].word == "Not known"
    assert said(facts(snapshot("a", DAY, "shop"), unread=doubt)).startswith("It cannot be said")
    assert said(facts(GOOD, unread=[Unread("the objectives", AWAY, "matters")])).startswith("It cannot be said")


def test_nothing_is_set_up() -> None:
    verdict = composed(facts(destinations=False)).verdict
    assert verdict.sentence == "Nothing is backed up yet: there is no destination."
    assert [each.deeds for each in verdict.todo] == [(Deed("configure"),)]
    verdict = composed(facts()).verdict
    assert verdict.sentence == "Nothing is backed up yet: there is no good snapshot."
    assert verdict.todo[-1].deeds == (Deed("start-full"),)
    running = snapshot("instance-1", HOUR, status="InProgress", apps=("shop",))
    assert composed(facts(running)).verdict.todo[-1].deeds == (Deed("follow", "instance-1"),)


def test_an_application_that_is_overdue_comes_first_by_name_and_age() -> None:
    late = App("shop", "Shop", LONG_AGO, 24 * HOUR)
    home = composed(facts(snapshot("old", 42 * HOUR), snapshot("w", HOUR, "wiki"), apps=[App("wiki", "Wiki"), late]))
    assert home.verdict.sentence == "Not everything is backed up: Shop has had no good snapshot for 42 hours."
    assert home.verdict.tone == "bad"
    assert home.verdict.todo[0].word == "Overdue"
    assert home.verdict.todo[0].deeds == (Deed("start-partial", "shop"),)
    assert "The objective is 24 h." in home.verdict.todo[0].text


def test_one_that_failed_says_when_and_why_and_where_to_look() -> None:
    failed = snapshot("shop-2", HOUR, "shop", status="Failed", reason=Message(code="X", text="its script failed"))
    verdict = composed(facts(GOOD, replace(failed, requested_at=NOW - HOUR / 2))).verdict
    assert verdict.sentence == "Not everything is backed up: the last snapshot of Shop failed."
    assert "did not go well: its script failed." in verdict.todo[0].text
    assert verdict.todo[0].deeds == (Deed("see", "shop-2"), Deed("start-partial", "shop"))


def test_several_are_counted_and_the_rest_is_told_in_one_line() -> None:
    many = [App(f"app-{index:03}", f"App {index}") for index in range(200)]
    verdict = composed(facts(GOOD, apps=many)).verdict
    assert verdict.sentence.endswith("App 0 has never been backed up, and 199 more need a look.")
    assert len(verdict.todo) == 7
    assert all(len(each.deeds) <= 2 for each in verdict.todo)


def test_a_run_that_nobody_asked_for_is_overdue_also_without_an_objective() -> None:
    verdict = composed(facts(snapshot("old", 20 * HOUR), schedules=[nightly()])).verdict
    assert verdict.rank == "applications"
    assert "the run of 26 Nov 02:00 was not asked for by anybody" in verdict.todo[0].text
    assert composed(facts(snapshot("old", 18 * HOUR), schedules=[nightly()])).verdict.rank == "unverified"
    assert composed(facts(snapshot("old", 20 * HOUR), schedules=[nightly(paused=True)])).verdict.rank == "unverified"


def test_volumes_that_nothing_covers() -> None:
    verdict = composed(facts(GOOD, uncovered=OPEN)).verdict
    assert verdict.sentence == "Not everything is backed up: 1 volume in batch is in no snapshot."
    assert verdict.todo[0].deeds == (Deed("include"),)
    waits = Uncovered((replace(OPEN.volumes[0], waits=True),))
    assert said(facts(GOOD, uncovered=waits)) == "Everything is backed up."
    assert said(facts(GOOD, uncovered=None)).endswith("whether all volumes are covered cannot be said.")


def test_what_was_never_read_back() -> None:
    verdict = composed(facts(snapshot("a", HOUR))).verdict
    assert (
        verdict.sentence == "Everything is backed up, but Shop, Team Wiki and Admin Console have never been read back."
    )
    assert verdict.todo[0].deeds == (Deed("verify", "a"),)


def test_a_snapshot_that_was_found_damaged_is_not_good() -> None:
    home = composed(facts(snapshot("a", HOUR, checked=read_back(HOUR, "failed")), snapshot("b", 2 * HOUR)))
    assert {each.good.name for each in home.standings if each.good} == {"b"}
    assert "read back, and damage was found" in home.verdict.todo[0].text


def test_records_that_cannot_be_believed_are_told() -> None:
    verdict = composed(facts(GOOD, snapshot("b", DAY, status="Unreadable"))).verdict
    assert (verdict.todo[0].word, verdict.todo[0].about) == ("Unreadable", "1 snapshot")


def test_what_is_under_way_is_told_last() -> None:
    running = snapshot("instance-2", HOUR / 2, status="InProgress")
    verdict = composed(facts(GOOD, running)).verdict
    assert verdict.rank == "good"
    assert [each.deeds for each in verdict.todo] == [(Deed("follow", "instance-2"),)]


def test_who_may_see_one_application_hears_of_no_other() -> None:
    home = composed(facts(snapshot("shop-1", HOUR, "shop", checked=read_back(HOUR)), uncovered=OPEN))
    seen = granted(home, {"shop"})
    assert seen.verdict.sentence == "Everything is backed up."
    assert [each.app.slug for each in seen.standings] == ["shop"]
    assert "wiki" not in repr((seen.verdict, seen.standings, seen.lately, seen.growth)).casefold()


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "x" * 500, "a\nb", "'; --", "{{ 7 * 7 }}"])
def test_a_hostile_name_is_only_a_name(name: str) -> None:
    home: Home = composed(facts(GOOD, apps=[App("hostile", name)]))
    assert name in home.verdict.sentence
