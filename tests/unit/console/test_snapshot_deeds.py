"""What is done with snapshots by forms, and what is said before."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from producers.access.identity import Identity
from producers.actions import holds
from schemas import events as e
from schemas import keys
from schemas.errors import Code, TransientError
from schemas.job import backup
from schemas.messages import Message
from schemas.records import AppRef
from tests.support.console import Console, Page
from tests.support.front import NOON
from tests.support.registered import register, shelf_of
from workers.jobs import ledger

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    made = Console(tmp_path)
    yield made
    made.front.session.close()


def test_a_snapshot_that_was_started_is_the_first_row_at_once(console: Console) -> None:
    console.front.back_up("instance-a")
    assert console.post("/snapshots/start", {"request": "r"}).location == "/snapshots"
    [asked] = console.front.bus.published
    assert asked.data == e.BackupRequested(app=None, destination="default")
    assert asked.id == "r"
    row = console.get("/snapshots").test_id("snapshot-row-0")
    assert "In Progress Preparing snapshot" in row
    console.now = NOON + timedelta(minutes=1)
    assert "New Asked for; the license gate" in console.get("/snapshots").test_id("snapshot-row-0")


def test_what_is_on_record_takes_the_place_of_what_was_asked_for(console: Console) -> None:
    console.post("/snapshots/start", {"request": "r"})
    name = console.get("/snapshots").test_id("snapshot-row-0").split()[0]
    console.front.begin(name)
    _anew(console)
    page = console.get("/snapshots")
    assert page.test_id("snapshot-row-0").startswith(f"{name} In Progress")
    assert "Preparing" not in page.text
    assert not page.has("snapshot-row-1")


def test_a_form_that_is_sent_twice_makes_one_snapshot_and_no_other_is_begun_meanwhile(console: Console) -> None:
    console.post("/snapshots/start", {"request": "r"})
    page = console.post("/snapshots/start", {"request": "r"}, 400)
    assert "You can't start a snapshot while another one is In Progress" in page.text
    assert len(console.front.bus.published) == 1


def test_a_partial_snapshot_is_of_its_application(console: Console) -> None:
    register(console, "shop")
    assert console.post("/snapshots/partial/shop/start").location == "/snapshots/partial/shop"
    assert console.front.bus.published[0].data == e.BackupRequested(app="shop", destination="default")
    assert "Preparing snapshot" in console.get("/snapshots/partial/shop").test_id("snapshot-row-0")
    assert "No snapshots yet" in console.get("/snapshots").text


def test_before_a_deletion_its_effects_are_told(console: Console) -> None:
    for name, hours in (("instance-old", 30), ("instance-new", 2)):
        at = NOON - timedelta(hours=hours)
        console.front.begin(name)
        console.front.finish(
            name, requested_at=at, objects=219, apps=[AppRef(slug="shop"), AppRef(slug=f"only-{hours}")]
        )
    page = console.get("/snapshots/details/instance-new/delete")
    said = page.test_id("delete-snapshot-modal")
    assert "This cannot be reversed. instance-new , captured on 23 Nov 2026, 10:00 UTC , 2 h ago , Completed" in said
    assert "Its 219 objects and 1 volume. It brought 25 bytes to the store" in said
    assert (
        "last good snapshot of the Admin Console, shop . Without it, the newest is instance-old of 22 Nov 06:00" in said
    )
    assert "last good snapshot of only-2 . There is no other." in said
    assert "Delete snapshot" in said
    assert "last good" in console.get("/snapshots/details/instance-old/delete").text  # of only-30


def test_a_deletion_is_asked_for_and_the_row_says_so_until_it_is_gone(console: Console) -> None:
    console.front.back_up("instance-a")
    assert console.post("/snapshots/details/instance-a/delete").location == "/snapshots"
    assert console.front.bus.published[0].data == e.BackupDeleteRequested(backup="instance-a", destination="default")
    page = console.get("/snapshots")
    assert "Deleting" in page.test_id("snapshot-row-0")
    assert not page.has("snapshot-delete-button")
    console.front.store.delete(keys.final(backup("instance-a")))
    _anew(console)
    assert not console.get("/snapshots").has("snapshot-row-0")


def test_a_deletion_that_failed_gives_the_row_back_and_says_why(console: Console) -> None:
    console.front.back_up("instance-a")
    console.post("/snapshots/details/instance-a/delete")
    reason = Message(code=Code.BACKUP_IN_USE, text=f"restore {HOSTILE} is using it")
    console.front.bus.publish(
        e.wrap(e.BackupDeleteFailed(backup="instance-a", reason=reason), source="line", time=_now())
    )
    page = _until(console, "was not deleted")
    assert "Completed" in page.test_id("snapshot-row-0")
    assert "Snapshot instance-a was not deleted" in page.text
    assert HOSTILE not in page.html


def test_what_is_held_is_not_deleted(console: Console) -> None:
    console.front.back_up("instance-a")
    holds.hold(console.front.session, "instance-a", f"audit {HOSTILE}")
    page = console.get("/snapshots/details/instance-a/delete")
    assert "It cannot be deleted before it is let go" in page.text
    assert HOSTILE not in page.html
    assert "is held" in console.post("/snapshots/details/instance-a/delete", status=400).text


def test_one_is_held_and_let_go(console: Console) -> None:
    console.front.back_up("instance-a")
    place = "/snapshots/details/instance-a"
    assert console.post(f"{place}/hold", {"reason": "audit"}).location == f"{place}?done=held"
    assert "For good held" in console.get("/snapshots").test_id("snapshot-row-0")
    console.post(f"{place}/unhold")
    assert "For good" not in console.get("/snapshots").text


def test_a_snapshot_is_cancelled_after_its_effects_are_told(console: Console) -> None:
    console.front.begin("instance-a")
    page = console.get("/snapshots/details/instance-a/cancel")
    assert "Given up This snapshot." in page.text
    assert "Let it go on Cancel snapshot" in page.text
    assert console.post("/snapshots/details/instance-a/cancel").location == "/snapshots/details/instance-a"
    assert ledger.cancelled(console.front.store, backup("instance-a"))
    assert "Cancelling" in console.get("/snapshots").test_id("snapshot-row-0")


def test_what_has_ended_is_not_cancelled(console: Console) -> None:
    console.front.back_up("instance-a")
    assert "has ended already" in console.get("/snapshots/details/instance-a/cancel", 400).text
    assert "has ended already" in console.post("/snapshots/details/instance-a/cancel", status=400).text


@pytest.mark.parametrize("deed", ["delete", "cancel", "hold", "unhold"])
def test_the_address_does_not_decide_whose_snapshot_it_is(deed: str, tmp_path: Path) -> None:
    console = Console(tmp_path, Identity("anna", "operator", frozenset({"shop"})))
    for name, app in (("wiki-a", "wiki"), ("shop-a", "shop")):
        console.front.begin(name)
        console.front.finish(name, app=app)
    console.post(f"/snapshots/partial/shop/wiki-a/{deed}", status=403)
    console.post(f"/snapshots/partial/wiki/wiki-a/{deed}", status=403)
    console.post(f"/snapshots/details/wiki-a/{deed}", status=403)
    console.post(f"/snapshots/details/shop-a/{deed}", status=403)
    assert not console.front.bus.published


@pytest.mark.parametrize("place", ["start", "details/instance-a/delete", "details/instance-a/cancel"])
def test_support_does_nothing(place: str, tmp_path: Path) -> None:
    console = Console(tmp_path, Identity("sam", "support"))
    console.front.back_up("instance-a")
    console.post(f"/snapshots/{place}", status=403)
    assert not console.front.bus.published


@pytest.mark.parametrize("place", ["start", "details/instance-a/delete", "details/instance-a/cancel"])
def test_a_form_of_another_page_does_nothing(place: str, console: Console) -> None:
    console.front.back_up("instance-a")
    console.post(f"/snapshots/{place}", {"csrf": "of somebody else"}, 403)
    assert not console.front.bus.published


def test_where_the_bus_is_away_it_is_said_and_nothing_is_pretended(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise TransientError("RabbitMQ does not answer")

    monkeypatch.setattr(console.front.bus, "publish", away)
    page = console.post("/snapshots/start", {"request": "r"}, 503)
    assert "RabbitMQ does not answer" in page.text
    assert "Preparing" not in console.get("/snapshots").text


def test_what_is_not_there_is_not_found(console: Console) -> None:
    for name in ("instance-x", "..%2fx", HOSTILE.replace("/", "")):
        page = console.get(f"/snapshots/details/{name}/delete", 404)
        assert HOSTILE not in page.html


def _anew(console: Console) -> None:
    """What was listed is read again."""
    shelf_of(console).changed()


def _now() -> datetime:
    return datetime.now(UTC)


def _until(console: Console, text: str) -> Page:
    """The list, once it says so: the event feed is read by a thread."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        _anew(console)
        page = console.get("/snapshots")
        if text in page.text:
            return page
        time.sleep(0.02)
    raise AssertionError(f"the list does not say {text!r}")
