"""`snapline notify`, and `notification` and `objective` as nouns."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner

from producers.actions import applications
from producers.cli import failures, shapes
from producers.cli.exits import Exit
from producers.cli.main import cli
from schemas import events as e
from schemas import keys, notification
from schemas.errors import NotFound, SnaplineError
from schemas.kubernetes import CONFIG_MAPS, SECRETS, ResourceType
from schemas.news import news
from schemas.records import NotificationDelivery
from tests.support.front import Front
from tests.support.receiver import receiver
from tests.unit.test_actions import LICENSE
from workers.jobs import ledger

KEY = "a webhook's key"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
EVENTS = ResourceType("", "v1", "Event", "events", namespaced=True)
CONSOLE = "snapline-console"


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path, webhook_urls="https://hooks.example/token")


def _run(front: Front, command: str, given: str = "", code: int = 0) -> Any:
    """What is printed as JSON, of the shape of the command."""
    done = CliRunner().invoke(cli, [*command.split(), "-o", "json"], obj=front.session, input=given)
    ended = failures.said(done.exception, []) if isinstance(done.exception, SnaplineError) else done.exit_code
    assert ended == code, done.exception or done.stderr
    assert KEY not in done.output
    name = max((name for name in shapes.COMMANDS if command.startswith(name)), key=len, default=None)
    if name and done.stdout:
        TypeAdapter(shapes.COMMANDS[name]).validate_json(done.stdout)
    return json.loads(done.stdout or "null")


def _set(front: Front, url: str) -> Any:
    return _run(front, "set notification webhook ops --allow-private", f"{url}\n{KEY}\n")


def test_a_target_is_stored_changed_listed_and_forgotten_without_its_secrets(front: Front) -> None:
    made = _set(front, "https://example.com/token")
    assert (made["name"], made["place"], made["events"], made["signed"]) == ("ops", "https://example.com", ["*"], True)
    changed = _run(front, "set notification webhook ops --event backup.* --app shop --severity warning --digest daily")
    assert (changed["events"], changed["apps"], changed["severity"]) == (["backup.*"], ["shop"], "warning")
    assert (changed["digest"], changed["allow_private"], changed["signed"]) == ("daily", True, True)
    again = _run(front, "notify set webhook ops --app * --digest off --no-allow-private")
    assert (again["apps"], again["digest"], again["allow_private"]) == ([], "", False)
    listed = _run(front, "get notifications")
    assert [each["name"].partition("#")[0] for each in listed] == ["hooks.example", "ops"]
    assert "token" not in json.dumps(listed)
    assert _run(front, "describe notification ops") == again
    CliRunner().invoke(cli, ["delete", "notification", "ops"], obj=front.session)
    _run(front, "describe notification ops", code=Exit.NOT_FOUND)


def test_each_kind_can_be_set(front: Front) -> None:
    kinds = {
        "apprise chat": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general\n",
        "ping switch": "https://hc.example/x\nhttps://hc.example/x/fail\nhttps://hc.example/x/start\n",
        "kubernetes events": "",
    }
    for kind, given in kinds.items():
        assert _run(front, f"set notification {kind}", given)["kind"] == kind.split()[0]
    assert {each["place"] for each in _run(front, "get notifications")} >= {"slack", "https://hc.example", "Events"}


@pytest.mark.parametrize(
    ("command", "given"),
    [
        ("set notification webhook ops", "no URL\n"),
        ("set notification webhook ops", ""),
        ("set notification webhook Ops", "https://example.com\n"),
        ("set notification webhook ops --severity fatal", "https://example.com\n"),
        ("set notification webhook ops --digest sometimes", "https://example.com\n"),
        ("set notification apprise chat", "file:///etc/passwd\n"),
        ("set notification apprise chat", "slack://a\n"),
        ("set notification ping switch", "\nhttps://hc.example/fail\n"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_stored(front: Front, command: str, given: str) -> None:
    _run(front, command, given, code=Exit.USAGE)
    assert list(front.cluster.list(SECRETS, CONSOLE, notification.LABEL)) == []


def test_a_secret_that_is_none_is_listed_with_what_is_wrong(front: Front) -> None:
    _set(front, "https://example.com/token")
    front.cluster.patch(SECRETS, CONSOLE, notification.secret_name("ops"), {"data": {"kind": "ZmF4"}})
    assert "kind" in _run(front, "get notifications")[1]["problem"]
    _run(front, "describe notification ops", code=Exit.USAGE)


def test_a_test_arrives_now_and_shows_what_was_answered(front: Front) -> None:
    with receiver(KEY) as hook:
        _set(front, hook.url)
        assert _run(front, "notify test ops") == {"target": "ops", "status": "delivered", "response": 204, "reason": ""}
        assert hook.events[0]["type"] == "notification.test.v1"
        hook.answers = [503]
        assert _run(front, "notify test ops", code=Exit.FAILED)["response"] == 503


def test_a_test_that_may_not_go_there_says_so(front: Front) -> None:
    _set(front, "http://169.254.169.254/latest")
    assert "metadata" in _run(front, "notify test ops", code=Exit.FAILED)["reason"]


def test_a_kubernetes_event_is_on_the_object_concerned(front: Front) -> None:
    _run(front, "set notification kubernetes events")
    for _ in range(2):
        _run(front, "notify test events")
    [first, _second] = front.cluster.list(EVENTS, CONSOLE)
    assert (first["reason"], first["type"]) == ("NotificationTest", "Normal")
    assert first["involvedObject"]["name"] == "snapline-notification-events"


def _deliver(front: Front, *, status: str = "delivered", event: e.Event | None = None) -> NotificationDelivery:
    said: e.AnyEvent = e.wrap(event or e.BackupCompleted(backup="shop-xyz24", app="shop"), source="tests", time=NOW)
    made = NotificationDelivery.model_validate(
        {
            "target": "ops",
            "event": said.id,
            "type": said.type,
            "subject": said.data.subject or "",
            "status": status,
            "attempts": 2,
            "first_at": NOW,
            "last_at": NOW + timedelta(minutes=1),
            "response": 204,
            "body": news(said).body.decode(),
        }
    )
    ledger.put(front.store, keys.notification(said.id, "ops"), made)
    return made


def test_deliveries_are_listed_the_newest_first_and_by_target_and_status(front: Front) -> None:
    _deliver(front)
    _deliver(front, status="failed", event=e.BackupFailed(backup="instance-bcdfg", errors=1))
    listed = _run(front, "notify deliveries")
    assert {(each["subject"], each["status"]) for each in listed} == {
        ("shop-xyz24", "delivered"),
        ("instance-bcdfg", "failed"),
    }
    assert [each["subject"] for each in _run(front, "notify deliveries --status failed")] == ["instance-bcdfg"]
    assert len(_run(front, "notify deliveries --target ops --limit 1")) == 1
    assert _run(front, "notify deliveries --target other") == []


def test_a_delivery_is_told_again_and_that_is_recorded(front: Front) -> None:
    _deliver(front, status="failed")
    [listed] = _run(front, "notify deliveries")
    _run(front, f"notify redeliver {listed['id']}", code=Exit.NOT_FOUND)  # there is no such target
    with receiver(KEY) as hook:
        _set(front, hook.url)
        told = _run(front, f"notify redeliver {listed['id']}")
        assert (told["status"], told["attempts"]) == ("delivered", 3)
        assert hook.events[0]["data"]["backup"] == "shop-xyz24"  # type: ignore[index]
        hook.answers = [404]
        assert _run(front, f"notify redeliver {listed['id']}", code=Exit.FAILED)["status"] == "failed"
    _run(front, "notify redeliver 0123456789", code=Exit.NOT_FOUND)


def test_objectives_are_set_listed_and_forgotten(front: Front) -> None:
    applications.register(front.session, "shop", license=LICENSE)
    assert _run(front, "set objective shop 24h") == {"app": "shop", "objective_seconds": 86_400}
    assert _run(front, "set objective shop 36h")["objective_seconds"] == 129_600
    assert _run(front, "get objectives") == [{"app": "shop", "objective_seconds": 129_600}]
    _run(front, "set objective shop soon", code=Exit.USAGE)
    _run(front, "set objective shop 1m", code=Exit.USAGE)
    _run(front, "set objective wiki 24h", code=Exit.NOT_FOUND)
    assert CliRunner().invoke(cli, ["delete", "objective", "shop"], obj=front.session).exit_code == 0
    assert isinstance(CliRunner().invoke(cli, ["delete", "objective", "shop"], obj=front.session).exception, NotFound)
    assert front.cluster.get(CONFIG_MAPS, CONSOLE, "snapline-objectives").get("data", {}) == {}
