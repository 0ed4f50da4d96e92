"""An alarm on its way from the clock's tick to whom it concerns, over the real broker."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local.license_authority import sign_license
from deploy.local.stack import running, worker_command
from schemas import application, keys, notification
from schemas.application import Application
from schemas.destination import DirectoryDestination
from schemas.kubernetes import NAMESPACES, SECRETS
from schemas.notification import WebhookTarget
from tests.support.forks import Forks
from tests.support.line import CONSOLE, Line, Servers, until
from tests.support.receiver import receiver

pytestmark = pytest.mark.timeout(600)
KEY = "a webhook's key"


def test_an_alarm_reaches_its_target_once(tmp_path: Path, servers: Servers) -> None:
    (tmp_path / "backups").mkdir()
    destination = DirectoryDestination(path=str(tmp_path / "backups"))
    with (
        receiver(KEY) as hook,
        running(tmp_path / "line", amqp_url=servers.amqp_url, destination=destination, processes=Forks()) as stack,
    ):
        line = Line(stack)
        line.cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CONSOLE}})
        target = WebhookTarget(
            name="ops", url=SecretStr(hook.url), key=SecretStr(KEY), severity="warning", allow_private=True
        )
        line.cluster.create(SECRETS, notification.to_secret(target, CONSOLE))
        _register(line, "shop")
        for queue in ("notify", "alarms"):
            stack.supervisor.start(queue, worker_command(queue), stack.environment)
        line.tick()
        until(lambda: [event["type"] for event in hook.events] == ["license.expiring.v1"], "it is told")
        _register(line, "wiki")
        line.tick()
        until(lambda: len(hook.events) >= 2, "so is the next")
        assert len({event["id"] for event in hook.events}) == len(hook.events) == 2
        told = [event for event in line.told() if event.type == "license.expiring.v1"]
        assert len(told) == 2
        until(lambda: len(list(line.store.list(keys.NOTIFICATIONS))) == 2, "who was told is on record")
        assert hook.forged == 0
        assert line.dead_letters() == []


def _register(line: Line, slug: str) -> None:
    """An application whose license ends within a week."""
    ends = datetime.now(UTC) + timedelta(days=5)
    text = sign_license(line.stack.authority, app_slug=slug, expires_at=ends.isoformat())
    line.cluster.create(SECRETS, application.to_secret(Application(slug=slug, name=slug, license=text), CONSOLE))
