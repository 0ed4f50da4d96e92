"""What people do at the console, each deed by the page's own words; the same with and without scripts."""

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import expect

from deploy.local.stack import Stack
from schemas import topology
from tests.browser.people import PATIENCE, Person
from tests.support.line import Line

NEWER = "newer.txt"
NODE = topology.volumes("node-a").name


def takes(person: Person, app: str = "", patience: float = PATIENCE) -> str:
    """A snapshot of all, or of `app`, from its start to its end; its name. With scripts, without loading the page
    again."""
    name = starts(person, app)
    person.sees("snapshot-row-0", "Completed on", patience)
    if person.window.scripts:
        assert person.page.evaluate("window.stayed") is True
    return name


def starts(person: Person, app: str = "") -> str:
    """The row of a new snapshot is there at once; its name."""
    person.opens(f"/snapshots/partial/{app}" if app else "/snapshots")
    person.presses("Start a snapshot")
    if person.window.scripts:
        person.page.evaluate("window.stayed = true")
    row = person.at("snapshot-row-0")
    expect(row).to_contain_text(re.compile("Preparing snapshot|In Progress|Completed on"))
    return (row.locator("code").first.text_content() or "").strip()


def plans(person: Person, app: str, snapshot: str) -> None:
    """From a partial snapshot's row to the plan of its restore."""
    person.opens(f"/snapshots/partial/{app}/{snapshot}")
    person.at("snapshot-restore-button").click()
    person.sees("restore-snapshot-modal", "All data of")
    person.finds_no_fault("restore-dialog-partial")
    person.at("app-slug-input").fill(app)
    person.presses("Confirm and restore")
    person.sees("restore-plan", "Nothing has happened yet")


def confirms(person: Person, word: str = "") -> None:
    """What the plan says; `word` is what has to be typed, that which the page names if it is empty."""
    asked = person.at("restore-plan-confirm")
    word = word or (asked.locator("label code").text_content() or "")
    asked.get_by_test_id("app-slug-input").fill(word)
    asked.get_by_role("button", name="Confirm and restore").click()
    person.page.wait_for_url(re.compile("/restore"))


@contextmanager
def held_up(stack: Stack) -> Iterator[None]:
    """No volume is copied or written while the context lasts: the node's worker stands still."""
    stack.supervisor.kill(NODE, signal.SIGSTOP)
    try:
        yield
    finally:
        stack.supervisor.kill(NODE, signal.SIGCONT)


def spoil(line: Line, app: str) -> None:
    """A file in each of its volumes that no snapshot has."""
    for directory in _volumes(line, app):
        (directory / NEWER).write_text("after the snapshot\n")


def mend(line: Line, app: str) -> None:
    """The file is gone."""
    for directory in _volumes(line, app):
        (directory / NEWER).unlink(missing_ok=True)


def is_spoilt(line: Line, app: str) -> bool:
    """Whether the file is there."""
    return any((directory / NEWER).exists() for directory in _volumes(line, app))


def _volumes(line: Line, app: str) -> list[Path]:
    return [path for key, path in line.volume_directories() if key.startswith(f"{app}/")]
