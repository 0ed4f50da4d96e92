"""Snapshots in the browser: begun, followed, looked at, cancelled, deleted."""

import re

from playwright.sync_api import expect

from tests.browser import acts
from tests.browser.living import Place
from tests.browser.people import Person


def test_a_snapshot_says_what_it_holds(admin: Person, full: str) -> None:
    admin.opens("/snapshots")
    row = admin.page.locator(f'tr[data-key="{full}"]')  # others may have come since
    expect(row).to_be_visible()
    admin.finds_no_fault("full-snapshots")
    size = row.get_by_test_id("snapshot-volume-size").text_content()
    row.get_by_role("link", name=full).first.click()
    admin.sees("snapshot-status", "Completed")
    assert admin.at("snapshot-volume-size").text_content() == size
    for card in ("snapshot-timeline", "snapshot-volumes-card", "snapshot-scripts-card"):
        expect(admin.at(card)).to_be_visible()
    admin.finds_no_fault("snapshot-details")
    admin.at("snapshot-type-legacy").locator("summary").click()
    expect(admin.at("snapshot-type-legacy-content")).to_be_visible()
    admin.at("back-button").click()
    admin.sees("full-snapshots-card-title")


def test_what_a_script_said_opens_over_the_page_and_closes_with_the_words_of_kots(admin: Person, full: str) -> None:
    admin.opens(f"/snapshots/details/{full}")
    admin.sees("pre-snapshot-script-row-0", "Completed")
    admin.at("view-output").click()
    admin.sees("snapshot-script-output-modal")
    admin.finds_no_fault("script-output")
    admin.presses("Ok, got it!", within="snapshot-script-output-modal")
    expect(admin.at("snapshot-script-output-modal")).to_be_hidden()


def test_one_that_is_in_progress_can_be_followed_and_cancelled(anybody: Person, place: Place) -> None:
    with acts.held_up(place.line.stack):
        name = acts.starts(anybody, "print-works")
        anybody.sees("snapshot-row-0", "In Progress")
        anybody.reads("You can't start a snapshot while another one is In Progress")
        anybody.finds_no_fault("partial-snapshots-busy")
        anybody.opens(f"/snapshots/partial/print-works/{name}")
        anybody.sees("snapshot-status", "In Progress")
        anybody.finds_no_fault("snapshot-running")
        anybody.presses("Cancel snapshot")
        anybody.reads("Nothing can be restored from it")
        anybody.page.get_by_role("dialog").get_by_role("button", name="Cancel snapshot").click()
        anybody.page.wait_for_url(re.compile(f"/{name}$"))
    anybody.sees("snapshot-status", "Cancelled")


def test_one_is_deleted_after_the_page_has_said_what_that_means(anybody: Person, place: Place) -> None:
    name = acts.takes(anybody, "print-works")
    anybody.at("snapshot-delete-button").click()
    anybody.sees("delete-snapshot-modal", "This cannot be reversed")
    anybody.finds_no_fault("delete-snapshot")
    anybody.presses("Delete snapshot", within="delete-snapshot-modal")
    anybody.sees_no_more("partial-snapshots-card", name)
