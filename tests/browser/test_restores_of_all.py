"""Restores from a full snapshot in the browser, each with its way back: of everything, the console among it; of the
console alone; of one application. Objects and files are compared, not words alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser

from deploy.local import samples
from schemas.kubernetes import CONFIG_MAPS, SECRETS, Object
from tests.browser import acts
from tests.browser.chromium import WITHOUT_SCRIPTS
from tests.browser.living import Place
from tests.browser.people import Person, sitting
from tests.support.line import CONSOLE, Line

Choice = Literal["full", "partial", "console"]
Seen = Mapping[str, Any]
"""Objects and volumes by kind, namespace and name, as they are at one moment."""
APP, OTHER = "shop-floor", "print-works"
KEPT_OUT = "velero.io/exclude-from-backup"
"""On what no snapshot has and no restore touches: users and sessions of the console, which change meanwhile."""


@dataclass(frozen=True)
class Taken:
    """A full snapshot, what there was when it was taken, and what has become of that."""

    name: str
    then: Seen
    spoilt: Seen


@pytest.fixture(scope="module")
def taken(browser: Browser, place: Place) -> Iterator[Taken]:
    """Since then, files, an object of the console and one of an application were changed, and one is gone."""
    line = place.line
    with sitting(browser, place.url, place.password, WITHOUT_SCRIPTS) as person:
        name = acts.takes(person)
    then = _look(line)
    for app in (APP, OTHER):
        acts.spoil(line, app)
    _sets(line, "spoilt", "1")
    line.cluster.delete(SECRETS, OTHER, "press")
    spoilt = _look(line)
    assert {_namespace(key) for key in _differing(then, spoilt)} == {CONSOLE, APP, OTHER}
    yield Taken(name, then, spoilt)
    for sample in samples.applications():
        acts.mend(line, sample.slug)
        samples.create(line.cluster, sample.objects)
    _sets(line, "true", "100")


def test_everything_is_restored_and_the_console_comes_back_and_shows_that(
    anybody: Person, place: Place, taken: Taken
) -> None:
    _plans(anybody, taken.name, "full")
    anybody.reads("will be gone from 4 volumes")  # two of claims, two inside pods
    anybody.finds_no_fault("restore-plan-of-everything")
    with acts.held_up(place.line.stack):
        acts.confirms(anybody)
        anybody.sees("restore-in-progress-view", "Full restore in progress")
        place.line.stack.supervisor.kill("console")  # as the cluster does when it replaces the console's pod
    anybody.sees("restore-completed-view", "Restore completed")
    anybody.overlooks_that_the_console_was_away()
    anybody.finds_no_fault("restore-of-everything-completed")
    assert _differing(taken.then, _look(place.line)) == set()
    _goes_back(anybody, place, taken)


def test_the_console_alone_is_restored(anybody: Person, place: Place, taken: Taken) -> None:
    _restores(anybody, taken.name, "console")
    assert {_namespace(key) for key in _differing(taken.then, _look(place.line))} == {APP, OTHER}
    _goes_back(anybody, place, taken)


def test_one_application_of_a_full_snapshot_is_restored(anybody: Person, place: Place, taken: Taken) -> None:
    _restores(anybody, taken.name, "partial")
    assert {_namespace(key) for key in _differing(taken.then, _look(place.line))} == {CONSOLE, OTHER}
    _goes_back(anybody, place, taken)


def _restores(person: Person, snapshot: str, choice: Choice) -> None:
    _plans(person, snapshot, choice)
    acts.confirms(person)
    person.sees("restore-completed-view", "Restore completed")


def _plans(person: Person, snapshot: str, choice: Choice) -> None:
    person.opens(f"/snapshots/details/{snapshot}")
    person.at("snapshot-restore-button").click()
    dialog = person.at("backup-restore-modal")
    dialog.locator(f"input[name=choice][value={choice}]").check()
    if choice == "partial":
        dialog.get_by_label("Application", exact=True).select_option(APP)
        dialog.get_by_test_id("app-slug-input").fill(APP)
    person.presses("Confirm and restore" if choice == "partial" else "Show what this will do", "backup-restore-modal")
    person.sees("restore-plan", "Nothing has happened yet")


def _goes_back(person: Person, place: Place, taken: Taken) -> None:
    """All is as it was before the restore that the page shows."""
    person.presses("Roll back")
    person.sees("restore-plan", "Nothing has happened yet")
    acts.confirms(person)
    person.sees("restore-completed-view", "Restore completed")
    assert _differing(taken.spoilt, _look(place.line)) == set()


def _sets(line: Line, console: str, app: str) -> None:
    line.cluster.patch(CONFIG_MAPS, CONSOLE, "kotsadm-confg", {"data": {"initial-app-images-pushed": console}})
    line.cluster.patch(CONFIG_MAPS, APP, "db", {"data": {"max_connections": app}})


def _look(line: Line) -> Seen:
    picture = line.look()
    objects = {"/".join(key): each for key, each in picture.objects.items() if KEPT_OUT not in _labels(each)}
    return {**objects, **{f"volume/{key}": files for key, files in picture.volumes.items()}}


def _labels(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def _differing(one: Seen, other: Seen) -> set[str]:
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


def _namespace(key: str) -> str:
    return key.split("/")[1]
