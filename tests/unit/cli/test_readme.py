"""Every command of the README, and of the page on keeping backups, is one that there is, and does what stands beside it
as far as that takes no worker."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from producers.actions import (
    applications,
    destinations,
    event_tokens,
    follow,
    notifications,
    objectives,
    retention,
    schedules,
)
from producers.cli.main import cli
from schemas import events as e
from schemas import keys
from schemas.destination import NfsDestination
from schemas.errors import Invalid, NotFound
from schemas.kubernetes import NODES, SECRETS, STORAGE_CLASSES, Object, ResourceType
from schemas.news import news
from schemas.records import NotificationDelivery
from schemas.retention import Rules
from tests.support.front import Front, volume
from tests.support.sealed import PASSPHRASE
from tests.support.volumes import copy, volume_of
from tests.unit.test_actions import LICENSE
from tests.unit.test_destination_references import secret
from workers.adapters import notifiers
from workers.jobs import ledger
from workers.ports import Answer
from workers.repository import open_repository

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
KEEPING = (ROOT / "docs" / "keep-backups-well.md").read_text()
BLOCKS = re.findall(r"^```\w*\n(.*?)^```", README + KEEPING, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.partition("  #")[0].strip() for block in BLOCKS for line in block.splitlines() if line.startswith("snapline ")
]
INLINE = sorted(set(re.findall(r"`(snapline [^`<]+)`", README + KEEPING)))
DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}
CLUSTER: list[tuple[ResourceType, Object]] = [
    (STORAGE_CLASSES, {"apiVersion": "storage.k8s.io/v1", "metadata": {"name": "fast", "annotations": DEFAULT}}),
    (NODES, {"apiVersion": "v1", "metadata": {"name": "a"}, "status": {"nodeInfo": {"kubeletVersion": "v1.31.4"}}}),
]
"""In which Snapline could be installed."""
BACKUP = "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\nspec: {}\n"


@pytest.fixture
def system(held: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Front:
    """The backups that the README names, with the files that it names, and files that it takes."""
    monkeypatch.setattr(follow, "BEAT", 0.001)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "license.yaml").write_text(LICENSE)
    (tmp_path / "backup.yaml").write_text(BACKUP)
    root = tmp_path / "volume"
    (root / "etc").mkdir(parents=True)
    (root / "logs").mkdir()
    (root / "etc" / "app.conf").write_text("port: 1\n")
    copied = volume_of(copy(open_repository(held.objects, PASSPHRASE), root))
    full = next(iter(held.session.store().list("final/backup/full")))
    manifest = re.search(r'"manifest": ?"([^"]+)"', held.session.store().get(full.key).decode())
    assert manifest
    for name in ("instance-bcdfg", "instance-mnpqr", "shop-xyz24"):
        held.begin(name)
        apps = [{"slug": "shop"}]
        held.finish(name, manifest=manifest[1], apps=apps, volumes=[volume(copied, "data-db-0")])
    applications.register(held.session, "shop", license=LICENSE)
    retention.put(held.session, "app/shop", Rules(ttl="2160h"))
    for name in ("nightly", "often"):
        schedules.put(held.session, name, "@daily")
    _configure(held, monkeypatch)
    event_tokens.make(held.session, "drills", ["backup.requested.v1"])
    _notify(held, monkeypatch)
    for name in ("full", "failed"):  # whose volumes are nowhere
        held.store.delete(f"final/backup/{name}.json")
    return held


def _configure(held: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """The destination, and where secrets are kept, that the page names."""
    for obj in CLUSTER:
        held.cluster.create(*obj)
    nas = {"name": "nas", "server": "nas", "export": "/export", "path": "/mnt/nas", "passphrase": PASSPHRASE}
    destinations.keep(held.session, NfsDestination.model_validate(nas))
    keys = {"access_key_id": "k", "secret_access_key": "s", "key": "s", "passphrase": PASSPHRASE}
    held.cluster.create(SECRETS, secret("aws", **keys))
    monkeypatch.setenv("BACKUP_PASSPHRASE", PASSPHRASE)


def _notify(held: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target that the page names, a delivery to it, and its application's objective. Nobody is told anything."""
    monkeypatch.setattr(notifiers, "send", lambda *_: Answer("delivered", response=204))
    notifications.put(held.session, "webhook", "ops", {"url": "https://example.com/hook"})
    done: e.AnyEvent = e.wrap(e.BackupCompleted(backup="shop-xyz24"), source="tests", time=datetime.now(UTC))
    delivery = NotificationDelivery(target="ops", event=done.id, status="failed", body=news(done).body.decode())
    ledger.put(held.session.store(), keys.notification(done.id, "ops"), delivery)
    objectives.put(held.session, "shop", "24h")


