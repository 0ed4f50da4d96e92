"""The whole line with destinations that the cluster keeps: a directory by default, a bucket beside it. Who keeps their
secrets are the cluster and the environment, and nobody else."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local import looking
from schemas.destination import DirectoryDestination
from schemas.kubernetes import SECRETS, Object
from tests.support.line import CONSOLE, Line, Servers, whole_line
from workers.adapters.stores import open_store

pytestmark = pytest.mark.timeout(700)
BUCKETS_PASSPHRASE = "the passphrase of the bucket"


def test_a_full_backup_in_a_directory_brings_everything_back_and_no_secret_is_anywhere(
    tmp_path: Path, servers: Servers
) -> None:
    directory = tmp_path / "backups"
    directory.mkdir()
    destination = DirectoryDestination(path=str(directory))
    with whole_line(tmp_path / "line", servers, destination=destination) as line, command_lines() as seen:
        _configure(line, servers, directory)
        line.stack.start_workers()
        backup = line.snapline("backup", "--wait", "--timeout", "400")
        assert (directory / "final.d" / "backup.d" / f"{backup['name']}.json").exists()
        assert line.final("backup", backup["name"])["destination"] == "nas"
        before = line.look()
        line.destroy()  # and with the console what it keeps: where backups are has to be said again
        _configure(line, servers, directory)
        restored = line.snapline("restore", "--from-backup", backup["name"], "--wait", "--timeout", "400")
        assert restored["status"] == "Completed"
        found = looking.differences(before, line.look())
        ours = f"Namespace//{CONSOLE}"  # made by whoever said it again, without its labels
        assert [each for each in found if ours not in each] == []
        second = line.snapline("backup", "--app", "shop-floor", "--destination", "bucket", "--wait", "--timeout", "400")
        assert second["status"] == "Completed"
        assert _leaks(line, servers, directory, seen) == []


def _configure(line: Line, servers: Servers, directory: Path) -> None:
    """The environment gives the passphrase of one, but no destination; a Secret has the credentials of the other."""
    line.stack.environment.pop("SNAPLINE_DIRECTORY", None)
    nas = ("--name", "nas", "--hostpath", str(directory), "--passphrase-secret", "env:SNAPLINE_PASSPHRASE")
    assert all(each["ok"] for each in line.snapline("storage", "configure", "hostpath", *nas))
    keys = {
        "access_key_id": servers.s3.access_key_id,
        "secret_access_key": servers.s3.secret_access_key,
        "passphrase": BUCKETS_PASSPHRASE,
    }
    line.cluster.create(SECRETS, _secret("credentials", keys))
    place = ("--bucket", servers.s3.bucket, "--endpoint", servers.s3.endpoint, "--prefix", directory.parent.name)
    kept = ("--secret", "credentials", "--passphrase-secret", "credentials/passphrase")
    assert all(
        each["ok"] for each in line.snapline("storage", "configure", "other-s3", "--name", "bucket", *place, *kept)
    )
    assert line.stack.snapline("storage", "set-default", "nas").returncode == 0
    listed = {each["name"]: each["is_default"] for each in line.snapline("storage", "list")}
    assert listed == {"bucket": False, "nas": True}


def _secret(name: str, data: dict[str, str]) -> Object:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": CONSOLE}, "data": encoded}


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """All command lines of this machine that were seen meanwhile, as `ps` shows them."""
    seen: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.2):
            for each in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(each.read_text(errors="replace"))
                except OSError:
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def _leaks(line: Line, servers: Servers, directory: Path, seen: set[str]) -> list[str]:
    """Where a secret can be read that has no business there, plain or as base64."""
    values = [BUCKETS_PASSPHRASE, line.stack.environment["SNAPLINE_PASSPHRASE"], servers.s3.secret_access_key]
    secrets = [form for value in values for form in (value.encode(), base64.b64encode(value.encode()))]
    bucket = open_store(servers.s3.destination(prefix=directory.parent.name))
    places: dict[str, Iterator[bytes]] = {
        "the directory": (file.read_bytes() for file in directory.rglob("*") if file.is_file()),
        "the bucket": (bucket.get(found.key) for found in bucket.list("")),
        "the event log": (event.model_dump_json().encode() for event in line.told()),
        "the logs": (log.read_bytes() for log in (line.stack.root / "log").glob("*.log")),
        "Kubernetes": (json.dumps(obj).encode() for obj in _objects(line)),
        "ps": (text.encode() for text in seen.copy()),
    }
    return [name for name, bodies in places.items() if any(secret in body for body in bodies for secret in secrets)]


def _objects(line: Line) -> Iterator[Object]:
    """Everything but Secrets, and of the destinations' own Secrets everything: they only refer to where they are."""
    for type_ in line.cluster.discover().types:
        for obj in line.cluster.list(type_):
            if type_.kind != "Secret" or obj["metadata"]["name"].startswith("snapline-destination-"):
                yield obj
