"""People at the console: what they open, press, type and wait for, by the words and test ids of the pages."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from playwright.sync_api import Browser, Error, Locator, Page, expect

from tests.browser import looking
from tests.browser.chromium import Window, complaints, opened

PATIENCE = 120.0
"""Seconds that anything may take, on a machine that has much to do."""
AGAIN = 0.4
"""Seconds until somebody without scripts loads a page again."""


class Person:
    """Somebody at a browser of their own. Ends well only if the browser has not complained."""

    def __init__(self, browser: Browser, url: str, window: Window | None = None) -> None:
        self.window = window or Window()
        self._context = opened(browser, self.window, url)
        self.page: Page = self._context.new_page()
        self._listening = complaints(self.page)
        self._heard = self._listening.__enter__()

    def opens(self, path: str) -> None:
        """By its address. Fails for a page that is not there."""
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"

    def at(self, test_id: str) -> Locator:
        """What has that test id, the first if there are more."""
        return self.page.get_by_test_id(test_id).first

    def presses(self, name: str, within: str = "") -> None:
        """A button or link of exactly that name; `within` is the test id of what it is in."""
        place: Page | Locator = self.at(within) if within else self.page
        exact = re.compile(rf"^\s*{re.escape(name)}\s*$")
        place.get_by_role("button", name=exact).or_(place.get_by_role("link", name=exact)).first.click()

    def types(self, label: str, text: str, within: str = "root-container") -> None:
        """Into the field of exactly that label."""
        self.at(within).get_by_label(label, exact=True).fill(text)

    def sees(self, test_id: str, text: str = "", patience: float = PATIENCE) -> None:
        """Waits until it is there and says so: scripts have to bring that about, or, without them, loading it again."""
        self.waits(lambda: self._says(test_id, text), f"{test_id} says {text!r}", patience)

    def sees_no_more(self, test_id: str, text: str) -> None:
        """As `sees`, until it is there and does not say so, or is gone."""
        self.waits(lambda: not self._says(test_id, text), f"{test_id} no longer says {text!r}")

    def waits(self, true: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
        """Until something is true of the page."""
        deadline = time.monotonic() + patience
        while not true():
            assert time.monotonic() < deadline, f"waited {patience:g} s in vain: {what}, at {self.page.url}"
            if self.window.scripts:
                self.page.wait_for_timeout(100)
            else:
                time.sleep(AGAIN)
                with suppress(Error):  # the console is away for a moment
                    self.page.reload()

    def _says(self, test_id: str, text: str) -> bool:
        try:
            found = self.page.get_by_test_id(test_id).all_text_contents()
        except Error:  # another page is just coming
            return False
        return any(text in " ".join(each.split()) for each in found)

    def reads(self, text: str | re.Pattern[str]) -> None:
        """It is somewhere on the page."""
        expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible()

    def overlooks_that_the_console_was_away(self) -> None:
        """What the browser has complained of so far, if it is that nobody answered."""
        self._heard[:] = [each for each in self._heard if "net::ERR_" not in each]

    def finds_no_fault(self, name: str) -> None:
        """Neither light nor dark, on a desk or a phone. What looks for them is a script."""
        if self.window.scripts:
            found = looking.faults(self.page, name)
            self.page.set_viewport_size({"width": self.window.width, "height": self.window.height})
            assert found == []

    def logs_in(self, password: str, name: str = "") -> None:
        """From the page that asks for it, or from any other that is for those who have logged in."""
        if name:
            self.page.get_by_text("Another user", exact=True).click()
            self.types("Name", name)
        self.at("login-password-input").fill(password)
        self.presses("Log in")

    def __enter__(self) -> "Person":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.__exit__(None, None, None)
        self._context.close()
        if error is None:
            assert not self._heard, self._heard


@contextmanager
def sitting(
    browser: Browser, url: str, password: str, window: Window | None = None, name: str = ""
) -> Iterator[Person]:
    """Somebody who has logged in."""
    with Person(browser, url, window) as person:
        person.opens("/sign-in")
        person.logs_in(password, name)
        person.page.wait_for_url(re.compile(r"/$|/\?"))
        yield person
