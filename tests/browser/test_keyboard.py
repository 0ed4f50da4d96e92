"""Hands that only type, and hands that hold a phone."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import acts
from tests.browser.chromium import PHONE
from tests.browser.keys import focused, tabs_to
from tests.browser.living import Place
from tests.browser.people import Person, sitting


def test_a_snapshot_is_begun_and_the_dialog_to_delete_it_left_by_keyboard_alone(admin: Person, partial: str) -> None:
    admin.opens("/snapshots/partial/print-works")
    tabs_to(admin, "Start a snapshot")
    admin.page.keyboard.press("Enter")
    admin.sees("snapshot-row-0", "Completed on")
    tabs_to(admin, "Delete print-works-.*")
    admin.page.keyboard.press("Enter")
    admin.sees("delete-snapshot-modal", "This cannot be reversed")
    assert focused(admin) == "Cancel"
    admin.page.keyboard.press("Escape")
    expect(admin.page.get_by_test_id("delete-snapshot-modal")).to_have_count(0)
    assert focused(admin).startswith("Delete print-works-")


def test_the_way_past_the_navigation_is_the_first_stop(admin: Person) -> None:
    admin.opens("/snapshots")
    admin.page.keyboard.press("Tab")
    assert focused(admin) == "Skip to content"
    admin.page.keyboard.press("Enter")
    expect(admin.page).to_have_url(re.compile("#content$"))


@pytest.mark.parametrize("path", ["/", "/snapshots", "/snapshots/partial", "/snapshots/settings", "/restores"])
def test_on_a_phone_everything_is_within_the_screen_and_large_enough_to_touch(
    path: str, browser: Browser, place: Place, full: str
) -> None:
    with sitting(browser, place.url, place.password, PHONE) as person:
        person.opens(path)
        outside = person.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert outside <= 0
        for button in person.page.locator("main .btn:visible").all():
            box = button.bounding_box()
            assert box is None or box["x"] + box["width"] <= PHONE.width, button.text_content()


def test_a_snapshot_is_taken_on_a_phone(browser: Browser, place: Place) -> None:
    with sitting(browser, place.url, place.password, PHONE) as person:
        acts.takes(person, "print-works")