GIVEN = {"apprise": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general\n"}
"""What comes on standard input where a target of that kind is set; else a URL in each line."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_does_what_it_says(
    system: Front, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, arguments: became.append(arguments))
    arguments = shlex.split(command)[1:]
    if arguments[0] in ("console", "scheduler", "serve-api", "serve-events", "watch-upgrades"):
        return  # tests of their own run these
    if "--wait" in arguments or arguments[0] == "wait":
        arguments += ["--timeout", "0.05"]
    if arguments[:2] == ["delete", "backup"]:
        arguments.append("--yes")
    if arguments[:2] == ["events", "tail"]:
        arguments.append("--no-follow")
    given = f"{PASSPHRASE}\n{PASSPHRASE}\n"
    if arguments[:2] == ["set", "notification"]:
        given = GIVEN.get(arguments[2], "https://example.com/x\n" * 3)
    done = CliRunner().invoke(cli, arguments, obj=system.session, input=given)
    if "set-default" in arguments:
        assert isinstance(done.exception, Invalid)  # the environment gives the default destination here
        return
    if "--rollback" in arguments:
        assert isinstance(done.exception, NotFound | Invalid)  # there is no such restore
        return
    assert done.exit_code == (124 if "--wait" in arguments else 0), done.exception or done.stderr
    if arguments[0] == "worker":
        assert became[0][1:] == ["-m", "workers.app", arguments[1]]


@pytest.mark.parametrize("command", INLINE)
def test_a_command_in_the_text_is_one_that_there_is(command: str) -> None:
    words = [word for word in shlex.split(command)[1:] if word.islower() or word.startswith("-")]
    while words and CliRunner().invoke(cli, [*words, "--help"]).exit_code:
        last = words.pop()
        assert words, f"{command}: {last}"
    assert words


def test_other_commands_name_what_there_is() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|^)make ([a-z][a-z-]+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile, target
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for service in re.findall(r"docker compose (?:exec|logs) ([a-z.-]+)", README):
        assert service in services, service
    for module in re.findall(r"python -m (\S+)", README):
        assert importlib.util.find_spec(module.strip("`.,")), module
    for file in re.findall(r"(?:import_definitions|install -c|apply -f) (\S+)", README):
        assert file.startswith("<(snapline") or (ROOT / file.strip("`.,;")).exists(), file


def test_the_table_of_contents_leads_somewhere() -> None:
    heads = {re.sub(r"[^a-z -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.*)$", README, re.M)}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= heads


def test_the_sample_asks_for_a_backup_with_pika_alone(tmp_path: Path) -> None:
    """Run against a stand-in for pika, which says what would be published; the contract is tested with a broker."""
    [sample] = [block for block in BLOCKS if block.startswith("import json, sys, uuid")]
    (tmp_path / "pika.py").write_text(
        "class URLParameters:\n    def __init__(self, url): self.credentials = self; self.username = 'producer'\n"
        "class BasicProperties(dict): pass\n"
        "class BlockingConnection:\n"
        "    def __init__(self, url): pass\n"
        "    def __enter__(self): return self\n"
        "    def __exit__(self, *error): pass\n"
        "    channel = lambda self: self\n"
        "    confirm_delivery = lambda self: None\n"
        "    def basic_publish(self, exchange, key, body, sent, mandatory):\n"
        "        print(exchange, key, sent['user_id'], mandatory, body, sep='\\n')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", sample, "amqp://producer:x@h/"],
        env={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    exchange, key, user, mandatory, body = done.stdout.splitlines()
    assert (exchange, key, user, mandatory) == ("snapline.events", "backup.requested.v1", "producer", "True")
    from schemas import events as e

    assert e.parse(body.encode()).data == e.BackupRequested(app="shop")
