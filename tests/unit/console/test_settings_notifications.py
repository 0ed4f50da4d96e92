"""The settings page, notifications and objectives: whom to tell, tried by a test; and how old a snapshot may be."""

from datetime import timedelta
from pathlib import Path

import pytest

from producers.access.identity import Identity
from producers.actions import objects
from producers.views.notifying import targets as views
from producers.views.notifying.objectives import objectives
from schemas import application
from schemas.application import Application
from schemas.errors import NotFound
from schemas.kubernetes import SECRETS
from schemas.notification import PingTarget, Target, WebhookTarget
from tests.support.console import Console, Page
from tests.support.receiver import receiver

PATH = "/snapshots/settings"
TOKEN = "t0ken-in-the-address"
HOOK = {
    "new": "1",
    "name": "ops",
    "kind": "webhook",
    "url": f"https://example.com/{TOKEN}",
    "key": "k3y",
    "severity": "warning",
    "events": "backup.*, restore.failed",
    "apps": "shop",
}


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """The shop is registered."""
    console = Console(tmp_path)
    secret = application.to_secret(Application(slug="shop", name="Shop"), "snapline-console")
    objects.apply(console.front.cluster, SECRETS, secret)
    return console


def stored(console: Console, name: str = "ops") -> Target:
    return views.target(console.front.session, name)


def update(console: Console, values: dict[str, str], status: int = 303) -> Page:
    return console.post(f"{PATH}/notifications", values, status)


def test_a_target_is_added_listed_and_changed_without_its_address(console: Console) -> None:
    assert "Nobody is told" in console.get(PATH).text
    answer = update(console, HOOK)
    page = console.get(answer.location)
    assert "Notifications updated" in page.text
    assert "Hears warnings and errors of backup.*, restore.failed, about shop" in page.text
    page = console.get(f"{PATH}?notify=ops")
    assert 'placeholder="unchanged"' in page.html
    update(
        console, {"name": "ops", "kind": "webhook", "severity": "error", "events": "", "apps": "", "digest": "daily"}
    )
    found = stored(console)
    assert isinstance(found, WebhookTarget)
    assert (found.url.get_secret_value(), found.key.get_secret_value()) == (HOOK["url"], "k3y")
    assert (found.severity, found.events, found.apps, found.digest) == ("error", ["*"], [], "daily")
    update(console, {"name": "ops", "kind": "webhook", "severity": "error"})
    assert stored(console).digest == ""


def test_other_kinds_have_their_own_fields(console: Console) -> None:
    ping = {"new": "1", "name": "alive", "kind": "ping", "success_url": "https://hc.example.com/x"}
    update(console, ping)
    found = stored(console, "alive")
    assert isinstance(found, PingTarget)
    assert found.events == ["backup.*"]
    update(console, {"new": "1", "name": "cluster", "kind": "kubernetes", "url": "https://not-for-this-kind"})
    assert stored(console, "cluster").kind == "kubernetes"


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "no address"},
        {"url": ""},
        {"name": ""},
        {"name": "<x-odd>"},
        {"events": "<script>"},
        {"apps": "A B"},
        {"digest": "never"},
        {"severity": "loud"},
        {"kind": "fax"},
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(console: Console, changes: dict[str, str]) -> None:
    page = update(console, {**HOOK, **changes}, 422)
    assert "Nothing was stored" in page.text or 'class="error"' in page.html
    assert TOKEN not in page.html
    for hostile in ("<x-odd>", "<script>"):
        assert hostile not in page.html
    with pytest.raises(NotFound):
        stored(console)


def test_a_name_that_is_taken_is_not_taken_again(console: Console) -> None:
    update(console, HOOK)
    assert "there is a target ops already" in update(console, {**HOOK, "severity": "error"}, 422).text
    assert stored(console).severity == "warning"


def test_a_test_is_sent_and_what_was_answered_is_shown(console: Console) -> None:
    with receiver("k3y") as there:
        update(console, {**HOOK, "url": there.url, "allow_private": "on"})
        console.post(f"{PATH}/notifications/ops/test")
        assert len(there.signatures) == 1
        assert "Test delivered" in console.get(PATH).text
        there.answers = [403]
        console.post(f"{PATH}/notifications/ops/test")
        text = console.get(PATH).text
        assert "Test not delivered" in text
        assert "It answered 403." in text


