"""`snapline test-restore`, and `restore --namespace-mapping`: what is asked for; and the volumes alone, here."""

import json
import sys
import tempfile
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner, Result

from producers.cli import shapes
from producers.cli.main import cli
from schemas import events as e
from schemas import keys
from schemas.errors import Invalid, NotFound
from schemas.job import backup
from schemas.records import RestoreTested
from tests.support.front import Front
from workers.jobs import ledger


def _run(front: Front, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments], obj=front.session)


def test_what_is_asked_for_is_published(front: Front) -> None:
    front.back_up("a")
    done = _run(
        front,
        *("test-restore", "a", "--app", "shop", "--namespace", "trial", "--check-command", "psql -c 'select 1'"),
        *("--check-in", "db", "--probe", "web:80/x", "--ready-within", "15m", "--open-network", "-o", "json"),
    )
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout)["name"].startswith("a-test-")
    [event] = front.bus.published
    assert event.data == e.BackupTestRestoreRequested(
        backup="a",
        app="shop",
        namespace="trial",
        check_command=["psql", "-c", "select 1"],
        check_in="db",
        probe="web:80/x",
        timeout_seconds=900.0,
        open_network=True,
        destination="default",
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("nope",), NotFound),
        (("running",), Invalid),
        (("a", "--namespace", "Not A Name"), Invalid),
        (("a", "--console", "--app", "shop"), Invalid),
        (("a", "--ready-within", "soon"), Invalid),
        (("--directory",), Invalid),
    ],
)
def test_what_makes_no_sense_is_refused(front: Front, arguments: tuple[str, ...], error: type[Exception]) -> None:
    front.back_up("a")
    front.begin("running")
    assert isinstance(_run(front, "test-restore", *arguments).exception, error)
    assert front.bus.published == []


def test_a_restore_into_other_namespaces_is_asked_for_as_velero_has_it(front: Front) -> None:
    front.back_up("a")
    _run(front, "restore", "--from-backup", "a", "--namespace-mapping", "shop:copy,blog:blog-2")
    [event] = front.bus.published
    assert isinstance(event.data, e.RestoreRequested)
    assert event.data.namespace_mapping == {"shop": "copy", "blog": "blog-2"}
    for wrong in ("shop", "shop:", ":copy", "a:b,a:c", "a:B"):
        assert isinstance(_run(front, "restore", "--from-backup", "a", "--namespace-mapping", wrong).exception, Invalid)
    rolled = _run(front, "restore", "--rollback", "a-r", "--namespace-mapping", "a:b")
    assert isinstance(rolled.exception, Invalid)


@pytest.fixture
def nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary directories are made."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


def test_volumes_alone_are_restored_into_a_directory_checked_and_removed(
    two: Front, nothing_stays: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNAPLINE_SECRET", "x")
    read = "open('shop/data/etc/changed.conf').read()"
    seen = f"import os,sys; sys.exit({read} != 'two!' or 'SNAPLINE_SECRET' in os.environ)"
    check = f'{sys.executable} -c "{seen}"'
    done = _run(two, "test-restore", "second", "--directory", "--check-command", check, "-o", "json")
    assert done.exit_code == 0, done.exception or done.output
    said = json.loads(done.stdout)
    TypeAdapter(shapes.COMMANDS["test-restore"]).validate_python(said)
    assert (said["status"], said["volumes"], said["files"]) == ("Completed", 1, 3)
    assert list(nothing_stays.iterdir()) == []
    tested = ledger.read(two.store, keys.test_restored(backup("second")), RestoreTested)
    assert (tested.problems, tested.seconds) == ([], said["restore_seconds"])


@pytest.mark.parametrize("command", ["false", "/nowhere"])
def test_a_check_that_fails_is_told_and_nothing_stays(two: Front, nothing_stays: Path, command: str) -> None:
    done = _run(two, "test-restore", "second", "--directory", "--check-command", command, "-o", "json")
    assert done.exit_code == 4
    assert "check command" in json.loads(done.stdout)["errors"][0]
    assert list(nothing_stays.iterdir()) == []
    shown = json.loads(_run(two, "describe", "backup", "second", "-o", "json").stdout)
    assert (shown["test_restore"], shown["restore_seconds"]) == ("failed", None)


def test_what_is_damaged_is_told(two: Front, nothing_stays: Path) -> None:
    for found in list(two.objects.list("repository/packs/")):
        two.objects.put(found.key, b"damaged")
    done = _run(two, "test-restore", "second", "--directory", "-o", "json")
    assert done.exit_code == 4
    assert json.loads(done.stdout)["errors"]
    assert list(nothing_stays.iterdir()) == []
