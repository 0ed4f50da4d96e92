"""`snapline copy`, and what is shown of backups in more than one destination."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner, Result

from producers.actions import answers, destinations
from producers.actions.copies import copied, copy
from producers.cli import shapes
from producers.cli.main import cli
from schemas import events as e
from schemas import keys
from schemas.destination import Destination, DirectoryDestination
from schemas.errors import Code, Invalid, NotFound, TransientError
from schemas.job import backup
from schemas.messages import Message
from schemas.records import Copied, CopyFailed, WantedCopy
from tests.support.front import NOON, Front
from tests.support.sealed import PASSPHRASE, sealed
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.ports import ObjectStore, StoredObject

LATER = NOON + timedelta(days=1000)
FULL = Message(code="Transient", text="the disk is full")


class Away(MemoryObjectStore):
    """A server that does not answer."""

    def list(self, prefix: str) -> Iterator[StoredObject]:
        raise TransientError("the server does not answer")

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        raise TransientError("the server does not answer")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "BEAT", 0.001)
    monkeypatch.setattr(answers, "SILENCE", 0.0)


@pytest.fixture
def front(tmp_path: Path) -> Front:
    """With the destinations `default`, `nas`, which has the backup `b` as well, and `far`, which does not answer."""
    front = Front(tmp_path)
    objects: dict[str, ObjectStore] = {"default": front.objects, "nas": MemoryObjectStore(), "far": Away()}

    def opened(destination: Destination) -> ObjectStore:
        return objects[destination.name]

    front.session.open_store = opened
    for name in ("nas", "far"):
        destinations.keep(front.session, DirectoryDestination(name=name, path=f"/mnt/{name}", passphrase=PASSPHRASE))
    front.back_up("a", "b")
    record = front.finish("b")
    there = record.model_copy(update={"destination": "nas", "copied_from": "default", "copied_at": NOON})
    ledger.create(sealed(objects["nas"]), keys.final(backup("b")), there)
    return front


def run(front: Front, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments], obj=front.session)


def record(front: Front, name: str) -> None:
    """All that may be known of copies of a backup."""
    job = backup(name)
    result = Copied(at=LATER, scanned_bytes=100, read_bytes=50, uploaded_bytes=25)
    ledger.put(front.store, keys.copied(job, "nas"), result)
    ledger.put(front.store, keys.copy_failed(job, "s3"), CopyFailed(at=LATER, reason=FULL))
    ledger.put(front.store, keys.wanted_copy(job, "far"), WantedCopy(since=LATER))


def test_what_is_asked_for_is_published(front: Front) -> None:
    said = json.loads(run(front, "copy", "a", "--to", "nas", "-o", "json").stdout)
    assert (said["name"], said["status"]) == ("a", "Requested")
    run(front, "copy", "b", "--from", "nas", "--to", "default")
    run(front, "backup", "--copy-to", "nas", "--copy-to", "far")
    assert [event.data for event in front.bus.published] == [
        e.BackupCopyRequested(backup="a", to="nas", destination="default"),
        e.BackupCopyRequested(backup="b", to="default", destination="nas"),
        e.BackupRequested(destination="default", copy_to=["nas", "far"]),
    ]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("copy", "nope", "--to", "nas"), NotFound),
        (("copy", "running", "--to", "nas"), Invalid),
        (("copy", "a", "--to", "default"), Invalid),
        (("copy", "a", "--to", "nowhere"), NotFound),
        (("copy", "a", "--from", "nowhere", "--to", "nas"), NotFound),
        (("backup", "--copy-to", "nowhere"), NotFound),
        (("backup", "--copy-to", "default"), Invalid),
        (("get", "backups", "--all-destinations", "--watch"), Invalid),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked_for(
    front: Front, arguments: tuple[str, ...], error: type[Exception]
) -> None:
    front.begin("running")
    assert isinstance(run(front, *arguments).exception, error)
    assert front.bus.published == []


def test_who_waits_hears_what_came_of_it(front: Front) -> None:
    record(front, "a")
    done = run(front, "copy", "a", "--to", "nas", "--wait", "-o", "json")
    assert done.exit_code == 0, done.exception
    said = TypeAdapter(shapes.COMMANDS["copy"]).validate_json(done.stdout)
    assert (said.status, said.size, said.read_bytes, said.uploaded_bytes) == ("Copied", 100, 50, 25)
    assert run(front, "copy", "a", "--to", "far", "--wait", "--timeout", "0.05").exit_code == 124
    front.store.delete(keys.wanted_copy(backup("a"), "far"))
    ledger.put(front.store, keys.copy_failed(backup("a"), "far"), CopyFailed(at=LATER, reason=FULL))
    failed = run(front, "copy", "a", "--to", "far", "--wait", "-o", "json")
    assert failed.exit_code == 1
    said = TypeAdapter(shapes.COMMANDS["copy"]).validate_json(failed.stdout)
    assert (said.status, said.reason) == ("CopyFailed", "the disk is full")


def test_an_earlier_failure_is_no_answer(front: Front) -> None:
    ledger.put(front.store, keys.copy_failed(backup("a"), "nas"), CopyFailed(at=NOON, reason=FULL))
    requested = copy(front.session, "a", "nas")
    assert copied(front.session, requested, patience=0.05) is None


def test_lists_and_descriptions_say_how_it_is_with_copies(front: Front) -> None:
    record(front, "a")
    listed = {row["name"]: row for row in json.loads(run(front, "get", "backups", "-o", "json").stdout)}
    assert listed["a"]["copies"] == {"far": "wanted", "nas": "copied", "s3": "failed"}
    assert listed["b"]["copies"] == {}
    assert "nas copied" in run(front, "get", "backups", "-o", "wide").stdout
    done = run(front, "describe", "backup", "a", "-o", "json")
    said = TypeAdapter(shapes.COMMANDS["describe backup"]).validate_json(done.stdout)
    assert [(each.to, each.standing, each.reason) for each in said.copy_results] == [
        ("far", "wanted", ""),
        ("nas", "copied", ""),
        ("s3", "failed", "the disk is full"),
    ]
    shown = run(front, "describe", "backup", "a").stdout
    assert "s3: failed" in shown
    assert "the disk is full" in shown


def test_a_destination_that_is_away_hides_nothing_of_the_others(front: Front) -> None:
    done = run(front, "get", "backups", "--all-destinations", "-o", "json")
    rows = TypeAdapter(shapes.COMMANDS["get backups"]).validate_json(done.stdout)
    assert sorted((row.name, row.destination) for row in rows) == [("a", "default"), ("b", "default"), ("b", "nas")]
    assert {row.copied_from for row in rows if row.destination == "nas"} == {"default"}
    assert "destination far could not be read: the server does not answer" in done.stderr
    assert isinstance(done.exception, TransientError)
    table = run(front, "get", "backups", "-A").stdout
    assert table.split("\n")[0].split()[:2] == ["name", "destination"]


def test_what_another_destination_has_is_there_while_the_default_is_away(front: Front, tmp_path: Path) -> None:
    session = front.session
    known = session.open_store
    session.open_store = lambda destination: Away() if destination.name == "default" else known(destination)
    done = run(front, "get", "backups", "--destination", "nas", "-o", "json")
    assert [row["name"] for row in json.loads(done.stdout)] == ["b"]
    asked = run(front, "restore", "--from-backup", "b", "--destination", "nas", "-o", "json")
    assert asked.exit_code == 0, asked.exception
    [event] = front.bus.published
    assert isinstance(event.data, e.RestoreRequested)
    assert event.data.destination == "nas"


def test_without_a_destination_of_that_name_the_reason_is_clear(front: Front) -> None:
    error = run(front, "copy", "a", "--to", "nowhere").exception
    assert isinstance(error, NotFound)
    assert error.code == Code.NO_DESTINATION
