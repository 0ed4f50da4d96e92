"""Every page in every state that it has to stand: empty, as usual, and large."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page
from starlette.routing import Route

from tests.browser import looking, worlds
from tests.browser.chromium import Window, complaints, opened
from tests.browser.worlds import World, world

STATES = {"empty": worlds.empty, "usual": worlds.usual, "large": worlds.large}
LISTS = ["/", "/snapshots", "/snapshots/partial", "/snapshots/settings", "/restores", "/activity", "/license", "/apps"]
"""Addresses of pages that are seen in every state."""
USUAL = [
    "/api",
    "/styleguide",
    "/nowhere",
    "/snapshots/settings?add=",
    "/snapshots/settings?app=shop",
    "/snapshots?status=Failed",
    "/snapshots?q=nothing-is-called-so",
    "/snapshots/partial/shop",
    "/snapshots/partial/shop/shop-00000",
    "/apps/new",
    "/app/shop/registration",
    "/app/shop/registration/remove",
    *(f"/snapshots/details/{name}" for name in ("instance-00000", "instance-partial", "instance-failed", worlds.BIG)),
    "/snapshots/details/instance-running",
    "/snapshots/details/instance-running/cancel",
    "/snapshots/details/instance-00000/delete",
    f"/snapshots/details/{worlds.BIG}/volumes",
    "/snapshots/details/instance-00000/logs",
    "/snapshots/compare",
    "/snapshots/differences",
    "/dead-letters",
    "/api",
    "/search",
    "/search?q=shop",
]
"""Addresses of pages of which there is something in the usual state."""
LOOKS = [*((state, path) for state in STATES for path in LISTS), *(("usual", path) for path in USUAL)]
ON_THE_LINE = {
    "/snapshots/inside/{name}",
    "/snapshots/inside/{name}/object",
    "/snapshots/inside/{name}/files",
    "/snapshots/inside/{name}/history",
    "/snapshots/inside/{name}/file-history",
    "/snapshots/settings/destinations/{name}/remove",
    "/snapshots/details/{name}/restore",
    "/snapshots/{slug}/{name}/restore",
    "/restores/plan",
    "/restores/{name}",
    "/restores/{name}/cancel",
    "/restores/{name}/rollback",
    "/activity/events/{offset:int}",
    "/activity/jobs/{kind}/{name}",
    "/dead-letters/drop",
    "/dead-letters/{queue}/{id}",
    "/snapshots/details/{name}/scripts/{phase}",
    "/snapshots/details/{name}/scripts/{phase}/{number:int}",
}
"""Pages of what the line alone makes: the other tests look at these."""
NO_PAGES = re.compile(
    r"/(live|dashboard|openapi.json)$|/api/|/app/{slug}/|/preview$|/inside/{name}/(yaml|file|zip)$|/logs.txt$|/lines$"
)


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


@pytest.mark.parametrize(("state", "path"), LOOKS)
def test_a_page_is_without_grave_faults(page: Page, all_worlds: dict[str, World], state: str, path: str) -> None:
    with complaints(page) as heard:
        answer = page.goto(all_worlds[state].url + path)
        assert answer is not None
        assert answer.status == (404 if path == "/nowhere" else 200)
        assert looking.faults(page, f"{path if path != '/' else 'home'}-{state}") == []
        assert page.title() != worlds.TAKEN_OVER
    assert [each for each in heard if answer.ok or "Failed to load resource" not in each] == []


def test_no_page_is_left_out(all_worlds: dict[str, World]) -> None:
    routes = [each for each in all_worlds["empty"].console.app.routes if isinstance(each, Route)]
    shown = {each.path for each in routes if "GET" in (each.methods or ()) and not NO_PAGES.search(each.path)}
    seen = {each.path for each in routes for _, path in LOOKS if each.path_regex.match(path.partition("?")[0])}
    alike = {path.replace("/details/{name}", "/partial/{slug}/{name}") for path in seen | ON_THE_LINE}
    assert sorted(shown - seen - ON_THE_LINE - alike) == []
