"""For the tests of a session: one browser, and windows that each test may open in it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import launched


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one browser of the session."""
    with launched() as browser:
        yield browser
