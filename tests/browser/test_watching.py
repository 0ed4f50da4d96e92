"""What has happened, and what could not be handled: activity and dead letters."""

import time

import pytest
from playwright.sync_api import expect

from schemas import events as e
from schemas import topology
from tests.browser.living import Place
from tests.browser.people import Person
from tests.integration.test_outsiders import channel, sent_by
from tests.support.line import until
from workers.adapters import broker

QUEUE, RUBBISH = "license.gate", b"{rubbish"


def test_activity_tells_of_a_snapshot_and_of_who_has_asked_for_it(anybody: Person, partial: str) -> None:
    anybody.opens(f"/activity?subject={partial}")
    anybody.reads("backup.completed.v1")
    anybody.finds_no_fault("activity")
    anybody.page.get_by_role("link", name="backup.completed.v1").first.click()
    anybody.reads(partial)
    anybody.finds_no_fault("event")
    anybody.opens(f"/activity/jobs/backup/{partial}")
    anybody.reads("backup.completed.v1")
    anybody.finds_no_fault("job-events")
    anybody.opens("/activity?type=audit.recorded.v1")
    anybody.reads("audit.recorded.v1")


def test_activity_shows_what_happens_while_somebody_looks(admin: Person, place: Place, partial: str) -> None:
    admin.opens("/activity?type=backup.requested.v1")
    rows = admin.page.locator("#events-list tbody tr[data-key]:not(.group)")
    before = rows.first.get_attribute("data-key")
    place.line.publish(e.BackupRequested(app="print-works"), f"while-somebody-looks/{time.time_ns()}")
    admin.waits(lambda: rows.first.get_attribute("data-key") != before, "a newer event is on top")


@pytest.mark.parametrize("deed", ["Redrive it", "Drop it…"])
def test_a_message_that_nobody_could_handle_is_given_back_or_dropped(anybody: Person, place: Place, deed: str) -> None:
    until(lambda: broker.drop(place.line.url, QUEUE) == 0 and not place.line.dead_letters(), "there is none")
    with channel(place.line.url) as opened:
        opened.basic_publish(topology.EVENTS, "backup.requested.v1", RUBBISH, sent_by("snapline"))
    until(lambda: any(letter.body == RUBBISH for letter in place.line.dead_letters()), "it is parked")
    anybody.opens("/dead-letters")
    anybody.reads(QUEUE)
    anybody.finds_no_fault("dead-letters")
    anybody.page.locator("table a").first.click()
    anybody.reads("Why it lies here")
    anybody.finds_no_fault("dead-letter")
    anybody.opens("/dead-letters")
    anybody.presses(deed)
    if deed.startswith("Drop"):
        anybody.finds_no_fault("dead-letter-drop")
        anybody.page.locator("main").get_by_role("button", name="Drop").click()
        anybody.reads("Dropped")
    else:
        anybody.reads("Given back")
    expect(anybody.page).to_have_title("Dead letters · Snapline")
