"""The CLI against a broker and a store, with the gate at most: it says what is the matter, and never a traceback."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local import emulator
from deploy.local.license_authority import create_authority, sign_license
from deploy.local.rabbitmq import RabbitMQ
from deploy.local.seaweedfs import SeaweedFS
from tests.support.forks import Forks
from tests.support.line import until


@contextmanager
def _environment(root: Path, amqp_url: str) -> Iterator[dict[str, str]]:
    with emulator.start(root) as cluster:
        yield {
            "PATH": "/usr/bin",
            "SNAPLINE_AMQP_URL": amqp_url,
            "SNAPLINE_KUBECONFIG": str(cluster.kubeconfig),
            "SNAPLINE_CACHE": str(root / "cache"),
        }


@pytest.fixture
def nowhere(tmp_path: Path, url: str) -> Iterator[dict[str, str]]:
    """Everything but workers and a destination."""
    with _environment(tmp_path, url) as found:
        yield found


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory,
    broker_server: RabbitMQ,
    spare_vhosts: Iterator[str],
    s3_server: SeaweedFS,
) -> Iterator[dict[str, str]]:
    """Everything but workers."""
    url = broker_server.url_of("snapline", next(spare_vhosts))
    with _environment(tmp_path_factory.mktemp("kubernetes"), url) as found:
        assert _set(found, s3_server, "environment").returncode == 0
        yield found


def _set(
    environment: dict[str, str], server: SeaweedFS, prefix: str, *more: str, secret: str | None = None
) -> "subprocess.CompletedProcess[str]":
    """Stores the S3 server as the default destination."""
    place = ("--bucket", server.bucket, "--endpoint", server.endpoint, "--prefix", prefix)
    key = ("--access-key-id", server.access_key_id)
    stdin = f"{secret or server.secret_access_key}\na long passphrase\n"
    return _run(environment, "storage", "set", "s3", *place, *key, *more, stdin=stdin)


def _run(environment: dict[str, str], *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    asked = Forks().ask(["producers.cli.main", *arguments], environment, stdin.encode())
    done = subprocess.CompletedProcess(arguments, asked.returncode, asked.stdout.decode(), asked.stderr.decode())
    assert "Traceback" not in done.stderr
    return done


def test_without_a_destination_it_says_how_to_set_one(nowhere: dict[str, str]) -> None:
    done = _run(nowhere, "get", "backups")
    assert done.returncode == 2
    assert "snapline set destination" in done.stderr


def test_a_destination_is_set_shown_without_secrets_and_checked(nowhere: dict[str, str], s3_server: SeaweedFS) -> None:
    assert _set(nowhere, s3_server, "/cli/", secret="wrong").returncode == 7
    done = _set(nowhere, s3_server, "/cli/", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert all(check["ok"] for check in json.loads(done.stdout))
    shown = _run(nowhere, "storage", "show", "-o", "json")
    assert json.loads(shown.stdout)["prefix"] == "cli"
    assert json.loads(shown.stdout)["passphrase_is_set"] is True
    assert s3_server.secret_access_key not in shown.stdout
    assert "passphrase" not in shown.stdout.replace("passphrase_is_set", "")
    assert _run(nowhere, "storage", "check").returncode == 0
    assert json.loads(_run(nowhere, "get", "backups", "-o", "json").stdout) == []


def test_a_directory_is_a_destination_beside_the_default_one(environment: dict[str, str], tmp_path: Path) -> None:
    missing = ("storage", "set", "directory", "--name", "nfs", "--path", str(tmp_path / "missing"))
    assert _run(environment, *missing, stdin="a passphrase\n").returncode == 8
    assert "is it mounted" in _run(environment, *missing, stdin="a passphrase\n").stderr
    place = ("--name", "nfs", "--path", str(tmp_path), "--prefix", "site")
    done = _run(environment, "storage", "set", "directory", *place, "-o", "json", stdin="a passphrase\n")
    assert all(check["ok"] for check in json.loads(done.stdout))
    assert _run(environment, "storage", "check", "nfs").returncode == 0
    shown = json.loads(_run(environment, "storage", "show", "nfs", "-o", "json").stdout)
    assert shown == {
        "name": "nfs",
        "prefix": "site",
        "provider": "directory",
        "path": str(tmp_path),
        "references": {},
        "passphrase_is_set": True,
    }
    listed = json.loads(_run(environment, "storage", "list", "-o", "json").stdout)
    assert [(each["name"], each["provider"]) for each in listed] == [("default", "s3"), ("nfs", "directory")]
    assert _run(environment, "storage", "remove", "nfs").returncode == 0
    for gone in ("show", "check", "remove"):
        done = _run(environment, "storage", gone, "nfs")
        assert (done.returncode, "no storage destination 'nfs'" in done.stderr) == (2, True)


def test_it_says_when_nobody_listens_and_stops_waiting_in_time(environment: dict[str, str]) -> None:
    done = _run(environment, "backup", "--wait", "--timeout", "2", "-o", "json")
    assert done.returncode == 124
    assert "nobody is listening on license.gate" in done.stderr
    asked = _run(environment, "backup", "--id", "mine", "-o", "json")
    assert json.loads(asked.stdout)["request"] == "mine"


def test_applications_are_registered_listed_and_forgotten(environment: dict[str, str], tmp_path: Path) -> None:
    authority = create_authority()
    (tmp_path / "keys").mkdir()
    for name, pem in authority.trusted_files.items():
        (tmp_path / "keys" / name).write_bytes(pem)
    (tmp_path / "license.yaml").write_text(sign_license(authority, app_slug="shop"))
    (tmp_path / "backup.yaml").write_text("apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\nspec: {}\n")
    trusting = {**environment, "SNAPLINE_LICENSE_KEYS": str(tmp_path / "keys")}
    files = ("--license", str(tmp_path / "license.yaml"), "--backup", str(tmp_path / "backup.yaml"))
    assert _run(trusting, "app", "add", "shop", *files, "--namespace", "shop").returncode == 0
    [row] = json.loads(_run(trusting, "get", "apps", "-o", "json").stdout)
    assert (row["slug"], row["snapshots"], row["namespaces"]) == ("shop", "allowed", ["shop"])
    [row] = json.loads(_run(environment, "get", "apps", "-o", "json").stdout)
    assert row["snapshots"].startswith("unknown")
    assert _run(trusting, "app", "remove", "shop").returncode == 0
    assert _run(trusting, "app", "remove", "shop").returncode == 6
    assert json.loads(_run(trusting, "get", "apps", "-o", "json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("app", "add", "x", "--license", "/nonexistent"), 6, "no file"),
        (("app", "add", "Not A Slug", "--license", "/dev/null"), 2, "slug"),
        (("restore", "--from-backup", "b", "--exclude-apps", "--app", "x"), 2, "choose one"),
        (("restore",), 2, "--from-backup and --rollback"),
        (("restore", "--from-backup", "b", "--rollback", "r"), 2, "--from-backup and --rollback"),
        (("restore", "--rollback", "r", "--app", "x"), 2, "cannot be narrowed"),
        (("restore", "--rollback", "nope"), 6, "no restore 'nope'"),
        (("backup", "--app", ""), 2, "app"),
        (("backup", "--id", "x" * 5000), 2, "id"),
        (("get", "backups", "--destination", "nope"), 2, "no storage destination 'nope'"),
        (("describe", "backup", "nope"), 6, "no backup"),
        (("describe", "restore", "../x"), 6, "no restore"),
        (("cancel", "nope"), 6, "nope"),
        (("delete", "backup", "nope"), 6, "nope"),
        (("schedule", "set", "x", "--cron", "often"), 2, "five fields"),
        (("worker", "nope"), 2, "no queue 'nope'"),
        (("publish", "backup.wished.v1", "-f", "-"), 1, "not known"),
        (("events", "tail", "--from", "yesterday"), 2, "RFC 3339"),
        (("dead-letters", "drop", "license.gate"), 2, "--all"),
        (("dead-letters", "list", "--queue", "nope"), 2, "no queue"),
    ],
)
def test_what_is_wrong_is_one_clear_line_and_a_code(
    environment: dict[str, str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = _run(environment, *arguments)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert done.stdout == ""


def test_a_misspelt_setting_stops_it(environment: dict[str, str]) -> None:
    done = _run({**environment, "SNAPLINE_S3_BUKCET": "x"}, "get", "backups")
    assert (done.returncode, "SNAPLINE_S3_BUKCET" in done.stderr) == (2, True)


def test_help_documents_the_exit_codes(environment: dict[str, str]) -> None:
    help_text = " ".join(_run(environment, "--help").stdout.split())
    assert "124 timed out" in help_text
    assert _run(environment, "--version").stdout.strip()


@contextmanager
def _gate(environment: dict[str, str]) -> Iterator[None]:
    """While the context lasts, the license gate runs."""
    command = [sys.executable, "-m", "workers.app", "license.gate"]
    worker = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        worker.terminate()
        assert worker.wait(200) == 0


@pytest.mark.timeout(800)
def test_a_rejected_request_is_listed_described_and_stays_rejected(
    nowhere: dict[str, str], s3_server: SeaweedFS, tmp_path: Path
) -> None:
    assert _set(nowhere, s3_server, uuid.uuid4().hex).returncode == 0
    authority = create_authority()
    (tmp_path / "keys").mkdir()
    for file, pem in authority.trusted_files.items():
        (tmp_path / "keys" / file).write_bytes(pem)
    trusting = {**nowhere, "SNAPLINE_LICENSE_KEYS": str(tmp_path / "keys")}
    ask = ("backup", "--app", "shop", "--id", "mine", "-o", "json")
    wait = ("--wait", "--timeout", "400")
    name = json.loads(_run(trusting, *ask).stdout)["name"]
    with _gate(trusting):
        assert _rejected(_run(trusting, *ask, *wait)) == (name, "mine")
        [row] = json.loads(_run(trusting, "get", "backups", "-o", "json").stdout)
        assert (row["name"], row["status"], row["app"]) == (name, "Rejected", "shop")
        assert "there is no application 'shop'" in row["reasons"][0]
        assert json.loads(_run(trusting, "describe", "backup", name, "-o", "json").stdout) == row
        assert "snapline set app" in " ".join(_run(trusting, "describe", "backup", name).stdout.split())
        assert _run(trusting, "cancel", name).returncode == 2
        assert _run(trusting, "delete", "backup", name).returncode == 6

        (tmp_path / "license.yaml").write_text(sign_license(authority, app_slug="shop"))
        (tmp_path / "backup.yaml").write_text("apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\nspec: {}\n")
        files = ("--license", str(tmp_path / "license.yaml"), "--backup", str(tmp_path / "backup.yaml"))
        assert _run(trusting, "app", "add", "shop", *files, "--namespace", "shop").returncode == 0
        assert _rejected(_run(trusting, *ask, *wait)) == (name, "mine")
        anew = json.loads(_run(trusting, "backup", "--app", "shop", "-o", "json").stdout)["name"]
        until(lambda: _run(trusting, "describe", "backup", anew).returncode == 0, "the new request is looked at anew")
        described = json.loads(_run(trusting, "describe", "backup", anew, "-o", "json").stdout)
        assert described["status"] == "InProgress"

        back = _run(trusting, "restore", "--rollback", anew)
        assert (back.returncode, f"{anew} is a backup" in back.stderr) == (6, True)
        denied = _run(trusting, "restore", "--from-backup", name, "--no-safety-snapshot", *wait, "-o", "json")
        assert denied.returncode == 3
        assert "the request for it was rejected" in json.loads(denied.stdout)["reasons"][0]
        [restored] = json.loads(_run(trusting, "get", "restores", "-o", "json").stdout)
        assert (restored["status"], restored["backup"]) == ("Rejected", name)


def _rejected(done: "subprocess.CompletedProcess[str]") -> tuple[str, str]:
    """The name and the id of a request that was rejected."""
    said = json.loads(done.stdout)
    assert (done.returncode, said["status"]) == (3, "Rejected"), done.stderr
    return said["name"], said["request"]