def test_a_private_address_is_refused_unless_it_is_allowed(console: Console) -> None:
    update(console, {**HOOK, "url": "http://127.0.0.1:9/x"})
    console.post(f"{PATH}/notifications/ops/test")
    text = console.get(PATH).text
    assert "Test not delivered" in text
    assert "on this machine or in a private network" in text


def test_a_target_is_removed(console: Console) -> None:
    update(console, HOOK)
    assert "kept nowhere else" in console.post(f"{PATH}/notifications/ops/remove", status=409).text
    assert stored(console)
    console.post(f"{PATH}/notifications/ops/remove", {"sure": "1"})
    with pytest.raises(NotFound):
        stored(console)
    console.post(f"{PATH}/notifications/ops/remove", {"sure": "1"}, 404)


def test_those_of_the_environment_are_tested_and_not_changed(tmp_path: Path) -> None:
    console = Console(tmp_path, webhook_urls=f"https://example.com/{TOKEN}")
    page = console.get(PATH)
    assert "from the environment" in page.text
    assert "Send a test" in page.text
    assert "notifications/example.com" in page.html
    assert TOKEN not in page.html


def test_one_that_cannot_be_read_hides_no_other(console: Console) -> None:
    update(console, HOOK)
    odd = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "snapline-notification-odd",
            "namespace": "snapline-console",
            "labels": {"snapline.dev/notification": "odd"},
        },
        "data": {"kind": "Zm9v"},
    }
    objects.apply(console.front.cluster, SECRETS, odd)
    text = console.get(PATH).text
    assert "Cannot be read" in text
    assert "Hears warnings" in text


@pytest.mark.parametrize("who", [Identity("s", "support"), Identity("k", "cluster-admin", frozenset({"shop"}))])
def test_who_may_not_configure_everything_changes_no_target(console: Console, who: Identity) -> None:
    update(console, HOOK)
    console.access.who = who
    page = console.get(f"{PATH}?notify=ops")
    assert "Send a test" not in page.text
    assert "Update target" not in page.text
    assert TOKEN not in page.html
    update(console, HOOK, 403)
    console.post(f"{PATH}/notifications/ops/test", status=403)
    console.post(f"{PATH}/notifications/ops/remove", status=403)
    assert stored(console)


# --- objectives


def test_an_objective_is_set_shown_and_taken_away(console: Console) -> None:
    session = console.front.session
    answer = console.post(f"{PATH}/objective", {"app": "shop", "objective": "7 days"})
    assert objectives(session) == {"shop": timedelta(days=7)}
    page = console.get(answer.location)
    assert "Objective updated" in page.text
    assert 'value="1 week"' in page.html
    console.post(f"{PATH}/objective", {"app": "shop", "objective": "1 week"})
    console.post(f"{PATH}/objective", {"app": "shop", "objective": ""})
    assert objectives(session) == {}


@pytest.mark.parametrize(("app", "length"), [("shop", "soon"), ("shop", "1m"), ("gone", "24h"), ("<x-odd>", "24h")])
def test_an_objective_that_cannot_be_is_refused(console: Console, app: str, length: str) -> None:
    page = console.post(f"{PATH}/objective", {"app": app, "objective": length}, 422)
    assert f'value="{length}"' in page.html
    assert objectives(console.front.session) == {}


def test_who_has_one_application_sets_its_objective_alone(console: Console) -> None:
    console.access.who = Identity("k", "cluster-admin", frozenset({"shop"}))
    console.post(f"{PATH}/objective", {"app": "shop", "objective": "24h"})
    console.post(f"{PATH}/objective", {"app": "ledger", "objective": "24h"}, 403)
    console.post(f"{PATH}/objective", {"app": "", "objective": "24h"}, 403)
    assert objectives(console.front.session) == {"shop": timedelta(hours=24)}
