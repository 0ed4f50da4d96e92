"""Backups are deleted for good, so somebody has to say so; several at once, and waited for."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from producers.actions import answers
from producers.cli import context
from producers.cli.main import cli
from schemas import events as e
from schemas import keys
from schemas.errors import Invalid, NotFound
from schemas.job import backup
from schemas.records import Tombstone
from tests.support.front import Front
from workers.jobs import ledger


@pytest.fixture
def front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Front:
    monkeypatch.setattr(answers, "BEAT", 0.01)
    made = Front(tmp_path)
    made.back_up("a", "b", "c")
    return made


def _delete(front: Front, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["delete", "backup", *arguments], obj=front.session)


def test_where_nobody_can_be_asked_it_has_to_be_said(front: Front) -> None:
    refused = _delete(front, "a").exception
    assert isinstance(refused, Invalid)
    assert "--yes" in str(refused)
    assert front.bus.published == []


@pytest.mark.parametrize(("said", "code", "asked"), [("y\n", 0, 1), ("n\n", 130, 0), ("\n", 130, 0)])
def test_whoever_can_be_asked_is_asked(
    front: Front, said: str, code: int, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "can_ask", lambda: True)
    done = CliRunner().invoke(cli, ["delete", "backup", "a"], obj=front.session, input=said)
    assert (done.exit_code, len(front.bus.published)) == (code, asked)
    assert "Delete a, and what only it refers to?" in done.stderr
    assert ("nothing is deleted" in done.stderr) is not bool(asked)


def test_several_are_asked_for_each_once(front: Front) -> None:
    done = _delete(front, "a", "b", "a", "--yes", "-o", "json")
    assert [row["name"] for row in json.loads(done.stdout)] == ["a", "b"]
    assert [event.data for event in front.bus.published] == [
        e.BackupDeleteRequested(backup="a", destination="default"),
        e.BackupDeleteRequested(backup="b", destination="default"),
    ]


def test_if_one_is_not_there_none_is_deleted(front: Front) -> None:
    assert isinstance(_delete(front, "a", "nope", "--yes").exception, NotFound)
    assert front.bus.published == []


def test_what_is_waited_for_has_an_end(front: Front) -> None:
    done = _delete(front, "a", "--yes", "--wait", "--timeout", "0.1", "-o", "json")
    assert (done.exit_code, json.loads(done.stdout)) == (124, {"name": "a", "status": "Requested"})
    front.session.close()


def test_what_is_gone_already_is_gone(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "SILENCE", 0.0)
    asked = front.bus.publish

    def and_gone(event: e.AnyEvent) -> None:
        asked(event)
        ledger.put(front.store, keys.deleted(backup("a")), Tombstone(reclaimed_bytes=5))
        front.store.delete(keys.final(backup("a")))

    monkeypatch.setattr(front.bus, "publish", and_gone)
    done = _delete(front, "a", "--yes", "--wait", "-o", "json")
    said = json.loads(done.stdout)
    assert (done.exit_code, said["status"], said["reclaimed_bytes"]) == (0, "Deleted", 5)
    front.session.close()
