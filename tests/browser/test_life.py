"""A day's work by keyboard alone, and on a phone: from the log-in to what was restored and rolled back."""

from playwright.sync_api import Browser, expect

from tests.browser import acts
from tests.browser.chromium import PHONE, Window
from tests.browser.keys import tabs_to, types_into
from tests.browser.living import Place
from tests.browser.people import Person, sitting

APP = "print-works"


def test_a_day_by_keyboard_alone(browser: Browser, place: Place, partial: str) -> None:
    with Person(browser, place.url, Window()) as person:
        person.opens("/sign-in")
        types_into(person, "Password", place.password)
        person.page.keyboard.press("Enter")
        person.sees("navbar-dropdown-button", "admin")
        _sets_a_schedule(person)
        _looks_inside(person, partial)
        acts.spoil(place.line, "shop-floor")
        _restores(person, partial)
        assert not acts.is_spoilt(place.line, "shop-floor")
        tabs_to(person, "Roll back")
        person.page.keyboard.press("Enter")
        _confirms(person, "shop-floor")
        assert acts.is_spoilt(place.line, "shop-floor")
    acts.mend(place.line, "shop-floor")


def test_a_day_on_a_phone(browser: Browser, place: Place) -> None:
    with sitting(browser, place.url, place.password, PHONE) as person:
        snapshot = acts.takes(person, APP)
        acts.spoil(place.line, APP)
        person.opens(f"/snapshots/inside/{snapshot}")
        person.page.get_by_role("link", name=f"{APP}/").first.click()
        with person.page.expect_download():
            person.at("download-zip").click()
        acts.plans(person, APP, snapshot)
        acts.confirms(person, APP)
        person.sees("restore-completed-view", "Restore completed")
        assert not acts.is_spoilt(place.line, APP)
        person.presses("Roll back")
        acts.confirms(person)
        person.sees("restore-completed-view", "Restore completed")
        assert acts.is_spoilt(place.line, APP)
        for path, said in {
            "/snapshots/settings": "Retention policy",
            "/activity": "restore.completed.v1",
            "/dead-letters": "Dead letters",
        }.items():
            person.opens(path)
            person.reads(said)
    acts.mend(place.line, APP)


def _sets_a_schedule(person: Person) -> None:
    person.opens("/snapshots/settings")
    for enabled in (True, False):
        tabs_to(person, "Enable scheduled snapshots.*")
        person.page.keyboard.press("Space")
        expect(person.at("enable-scheduled-snapshots-checkbox")).to_be_checked(checked=enabled)
        tabs_to(person, "Update schedule")
        person.page.keyboard.press("Enter")
        person.sees("snapshots-schedule-update-confirmation", "Schedule updated")
        person.opens("/snapshots/settings")


def _looks_inside(person: Person, snapshot: str) -> None:
    person.opens(f"/snapshots/inside/{snapshot}")
    tabs_to(person, "shop-floor/data-db-0.*")
    person.page.keyboard.press("Enter")
    person.sees("file-row-0")
    tabs_to(person, "Download.*")
    with person.page.expect_download():
        person.page.keyboard.press("Enter")


def _restores(person: Person, snapshot: str) -> None:
    person.opens(f"/snapshots/partial/shop-floor/{snapshot}")
    tabs_to(person, "Restore( from .*)?")
    person.page.keyboard.press("Enter")
    person.sees("restore-snapshot-modal", "All data of")
    types_into(person, "To confirm, type shop-floor", "shop-floor")
    tabs_to(person, "Confirm and restore")
    person.page.keyboard.press("Enter")
    _confirms(person, "")


def _confirms(person: Person, word: str) -> None:
    person.sees("restore-plan", "Nothing has happened yet")
    if word:
        types_into(person, f"To confirm, type {word}", word)
    tabs_to(person, "Confirm and restore")
    person.page.keyboard.press("Enter")
    person.sees("restore-completed-view", "Restore completed")
