"""Users and access tokens of the console, on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from producers.access import users
from producers.access.passwords import Passwords
from producers.cli.main import cli
from schemas import events as e
from schemas.errors import Invalid, NotFound, TransientError
from tests.support.front import Front


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


def run(front: Front, command: str) -> Any:
    done = CliRunner().invoke(cli, [*command.split(), "-o", "json"], obj=front.session)
    if done.exception:
        raise done.exception
    return json.loads(done.stdout)


def done(front: Front, command: str) -> str:
    """What it says on either stream."""
    result = CliRunner().invoke(cli, command.split(), obj=front.session)
    if result.exception:
        raise result.exception
    return result.output


def test_a_new_user_gets_a_password_once_and_a_known_one_keeps_it(front: Front) -> None:
    made = run(front, "set user mira --role support --app shop")
    kept = users.user(front.session, "mira")
    assert kept is not None
    assert Passwords().fits(kept.password_hash, made["password"])
    assert kept.change
    changed = run(front, "set user mira --role operator")
    assert (changed["role"], changed["apps"], changed["password"]) == ("operator", ["shop"], None)
    assert run(front, "set user mira --all-apps")["apps"] is None
    assert run(front, "set user mira --new-password")["password"] not in (None, made["password"])
    assert [each["name"] for each in run(front, "get users")] == ["mira"]
    assert made["password"] not in str(run(front, "get users"))


def test_the_last_administrator_stays(front: Front) -> None:
    run(front, "set user admin --role cluster-admin")
    with pytest.raises(Invalid, match="is the last user who may manage"):
        run(front, "set user admin --role support")
    done = CliRunner().invoke(cli, ["delete", "user", "admin"], obj=front.session)
    assert isinstance(done.exception, Invalid)


def test_a_token_is_shown_once_and_deleted(front: Front) -> None:
    made = run(front, "set access-token ci --role operator --app shop --permission take --days 1")
    assert (made["apps"], made["permissions"]) == (["shop"], ["take"])
    [listed] = run(front, "get access-tokens")
    assert made["token"] not in str(listed)
    for expected in (None, NotFound):
        done = CliRunner().invoke(cli, ["delete", "access-token", "ci"], obj=front.session)
        assert isinstance(done.exception, expected or type(None))


def test_what_is_changed_by_commands_is_in_the_audit_trail(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    password = run(front, "set user mira --role support")["password"]
    token = run(front, "set access-token ci --role support")["token"]
    for words in ("delete access-token ci", "delete user mira"):
        done(front, words)
    acts = [event.data for event in front.bus.audited]
    assert all(isinstance(each, e.AuditRecorded) for each in acts)
    assert [(each.who, each.act, each.on, each.outcome) for each in acts if isinstance(each, e.AuditRecorded)] == [
        ("ada (snapline)", "administer", "user mira", "done"),
        ("ada (snapline)", "administer", "token ci", "done"),
        ("ada (snapline)", "administer", "token ci, deleted", "done"),
        ("ada (snapline)", "administer", "user mira, deleted", "done"),
    ]
    assert password not in str(acts)
    assert token not in str(acts)


def test_a_change_that_the_event_log_does_not_get_is_done_and_that_is_told(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: e.AnyEvent) -> None:
        raise TransientError("could not reach RabbitMQ")

    monkeypatch.setattr(front.bus, "publish", away)
    said = done(front, "set user mira --role support")
    assert "this is not in the audit trail: could not reach RabbitMQ" in said
    assert users.user(front.session, "mira") is not None
