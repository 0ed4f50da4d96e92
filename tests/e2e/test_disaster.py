"""A cluster is lost. There are a new one, the bucket and its passphrase: deploy/RUNBOOK.md tells people the same.
Snapline is installed anew as README.md says, with a RabbitMQ in the cluster, up to a snapshot that a schedule takes."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local import looking
from deploy.local.ports import free_ports
from schemas.kubernetes import NAMESPACES, VOLUMES
from tests.e2e import readme, shop
from tests.support.line import CONSOLE, Line, until
from tests.support.pod_images import bring_rabbitmq
from tests.support.pods import PASSWORD, Installation, PodStack
from tests.support.real_cluster import namespaces, needs_a_cluster, real_line, register

pytestmark = [pytest.mark.timeout(1500, func_only=True), needs_a_cluster]
EVERY_MINUTE = "* * * * *"
OFTEN = ("--cron", EVERY_MINUTE, "--app", shop.SHOP)
COMMANDS = ("apps", "schedules", "destinations")
Set = dict[str, Any]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory, installation: Installation | None) -> Iterator[Line]:
    """The shop, with data that stays."""
    if installation is None:
        pytest.skip("there are no pods: SNAPLINE_E2E_LOAD_IMAGE is not set")
    with real_line(tmp_path_factory.mktemp("line"), installation) as line:
        line.namespaces = [shop.SHOP]
        register(line, shop.SHOP, shop.BACKUP, shop.SHOP)
        until(lambda: shop.runs(line), "the shop runs", seconds=180)
        shop.freeze(line)
        line.stack.start_workers()
        yield line


def test_a_whole_cluster_comes_back_from_its_bucket_and_the_passphrase(line: Line, tmp_path: Path) -> None:
    installation = _installation(line)
    backup, before, had = _backed_up(line)
    bring_rabbitmq(tmp_path)
    _lose_the_cluster(line)
    reader, port = _reader(line, tmp_path)
    typed = readme.commands()
    first = next(number for number, command in enumerate(typed) if command.startswith(readme.APP))
    for command in typed[:first]:
        reader.types(command)
    assert backup in {each["name"] for each in installation.afar("get", "backups")}
    restore = installation.afar("restore", "--from-backup", backup, "--wait", "--timeout", "900")
    assert restore["status"] == "Completed", restore
    until(lambda: shop.runs(line), "the shop runs again", seconds=180)
    after = line.look()
    assert [each for each in looking.differences(before, after) if each.startswith("object")] == []
    assert shop.frozen(before) == shop.frozen(after)
    assert any(shop.frozen(after).values())
    assert _set_up(installation) == had
    _goes_on(reader, typed[first:], port)
    _takes_what_is_due(installation)
    assert installation.afar("get", "dead-letters") == []


def _reader(line: Line, folder: Path) -> tuple[readme.Person, int]:
    """Somebody who reads README.md, with a license, a Backup resource and the keys of the vendor; and a port that is
    free."""
    installation, [port] = _installation(line), free_ports(1)
    (keys := folder / "license-keys").mkdir()
    for name, pem in installation.authority.trusted_files.items():
        (keys / name).write_bytes(pem)
    for name in ("license.yaml", "backup.yaml"):
        shutil.copy(line.stack.root / "packages" / shop.SHOP / name, folder)
    own = {
        "registry.example.com/snapline:0.1.0": installation.image,
        "https://s3.example.com": installation.s3.endpoint,
        "--bucket backups": f"--bucket {installation.s3.bucket}",
        "--access-key-id KEY": f"--access-key-id {installation.s3.access_key_id}",
        "0 2 * * *": EVERY_MINUTE,
        "8800:http": f"{port}:http",
    }
    return readme.Person(folder, own, installation.secrets), port


def _goes_on(reader: readme.Person, typed: list[str], port: int) -> None:
    """The rest of the README's way."""
    said = {}
    for command in typed:
        if readme.FORWARD in command:
            assert b"Snapline" in reader.looks_at(f"http://127.0.0.1:{port}/", command)
        else:
            said[command] = reader.types(command)
    assert any(PASSWORD.search(each) for each in said.values()), "the console has printed no password"


def _installation(line: Line) -> Installation:
    assert isinstance(line.stack, PodStack)
    assert line.stack.installation
    return line.stack.installation


def _backed_up(line: Line) -> tuple[str, looking.Picture, Set]:
    """A full backup of the shop and of what is set up, with a schedule that stands still from then on."""
    installation = _installation(line)
    installation.set_destination("--name", "nas", "--prefix", "nas")
    installation.afar("retention", "set", "--keep-daily", "7")
    installation.afar("set", "schedule", "often", *OFTEN)
    backup = installation.afar("backup", "--wait", "--timeout", "300")
    assert backup["status"] == "Completed", backup
    had = _set_up(installation)
    assert line.stack.snapline("delete", "schedule", "often").returncode == 0
    until(lambda: not _running(installation), "nothing runs any more", seconds=180)
    return backup["name"], line.look(), had


def _running(installation: Installation) -> list[str]:
    under_way = ("New", "InProgress", "Queued")
    return [each["name"] for each in installation.afar("get", "backups") if each["status"] in under_way]


def _set_up(installation: Installation) -> Set:
    """What people have set up, without what depends on the time."""
    said = {what: installation.afar("get", what) for what in COMMANDS}
    names = {what: sorted(each.get("name") or each.get("slug") for each in found) for what, found in said.items()}
    return {**names, "retention": installation.afar("retention", "show")}


def _lose_the_cluster(line: Line) -> None:
    """Applications, console, Snapline itself, all that is in no namespace, and what the broker knew."""
    installation = _installation(line)
    directories = [path.resolve() for _, path in line.volume_directories()]
    line.cluster.delete(NAMESPACES, None, shop.SHOP)
    installation.remove()
    gone = {shop.SHOP, CONSOLE}
    until(lambda: not gone & namespaces(line.cluster), "the namespaces are gone", seconds=240)
    until(lambda: not any(path.exists() for path in directories), "the volume data is gone", seconds=120)
    until(lambda: not _volumes_of(line, gone), "the volumes are gone", seconds=120)
    shop.forget_definitions(line)


def _volumes_of(line: Line, gone: set[str]) -> list[str]:
    found = line.cluster.list(VOLUMES)
    return [each["metadata"]["name"] for each in found if (each["spec"].get("claimRef") or {}).get("namespace") in gone]


def _takes_what_is_due(installation: Installation) -> None:
    """The schedule that came back, and the one that somebody has made since, each take a snapshot that is whole."""
    known = {each["name"] for each in installation.afar("get", "backups")}

    def taken(schedule: str) -> bool:
        found = installation.afar("get", "backups", "--schedule", schedule)
        return any(each["name"] not in known and each["status"] == "Completed" for each in found)

    for schedule in ("often", "nightly"):
        until(lambda: taken(schedule), f"{schedule} has taken what is due", seconds=300)  # noqa: B023  # called at once
