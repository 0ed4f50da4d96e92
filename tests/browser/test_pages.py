"""Every page, in every state that it has to stand, light and dark and on a phone: no grave fault of accessibility, no
complaint of the browser, nothing that is wider than the screen; and a picture of it for people to look at."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext
from starlette.routing import Route

from tests.browser import axe, worlds
from tests.browser.chromium import PHONE, Window, complaints, opened
from tests.browser.shots import shoot
from tests.browser.worlds import World, world

WINDOWS = {"light": Window(), "dark": Window(scheme="dark"), "phone": PHONE}
STATES = {"empty": worlds.empty, "usual": worlds.usual, "large": worlds.large}
PAGES = ["/", "/styleguide", "/nowhere"]
"""Addresses of all pages. Where a path has a name in it, one that is there in the usual state."""
ELSEWHERE = {"/live", "/dashboard"}
"""Routes that are no pages."""


@pytest.fixture(scope="module")
def all_worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    """A console in each state."""
    with ExitStack() as serving:
        yield {
            name: serving.enter_context(world(name, fill, tmp_path_factory.mktemp(name)))
            for name, fill in STATES.items()
        }


@pytest.fixture(scope="module")
def windows(browser: Browser, all_worlds: dict[str, World]) -> Iterator[dict[tuple[str, str], BrowserContext]]:
    """One for each world and screen."""
    made = {
        (world, name): opened(browser, window, all_worlds[world].url)
        for world in STATES
        for name, window in WINDOWS.items()
    }
    yield made
    for each in made.values():
        each.close()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("state", STATES)
def test_a_page_is_without_grave_faults(windows: dict[tuple[str, str], BrowserContext], path: str, state: str) -> None:
    for screen in WINDOWS:
        page = windows[state, screen].new_page()
        heard = complaints(page)
        answer = page.goto(path)
        shoot(page, f"{path}-{state}-{screen}")
        assert answer is not None
        assert answer.status < 500, path
        assert axe.faults(page) == [], f"{path} {state} {screen}"
        assert page.title() != "taken over"
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, f"{path} {state} {screen} is {too_wide} px wider than the screen"
        assert [each for each in heard if answer.status < 400 or "Failed to load resource" not in each] == []
        page.close()


def test_no_page_is_left_out(all_worlds: dict[str, World]) -> None:
    routes = [each for each in all_worlds["empty"].console.app.routes if isinstance(each, Route)]
    shown = [each for each in routes if "GET" in (each.methods or ()) and each.path not in ELSEWHERE]
    assert [
        each.path for each in shown if not any(each.path_regex.match(path.partition("?")[0]) for path in PAGES)
    ] == []
