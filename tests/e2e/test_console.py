"""The admin console on a real cluster, in a browser: from the printed password to an application that is back."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
from playwright.sync_api import Browser

from deploy.local import looking
from tests.browser import acts
from tests.browser.chromium import launched
from tests.browser.living import Place, opened
from tests.browser.newcomer import settles_in
from tests.browser.people import Person, sitting
from tests.e2e.shop import BACKUP, SHOP
from tests.support.line import Line, until
from tests.support.pods import Installation, forwarded_console
from tests.support.real_cluster import needs_a_cluster, real_line, register

PATIENCE = 600.0
"""Seconds that a job may take, with pods to be started."""
pytestmark = [pytest.mark.timeout(900, func_only=True), needs_a_cluster]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def place(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, installation: Installation | None
) -> Iterator[Place]:
    """A console on a line on the cluster, with a destination that somebody has set up in the browser."""
    with real_line(tmp_path_factory.mktemp("line"), installation) as line:
        register(line, SHOP, BACKUP, SHOP)
        with _pod(line, installation) if installation else nullcontext(opened(line)) as place:
            settles_in(browser, place)
            yield place


@contextmanager
def _pod(line: Line, installation: Installation) -> Iterator[Place]:
    """The console's pod, as nobody has met it before."""
    installation.apply()
    password = installation.console()
    with forwarded_console() as url:
        yield Place(url, line, password, secrets.token_urlsafe(12))


@pytest.fixture
def admin(browser: Browser, place: Place) -> Iterator[Person]:
    with sitting(browser, place.url, place.password) as person:
        yield person


def _runs(place: Place) -> bool:
    """Whether the shop's pods run, but for those of jobs."""
    pods = looking.pods(place.line.cluster, SHOP)
    lasting = [pod for pod in pods if (pod["metadata"].get("ownerReferences") or [{}])[0].get("kind") != "Job"]
    return bool(lasting) and all((pod.get("status") or {}).get("phase") == "Running" for pod in lasting)


def test_an_application_is_taken_looked_into_and_brought_back(admin: Person, place: Place) -> None:
    until(lambda: _runs(place), "the shop runs", seconds=180)
    snapshot = acts.takes(admin, SHOP, PATIENCE)
    admin.opens(f"/snapshots/inside/{snapshot}?q=StatefulSet")
    admin.page.locator("ul.names a").first.click()
    admin.sees("object-yaml", "kind: StatefulSet")
    acts.plans(admin, SHOP, snapshot)
    admin.reads("Deleted")
    acts.confirms(admin, SHOP)
    admin.sees("restore-completed-view", "Restore completed", PATIENCE)
    until(lambda: _runs(place), "the shop runs again", seconds=180)
    admin.opens("/activity")
    admin.reads("restore.completed")
    admin.opens("/")
    admin.reads("Shop")
