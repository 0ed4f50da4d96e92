"""For the tests of a session: one browser, one running line with a console, and those who have logged in there."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import launched
from tests.browser.living import Place, lived_in
from tests.browser.newcomer import settles_in
from tests.browser.people import Person, sitting


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one browser of the session."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def place(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A console on a running line, with a destination that somebody has set up in the browser."""
    with lived_in(tmp_path_factory.mktemp("line")) as place:
        settles_in(browser, place)
        yield place


@pytest.fixture
def admin(browser: Browser, place: Place) -> Iterator[Person]:
    """The administrator has logged in."""
    with sitting(browser, place.url, place.password) as person:
        yield person
