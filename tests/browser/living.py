"""The whole local stack with a console beside it, and people who look at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from deploy.local.stack import destination_settings
from producers.console.app import application
from producers.console.live import Hub
from producers.console.needs import Needs
from producers.session import Session
from schemas.settings import from_environment
from tests.browser.chromium import Window, complaints, opened
from tests.support.console import SignedIn
from tests.support.line import Line, whole_line
from tests.support.web import served


@dataclass(frozen=True)
class Place:
    """A console on a running line."""

    url: str
    line: Line


@contextmanager
def lived_in(root: Path) -> Iterator[Place]:
    """The stack with its sample applications, all workers and the console, but no destination yet: people set it up."""
    with whole_line(root) as line:
        for name in destination_settings(line.stack.destination):
            del line.stack.environment[name]
        line.stack.start_workers()
        with Session(from_environment(line.stack.environment), "snapline/console") as session:
            needs = Needs(session, SignedIn(), Hub(session.events), lambda: datetime.now(UTC))
            with served(application(needs)) as url:
                yield Place(url, line)


class Person:
    """Somebody at a browser: opens pages and looks for what they say."""

    def __init__(self, browser: Browser, place: Place, window: Window) -> None:
        self.place, self.window = place, window
        self.context = opened(browser, window, place.url)
        self.page: Page = self.context.new_page()
        self.heard = complaints(self.page)

    def sees(self, test_id: str, text: str = "") -> None:
        """Waits until it is there, and says `text`."""
        expect(self.page.get_by_test_id(test_id)).to_contain_text(text)
