"""Every page in every state that it has to stand: empty, as usual, and large."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page
from starlette.routing import Route

from tests.browser import looking, worlds
from tests.browser.chromium import Window, complaints, opened
from tests.browser.worlds import World, world

STATES = {"empty": worlds.empty, "usual": worlds.usual, "large": worlds.large}
PAGES = ["/", "/styleguide", "/nowhere", "/snapshots/settings", "/snapshots/settings?add="]
"""Addresses of pages. Where a path has a name in it, one that is there in the usual state."""
ON_THE_LINE = {
    "/snapshots/inside/{name}",
    "/snapshots/inside/{name}/object",
    "/snapshots/inside/{name}/files",
    "/snapshots/inside/{name}/history",
    "/snapshots/inside/{name}/file-history",
    "/snapshots/compare",
    "/snapshots/settings/destinations/{name}/remove",
}
"""Pages of what the line has made: the other tests look at these."""
NO_PAGES = {"/live", "/dashboard"} | {f"/snapshots/inside/{{name}}/{what}" for what in ("yaml", "file", "zip")}


@pytest.fixture(scope="module")
def all_worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    """A console in each state."""
    with ExitStack() as serving:
        yield {
            name: serving.enter_context(world(name, fill, tmp_path_factory.mktemp(name)))
            for name, fill in STATES.items()
        }


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One window for all."""
    with opened(browser, Window()) as context:
        yield context.new_page()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("state", STATES)
def test_a_page_is_without_grave_faults(page: Page, all_worlds: dict[str, World], path: str, state: str) -> None:
    with complaints(page) as heard:
        answer = page.goto(all_worlds[state].url + path)
        assert answer is not None
        assert answer.status < 500, path
        assert looking.faults(page, f"{path}-{state}") == []
        assert page.title() != worlds.TAKEN_OVER
    assert [each for each in heard if answer.ok or "Failed to load resource" not in each] == []


def test_no_page_is_left_out(all_worlds: dict[str, World]) -> None:
    routes = [each for each in all_worlds["empty"].console.app.routes if isinstance(each, Route)]
    pages = [each for each in routes if not each.path.startswith(("/api/", "/openapi.json"))]
    shown = {each.path: each for each in pages if "GET" in (each.methods or ())}
    seen = {path for path, route in shown.items() for each in PAGES if route.path_regex.match(each.partition("?")[0])}
    assert sorted(shown.keys() - seen - ON_THE_LINE - NO_PAGES) == []
