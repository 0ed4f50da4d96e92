"""Pages while something that they need does not answer, or nobody may see them: each says so, and is as fit to use."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page

from producers.access.identity import Identity
from schemas.errors import TransientError
from tests.browser import looking, worlds
from tests.browser.chromium import PATIENCE_MS, Window, opened
from tests.browser.worlds import World, world
from tests.support.console import Console
from tests.support.line import until

SUPPORTER = Identity("helper", "support")
SAID = {
    "store": "the object store does not answer",
    "cluster": "the API server does not answer",
    "broker": "RabbitMQ does not answer",
}
AWAY = [
    ("store", "/"),
    ("store", "/snapshots"),
    ("store", "/snapshots/details/instance-00000"),
    ("store", "/restores"),
    ("cluster", "/"),
    ("cluster", "/snapshots/partial"),
    ("cluster", "/snapshots/settings"),
    ("cluster", "/license"),
    ("broker", "/activity"),
    ("broker", "/dead-letters"),
]


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    """A console each without its store, its cluster and its broker, with all that was there before."""
    with ExitStack() as serving:
        yield {what: serving.enter_context(world(what, _fill(what), tmp_path_factory.mktemp(what))) for what in SAID}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One window for all."""
    with opened(browser, Window()) as context:
        yield context.new_page()


@pytest.mark.parametrize(("what", "path"), AWAY)
def test_a_page_says_what_does_not_answer(page: Page, without: dict[str, World], what: str, path: str) -> None:
    answer = page.goto(without[what].url + path)
    assert answer is not None
    assert answer.status in (200, 503)
    assert SAID[what] in page.locator("main").inner_text()
    assert looking.faults(page, f"{path if path != '/' else 'home'}-without-the-{what}") == []


def test_home_says_that_rabbitmq_cannot_be_asked(page: Page, without: dict[str, World]) -> None:
    def said() -> bool:
        page.goto(without["broker"].url)
        return SAID["broker"] in page.locator("main").inner_text()

    until(said, "it was tried, beside the pages")
    assert looking.faults(page, "home-without-the-broker") == []


def test_who_may_not_see_a_page_is_told_so(page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    with world("supporter", worlds.usual, tmp_path_factory.mktemp("supporter"), SUPPORTER) as found:
        answer = page.goto(f"{found.url}/restores/plan?backup=instance-00000&scope=full")
        assert answer is not None
        assert answer.status == 403
        assert "helper is signed in as support, and may not restore" in page.locator("main").inner_text()
        assert looking.faults(page, "denied") == []


def test_a_lost_connection_is_told_and_what_was_there_stays(
    page: Page, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with world("lost", worlds.usual, tmp_path_factory.mktemp("lost")) as found:
        page.goto(f"{found.url}/snapshots")
        page.wait_for_function("document.querySelector('[data-live]') !== null")
    page.locator("#lost").wait_for(state="visible", timeout=PATIENCE_MS)
    assert "instance-00000" in page.locator("main").inner_text()
    assert looking.faults(page, "connection-lost") == []


def _fill(what: str) -> worlds.Fill:
    def fill(console: Console) -> None:
        worlds.usual(console)
        front = console.front
        _silence({"store": front.objects, "cluster": front.cluster, "broker": front.bus}[what], SAID[what])

    return fill


def _silence(twin: object, why: str) -> None:
    """Whatever it is asked from now on, it does not answer."""

    def unanswered(*_: object, **__: object) -> None:
        raise TransientError(why)

    for name in dir(type(twin)):
        if not name.startswith("_") and name != "close" and callable(getattr(twin, name)):
            setattr(twin, name, unanswered)
