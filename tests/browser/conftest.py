"""For the tests of a session: one browser, one running line with a console, and those who have logged in there."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import acts
from tests.browser.chromium import WITHOUT_SCRIPTS, Window, launched
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


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def anybody(browser: Browser, place: Place, request: pytest.FixtureRequest) -> Iterator[Person]:
    """The administrator, once with scripts and once without."""
    with sitting(browser, place.url, place.password, Window(scripts=request.param)) as person:
        yield person


@pytest.fixture(scope="session")
def full(browser: Browser, place: Place) -> str:
    """A full snapshot, taken with scripts."""
    with sitting(browser, place.url, place.password) as person:
        return acts.takes(person)


@pytest.fixture(scope="session")
def partial(browser: Browser, place: Place) -> str:
    """A partial snapshot of `shop-floor`, taken without scripts."""
    with sitting(browser, place.url, place.password, WITHOUT_SCRIPTS) as person:
        return acts.takes(person, "shop-floor")
