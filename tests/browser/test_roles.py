"""Two more people: one who may look alone, and one who has one application. Their first password works once."""

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import acts
from tests.browser.chromium import WITHOUT_SCRIPTS
from tests.browser.living import Place
from tests.browser.people import Person, sitting


@pytest.fixture(scope="module")
def passwords(browser: Browser, place: Place) -> dict[str, str]:
    """By name: a supporter, and an operator of `print-works`, whom the administrator adds, and who choose their own."""
    with sitting(browser, place.url, place.password) as person:
        first = {
            "helper": adds(person, "helper", "support"),
            "printer": adds(person, "printer", "operator", "print-works"),
        }
    return {name: _chooses(browser, place, name, password) for name, password in first.items()}


@pytest.fixture
def helper(browser: Browser, place: Place, passwords: dict[str, str]) -> Iterator[Person]:
    """The supporter has logged in."""
    with sitting(browser, place.url, passwords["helper"], name="helper") as person:
        yield person


@pytest.fixture
def printer(browser: Browser, place: Place, passwords: dict[str, str]) -> Iterator[Person]:
    """The operator of `print-works` has logged in."""
    with sitting(browser, place.url, passwords["printer"], name="printer") as person:
        yield person


def adds(person: Person, name: str, role: str, app: str = "") -> str:
    """A user; the password that is shown once."""
    person.opens("/access")
    person.finds_no_fault("users-and-tokens")
    person.page.get_by_text("Add a user", exact=True).click()
    form = person.page.locator("form", has=person.page.get_by_role("button", name="Add the user"))
    form.get_by_label("Name", exact=True).fill(name)
    form.locator(f"input[name=role][value={role}]").check()
    if app:
        form.locator("input[name=all_apps]").uncheck()
        form.locator(f"input[name=app][value={app}]").check()
    form.get_by_role("button", name="Add the user").click()
    person.finds_no_fault("shown-once")
    return (person.at("shown-once").locator("code").text_content() or "").strip()


def _chooses(browser: Browser, place: Place, name: str, first: str) -> str:
    password = secrets.token_urlsafe(12)
    with Person(browser, place.url, WITHOUT_SCRIPTS) as person:
        person.opens("/sign-in")
        person.logs_in(first, name)
        person.types("The password that you were given", first)
        person.types("New password", password)
        person.types("New password again", password)
        person.presses("Set the password and log in")
        person.sees("navbar-dropdown-button", name)
    return password


def test_a_supporter_sees_everything_and_is_offered_nothing_that_changes_something(helper: Person, full: str) -> None:
    helper.opens(f"/snapshots/details/{full}")
    helper.sees("snapshot-status", "Completed")
    for deed in ("snapshot-restore-button", "snapshot-delete-button", "view-output"):
        expect(helper.page.get_by_test_id(deed)).to_have_count(0)
    helper.opens("/snapshots")
    expect(helper.page.get_by_role("button", name="Start a snapshot")).to_have_count(0)
    helper.opens("/snapshots/settings")
    expect(helper.page.get_by_test_id("update-storage-settings-button")).to_have_count(0)
    helper.finds_no_fault("settings-of-a-supporter")
    assert helper.page.request.get("/access", max_redirects=0).status == 403


def test_an_operator_of_one_application_takes_its_snapshots_and_sees_no_other(
    printer: Person, full: str, partial: str
) -> None:
    acts.takes(printer, "print-works")
    printer.finds_no_fault("partial-snapshots-of-an-operator")
    for path in (f"/snapshots/details/{full}", f"/snapshots/partial/shop-floor/{partial}", "/access"):
        assert printer.page.request.get(path, max_redirects=0).status in (403, 404), path
    printer.opens("/")
    assert "shop-floor" not in printer.page.content()
