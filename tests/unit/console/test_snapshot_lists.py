"""The lists of full and partial snapshots, in each state, with names from strangers."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from producers.access.identity import Identity
from producers.actions import objectives
from producers.views.console import rows
from schemas import keys
from schemas.errors import Code, TransientError
from schemas.job import Job, backup
from schemas.messages import Message
from schemas.records import AppRef, BackupRecord, Queued, RestoreRequest
from tests.support.console import Console
from tests.support.front import NOON, reject_backup, volume
from tests.support.registered import register, shelf_of
from workers.jobs import ledger

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    made = Console(tmp_path)
    yield made
    made.front.session.close()


def test_rows_are_shown_newest_first_with_kots_words_and_test_ids(console: Console) -> None:
    console.front.begin("instance-a")
    console.front.finish("instance-a", requested_at=NOON - timedelta(hours=2))
    console.front.begin("instance-b")
    console.front.finish("instance-b", status="PartiallyFailed", errors=[Message(code="X", text="shop is missing")])
    page = console.get("/snapshots")
    assert page.test_id("full-snapshots-card-title") == "Full Snapshots (Instance)"
    assert "Full Snapshots (Instance) Partial Snapshots (Application) Settings & Schedule" in page.test_id(
        "console-subnav"
    )
    assert "instance-b" in page.test_id("snapshot-row-0")
    assert "Incomplete (Failed) shop is missing" in page.test_id("snapshot-row-0")
    assert "Completed on 23 Nov 12:01" in page.test_id("snapshot-row-1")
    assert page.test_id("snapshot-volume-size").startswith("100")
    assert page.has("snapshot-delete-button")
    assert page.has("snapshot-restore-button")


@pytest.mark.parametrize(
    ("status", "word", "restorable"),
    [
        ("Completed", "Completed", True),
        ("PartiallyFailed", "Incomplete (Failed)", True),
        ("Failed", "Failed", False),
        ("Cancelled", "Cancelled", False),
    ],
)
def test_only_what_can_be_restored_has_a_button_for_it(
    status: str, word: str, restorable: bool, console: Console
) -> None:
    console.front.begin("instance-a")
    console.front.finish("instance-a", status=status)
    page = console.get("/snapshots")
    assert word in page.test_id("snapshot-row-0")
    assert page.has("snapshot-restore-button") == restorable
    assert page.has("snapshot-delete-button")


def test_while_one_is_in_progress_no_other_is_begun_and_the_page_says_why(console: Console) -> None:
    console.front.begin("instance-a")
    page = console.get("/snapshots")
    assert "In Progress" in page.test_id("snapshot-row-0")
    assert "You can't start a snapshot while another one is In Progress. instance-a" in page.text
    assert re.search(r"<button[^>]* disabled[^>]*>Start a snapshot", page.html)
    assert not page.has("snapshot-delete-button")


def test_one_that_waits_says_behind_whom(console: Console) -> None:
    console.front.begin("instance-a")
    queued = Queued(since=NOON, behind="backup shop-b")
    ledger.create(console.front.store, keys.queued(backup("instance-a")), queued)
    row = console.get("/snapshots").test_id("snapshot-row-0")
    assert "Queued Starts when shop-b has ended" in row


def test_the_difference_between_the_two_kinds_is_told(console: Console) -> None:
    assert 'href="/snapshots/differences" data-dialog' in console.get("/snapshots").html
    page = console.get("/snapshots/differences")
    assert "Hold the Admin Console and all applications." in page.text
    assert "Ok, got it!" in page.text


def test_what_was_refused_says_why(console: Console) -> None:
    name = reject_backup(console.front, "e", Message(code=Code.LICENSE_REFUSED, text="no license"))
    row = console.get("/snapshots/partial/nope").test_id("snapshot-row-0")
    assert f"{name} Rejected no license" in row


def test_one_whose_record_cannot_be_believed_is_shown_as_such(console: Console) -> None:
    console.front.objects.put(keys.final(backup("instance-a")), b"{}")
    row = console.get("/snapshots").test_id("snapshot-row-0")
    assert "Unreadable" in row


def test_no_snapshots_yet_and_no_match_differ(console: Console) -> None:
    page = console.get("/snapshots")
    assert "No snapshots yet" in page.text
    assert "Configure snapshot settings" in page.text
    console.front.back_up("instance-a")
    shelf_of(console).changed()
    page = console.get("/snapshots", q="nothing is called so")
    assert "No snapshot matches" in page.text
    assert "There is 1 snapshot in all" in page.text


def test_the_filter_finds_by_name_schedule_state_and_application(console: Console) -> None:
    console.front.begin("instance-a")
    console.front.finish("instance-a", schedule="nightly", apps=[AppRef(slug="shop")])
    console.front.begin("instance-b")
    console.front.finish("instance-b", status="Failed")
    for query in ("q=NIGHT", "q=ce-a", "status=Completed", "app=shop"):
        page = console.get(f"/snapshots?{query}")
        assert "instance-a" in page.test_id("snapshot-row-0")
        assert not page.has("snapshot-row-1")
    assert console.get("/snapshots?status=All").has("snapshot-row-1")


def test_a_page_has_fifty_rows_and_leads_to_the_next(console: Console) -> None:
    for number in range(51):
        name = f"instance-{number:02}"
        _finished(console, name, number)
    page = console.get("/snapshots")
    assert page.has("snapshot-row-49")
    assert not page.has("snapshot-row-50")
    assert "1 to 50 of 51, newest first" in page.text
    assert 'href="/snapshots?page=2"' in page.html
    last = console.get("/snapshots", page="2")
    assert "51 to 51 of 51" in last.text
    assert not last.has("snapshot-row-1")
    assert console.get("/snapshots", page="99").text == last.text


def test_five_thousand_rows_are_a_small_page(console: Console) -> None:
    found = [rows.Row(f"instance-{number}", "Completed", None, NOON) for number in range(5000)]
    began = time.process_time()
    page = rows.page(found, rows.Filter("instance-4"), 3)
    assert time.process_time() - began < 3  # some milliseconds; a hundredth of that on an idle machine
    assert (page.matching, page.pages, page.first, page.last) == (1111, 23, 101, 150)


def test_where_the_store_is_away_the_last_known_list_stays_with_its_time(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.front.back_up("instance-a")
    assert "instance-a" in console.get("/snapshots").text

    def away(_: str) -> None:
        raise TransientError("the object store does not answer")

    monkeypatch.setattr(console.front.objects, "list", away)
    shelf_of(console).changed()
    page = console.get("/snapshots")
    assert "Failed to get snapshots the object store does not answer Try again" in page.text
    assert "was read at 23 Nov 2026, 12:00 UTC" in page.text
    assert "instance-a" in page.test_id("snapshot-row-0")


def test_without_a_destination_the_settings_come_first(tmp_path: Path) -> None:
    console = Console(tmp_path, directory=None)
    assert console.browser.get("/snapshots").headers["location"] == "/snapshots/settings?configure=true"


def test_names_of_strangers_are_shown_and_not_obeyed(console: Console) -> None:
    console.front.begin("instance-a")
    console.front.finish(
        "instance-a", status="Failed", schedule=HOSTILE, reason=Message(code="X", text=f'"><img src=x>{HOSTILE}')
    )
    page = console.get("/snapshots", q='"><script>')
    assert HOSTILE not in page.html
    page = console.get("/snapshots")
    assert HOSTILE not in page.html
    assert "<img" not in page.html
    assert HOSTILE in page.text


def test_partial_snapshots_are_those_of_the_application_that_was_picked(console: Console) -> None:
    register(console, "shop")
    register(console, "wiki")
    for name, app in (("shop-a", "shop"), ("wiki-a", "wiki"), ("instance-a", None)):
        console.front.begin(name)
        console.front.finish(name, app=app)
    assert console.browser.get("/snapshots/partial").headers["location"] == "/snapshots/partial/shop"
    page = console.get("/snapshots/partial/wiki")
    assert "wiki-a" in page.test_id("snapshot-row-0")
    assert not page.has("snapshot-row-1")
    assert "It is recommended to use Full snapshots" in page.test_id("partial-snapshots-recommendation")
    assert 'value="wiki" selected' in page.html
    assert 'href="/snapshots/partial/wiki/wiki-a"' in page.html
    chosen = console.browser.get("/snapshots/partial/wiki?of=shop")
    assert chosen.headers["location"] == "/snapshots/partial/shop"


def test_somebody_sees_the_snapshots_of_granted_applications_only(tmp_path: Path) -> None:
    console = Console(tmp_path, Identity("anna", "operator", frozenset({"shop"})))
    register(console, "shop")
    register(console, "wiki")
    assert console.browser.get("/snapshots").headers["location"] == "/snapshots/partial"
    page = console.get("/snapshots/partial/shop")
    assert "wiki" not in page.test_id("partial-snapshots-app-select")
    assert "Start a snapshot" in page.text
    console.get("/snapshots/partial/wiki", 403)
    console.get("/snapshots/partial/shop", 403, of="wiki")


def test_support_sees_rows_and_can_do_nothing(tmp_path: Path) -> None:
    console = Console(tmp_path, Identity("sam", "support"))
    console.front.back_up("instance-a")
    page = console.get("/snapshots")
    assert page.has("snapshot-row-0")
    assert "Start a snapshot" not in page.text
    assert not page.has("snapshot-delete-button")
    assert not page.has("snapshot-restore-button")


def test_a_restore_that_is_under_way_is_told_of_to_who_may_see_it(console: Console) -> None:
    for name, app in (("shop-r", "shop"), ("instance-r", None)):
        job = Job("restore", name)
        ledger.begin(console.front.store, job)
        asked = RestoreRequest(
            name=name, request="q", event_id="e", requested_at=NOON, backup=HOSTILE, scope="full", app=app
        )
        ledger.create(console.front.store, keys.request(job), asked)
    page = console.get("/snapshots/partial/shop")
    assert "A restore of shop is in progress" in page.text
    assert 'href="/restores/instance-r"' in page.html
    assert HOSTILE not in page.html
    assert "A restore of shop is in progress" not in console.get("/snapshots/partial/wiki").text
    console.access.who = Identity("anna", "operator", frozenset({"shop"}))
    assert "/restores/instance-r" not in console.get("/snapshots/partial/shop").html


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/app/shop/snapshots", "/snapshots/partial/shop"),
        ("/app/shop/snapshots/settings", "/snapshots/settings"),
        ("/app/shop/snapshots/shop-a", "/snapshots/partial/shop/shop-a"),
        ("/app/shop/snapshots/shop-a/restore", "/snapshots/partial/shop/shop-a/restore"),
    ],
)
def test_old_addresses_lead_to_the_new_ones(old: str, new: str, console: Console) -> None:
    assert console.browser.get(old).headers["location"] == new


def _finished(console: Console, name: str, number: int) -> None:
    record = BackupRecord(
        name=name,
        request="q",
        status="Completed",
        requested_at=NOON - timedelta(hours=number),
        completed_at=NOON,
        volumes=[volume()],
    )
    ledger.create(console.front.store, keys.final(backup(name)), record)


def test_the_last_30_days_are_drawn_as_on_home_and_said_in_words(console: Console) -> None:
    register(console, "shop")
    objectives.put(console.front.session, "shop", "24h")
    for name, days in (("shop-a", 6), ("shop-b", 5)):
        console.front.begin(name)
        at = NOON - timedelta(days=days)
        console.front.finish(name, app="shop", requested_at=at, completed_at=at)
    page = console.get("/snapshots/partial/shop")
    said = page.test_id("last-30-days")
    assert "2 completed, 5 overdue" in said  # each day that ended without, or is today, 24 h after the last
    assert 'aria-label="Shop, last 30 days: 2 completed, 5 overdue"' in page.html
    assert "22 Nov: Overdue" in page.html
    assert "Shop" in console.get("/").text
    assert "last 30 days: 2 completed, 5 overdue" in console.get("/").html


def test_without_a_snapshot_no_days_are_drawn(console: Console) -> None:
    assert not console.get("/snapshots").has("last-30-days")
