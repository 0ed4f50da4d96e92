"""`snapline --server`: the same commands with the same output, where only an HTTP API is reached."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from producers.cli.main import cli
from schemas import events as e
from schemas.errors import Code
from schemas.job import Job, asked_for, request_uuid
from schemas.messages import Message
from tests.support import api
from tests.support.api import Site
from tests.support.served import served

FULL = "instance-bcdfg"
SAME = [
    ["get", "backups"],
    ["get", "backups", "-o", "json"],
    ["get", "backups", "--app", "shop", "-o", "name"],
    ["get", "restores", "-o", "json"],
    ["get", "apps", "-o", "json"],
    ["get", "schedules", "-o", "yaml"],
    ["describe", "backup", FULL],
    ["describe", "backup", FULL, "-o", "json"],
    ["describe", "backup", "shop-bcdfg", "-o", "json"],
    ["describe", "app", "shop", "-o", "json"],
    ["describe", "schedule", "nightly", "-o", "json"],
    ["describe", "backup", "instance-zzzzz", "-o", "json"],
    ["describe", "backup", "odd name?%23#", "-o", "json"],
    ["restore", "--from-backup", FULL, "--dry-run", "-o", "json"],
    ["cancel", FULL],
    ["wait", FULL, "-o", "json"],
    ["logs", FULL],
    ["delete", "backup", "held-bcdfg", "--yes", "-o", "json"],
    ["backup", "--ttl", "ages"],
    ["get", "backups", "--destination", "nas"],
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with api.site(tmp_path) as made:
        made.register("shop")
        made.front.begin(FULL)
        lost = Message(code=Code.POD_GONE, text="the pod shop/db-0 went away")
        made.front.finish(FULL, status="PartiallyFailed", apps=[{"slug": "shop"}], errors=[lost])
        made.front.begin("shop-bcdfg")
        made.front.back_up("held-bcdfg")
        made.said("PUT", "/api/v1/schedules/nightly", json={"expression": "0 2 * * *"})
        made.said("PUT", "/api/v1/backups/held-bcdfg/hold", json={"reason": "for the auditors"})
        yield made


@pytest.fixture
def ask(site: Site) -> Iterator[Callable[..., Result]]:
    with served(site.app) as url, capture_logs():  # which go where the output goes otherwise
        yield lambda *words, token="admin": CliRunner().invoke(
            cli, ["--server", url, *words], env={"SNAPLINE_TOKEN": token}
        )


def here(site: Site, *words: str) -> Result:
    return CliRunner().invoke(cli, list(words), obj=site.front.session)


def test_the_output_is_the_same_as_without_a_server(site: Site, ask: Callable[..., Result]) -> None:
    for words in SAME:
        with_, without = ask(*words), here(site, *words)
        assert with_.stdout == without.stdout, words
        assert with_.exit_code == without.exit_code, words
        assert type(with_.exception) is type(without.exception), (words, with_.exception, without.exception)
        assert getattr(with_.exception, "code", None) == getattr(without.exception, "code", None), words


def test_what_is_asked_for_is_asked_on_the_server(site: Site, ask: Callable[..., Result]) -> None:
    taken = json.loads(ask("backup", "--app", "shop", "--id", "nightly-7", "-o", "json").stdout)
    request = request_uuid("snapline", "tests", "nightly-7")
    assert taken == {
        "request": "nightly-7",
        "name": asked_for("backup", "shop", request).name,
        "status": "Requested",
    }
    assert ask("restore", "--from-backup", FULL, "--app", "shop", "--namespace-mapping", "a:b").exit_code == 0
    assert ask("cancel", "shop-bcdfg").exit_code == 0
    assert ask("delete", "backup", FULL, "--yes").exit_code == 0
    backup, restore, deletion = [each.data for each in site.front.bus.published]
    assert backup == e.BackupRequested(app="shop", destination="default")
    assert isinstance(restore, e.RestoreRequested)
    assert (restore.scope, restore.app, restore.namespace_mapping) == ("applications", "shop", {"a": "b"})
    assert deletion == e.BackupDeleteRequested(backup=FULL, destination="default")
    assert site.front.bus.cancelled == [Job("backup", "shop-bcdfg")]


def test_a_backup_is_followed_to_its_end_by_what_the_server_tells(site: Site, ask: Callable[..., Result]) -> None:
    stop = threading.Event()
    working = threading.Thread(target=_work, args=(site, "shop-xyz24", stop))
    working.start()
    try:
        answer = ask("backup", "--app", "shop", "--wait", "--timeout", "120", "-o", "json")
    finally:
        stop.set()
        working.join()
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["name"] == "shop-xyz24"
    again = ask("logs", "shop-xyz24", "-o", "json")
    assert [json.loads(line)["type"] for line in again.stdout.splitlines()] == [
        "backup.licensed.v1",
        "backup.completed.v1",
    ]


def test_a_deletion_is_waited_for(site: Site, ask: Callable[..., Result]) -> None:
    stop = threading.Event()
    working = threading.Thread(target=_work, args=(site, "", stop))
    working.start()
    try:
        answer = ask("delete", "backup", FULL, "--yes", "--wait", "--timeout", "120", "-o", "json")
    finally:
        stop.set()
        working.join()
    assert (answer.exit_code, json.loads(answer.stdout)["reclaimed_bytes"]) == (0, 7), answer.output


def _work(site: Site, name: str, stop: threading.Event) -> None:
    """What the line does with the first request: a backup called `name` is taken, another one deleted."""
    while not stop.is_set():
        for asked in site.front.bus.published:
            if isinstance(asked.data, e.BackupRequested):
                site.front.begin(name)
                _tell(site, asked, e.BackupLicensed(backup=name))
                site.front.finish(name, app="shop")
                _tell(site, asked, e.BackupCompleted(backup=name))
                return
            if isinstance(asked.data, e.BackupDeleteRequested):
                _tell(site, asked, e.BackupDeleted(backup=asked.data.backup, reclaimed_bytes=7))
                return
        time.sleep(0.01)


def _tell(site: Site, asked: e.AnyEvent, told: e.Event) -> None:
    site.front.bus.memory.publish(e.wrap(told, source="line", time=datetime.now(UTC), cause=asked))


def test_who_may_not_is_told_and_the_token_is_nowhere(ask: Callable[..., Result]) -> None:
    refused = ask("backup", token="support")
    assert getattr(refused.exception, "code", None) == Code.NOT_PERMITTED
    unknown = ask("get", "backups", token="a-secret-that-nobody-knows")
    assert "not known" in str(unknown.exception)
    assert "a-secret-that-nobody-knows" not in unknown.output + str(unknown.exception)


@pytest.mark.parametrize("words", [["repository", "stats"], ["set", "app", "shop"], ["events", "tail"], ["check"]])
def test_what_a_server_cannot_do_is_said(ask: Callable[..., Result], words: list[str]) -> None:
    assert "not for this" in str(ask(*words).exception)


def test_a_server_that_is_none_or_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(server: str) -> Result:
        return CliRunner().invoke(cli, ["--server", server, "get", "backups"], env={"SNAPLINE_TOKEN": "x"})

    assert "is no address of a server" in str(run("snapline.example.com").exception)
    assert "does not answer" in str(run("http://127.0.0.1:1").exception)
    monkeypatch.delenv("SNAPLINE_TOKEN", raising=False)
    bare = CliRunner().invoke(cli, ["--server", "http://127.0.0.1:1", "get", "backups"], env={"SNAPLINE_TOKEN": ""})
    assert "SNAPLINE_TOKEN has none" in str(bare.exception)
