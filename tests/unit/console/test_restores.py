"""Restores in the console, while they run and after their end."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from producers.access.identity import Identity
from producers.console.rendering import environment
from schemas import events as e
from schemas import keys
from schemas.errors import Code
from schemas.job import backup, restore
from schemas.messages import Message
from tests.support.console_restores import backed_up, console, end, under_way
from tests.support.front import reject_restore
from tests.support.restores import AFTER
from workers.jobs import ledger

PARTIAL = "/snapshots/partial/shop/b/restore"


def test_a_restore_that_runs_shows_its_volumes_and_can_be_cancelled(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring)
    at = console(tmp_path, restoring)
    page = at.get(PARTIAL)
    assert page.test_id("restore-in-progress-title") == "Partial restore in progress"
    assert "Waiting" in page.test_id("restore-in-progress-volume-0")
    assert page.has("restore-in-progress-loader")
    assert page.has("restore-in-progress-description")
    assert "Cancel snapshot restore" in page.text
    assert "Let it go on" in at.get("/restores/r/cancel").text
    assert at.post("/restores/r/cancel").location == "/restores/r"
    assert ledger.cancelled(restoring.store, restore("r"))
    assert "Canceling..." in at.get("/restores/r").text
    restoring.fill("console/data-shop")
    assert "Complete" in at.get("/restores/r").test_id("restore-in-progress-volume-0")


def test_a_completed_restore_leads_to_the_dashboard(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring)
    end(restoring)
    page = console(tmp_path, restoring).get("/snapshots/partial/shop/b/restore", restore="r")
    assert "Restore completed" in page.test_id("restore-completed-view")
    assert '<a class="btn primary" href="/">Log in to dashboard</a>' in page.html


def test_a_failed_restore_says_what_was_put_back_and_how_to_go_back(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring, safety_snapshot=True)
    errors = [
        Message(code=Code.PUT_BACK, text="shop was not restored; what had been deleted of it is put back"),
        Message(code=Code.NOT_APPLIED, text="<script>alert(1)</script> could not be created"),
    ]
    end(restoring, status="Failed", errors=errors, snapshot="r-before")
    safe = {"name": "r-before", "request": "q", "status": "Completed", "requested_at": AFTER, "completed_at": AFTER}
    snapshot = ledger.finished_backup(restoring.store, "b")
    assert snapshot
    ledger.create(restoring.store, keys.final(backup("r-before")), snapshot.model_copy(update=safe))
    at = console(tmp_path, restoring)
    page = at.get("/restores/r")
    assert "what had been deleted of it is put back" in page.text
    assert "Contact your vendor for help troubleshooting this restore" in page.text
    assert "<script>alert" not in page.html
    assert at.browser.get("/restores/r/rollback").headers["location"] == (
        "/restores/plan?backup=r-before&scope=applications&app=shop"
    )


def test_a_cancelled_restore_says_what_was_written_and_sends_nobody_to_the_vendor(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring)
    end(restoring, status="Cancelled", reason=Message(code=Code.CANCELLED, text="cancelled on request"))
    page = console(tmp_path, restoring).get("/restores/r")
    assert "Restore cancelled" in page.test_id("restore-failed-view")
    assert "0 objects, 0 volumes, in 4 min" in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Cancelled on request." in page.text
    assert "Contact your vendor" not in page.text


def test_a_request_that_was_refused_says_why(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up())
    name = reject_restore(at.front, "e1", Message(code=Code.LICENSE_REFUSED, text="not <i>allowed</i>"))
    page = at.get(f"/restores/{name}")
    assert "Restore rejected" in page.text
    assert "not &lt;i&gt;allowed" in page.html


def test_the_list_has_what_one_may_see(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring)
    page = console(tmp_path, restoring).get("/restores")
    assert "shop" in page.test_id("restore-row-0")
    assert "In Progress" in page.test_id("restore-row-0")
    others = console(tmp_path / "o", restoring, Identity("o", "operator", frozenset({"blog"})))
    assert "No restores yet" in others.get("/restores").text
    others.get("/restores/r", 403)


def test_an_unanswered_request_says_so_after_a_while(tmp_path: Path) -> None:
    at = console(tmp_path, backed_up())
    since = int(AFTER.timestamp())
    assert "Nobody has taken up" not in at.get("/restores/b-xxxxx", since=str(since)).text
    assert "Nobody has taken up" in at.get("/restores/b-xxxxx", since=str(since - 600)).text
    at.get("/restores/b-xxxxx", 404)
    at.get("/restores/b-xxxxx", 404, since="x")


def test_a_volume_that_is_being_written_shows_how_far_it_is(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring)
    at = console(tmp_path, restoring)
    for second, done in ((1, 0), (11, 0)):
        said = e.VolumesProgressed(job="r", volume="console/data-shop", bytes_done=done, bytes_total=1, files_done=0)
        at.front.bus.memory.publish(e.wrap(said, source="tests", time=AFTER + timedelta(seconds=second)))
    with at.front.session.events.listen(AFTER) as listener:
        assert listener.get(60)
        assert listener.get(60)
    assert "In progress" in at.get("/restores/r").test_id("restore-in-progress-volume-0")


def test_while_the_safety_snapshot_is_taken_its_volumes_are_shown_too(tmp_path: Path) -> None:
    restoring = backed_up()
    under_way(restoring, safety_snapshot=True)
    at = console(tmp_path, restoring)
    said = e.VolumesProgressed(job="r-before", volume="console/data-shop", bytes_done=1, bytes_total=4, files_done=0)
    at.front.bus.memory.publish(e.wrap(said, source="tests", time=AFTER + timedelta(seconds=1)))
    with at.front.session.events.listen(AFTER) as listener:
        assert listener.get(60)
    page = at.get("/restores/r")
    assert "25 %" in page.test_id("safety-snapshot-volume-0")
    assert "Waiting" in page.test_id("restore-in-progress-volume-0")


def test_seconds_and_minutes_that_remain_are_said_as_people_say_them() -> None:
    parts: Any = environment().get_template("fragments/restore_parts.html").module
    said = [str(parts.remaining(seconds)) for seconds in (1, 59, 60, 3600)]
    assert said == ["1 second remaining", "59 seconds remaining", "1 minute remaining", "60 minutes remaining"]
