"""Users and access tokens of the console, on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from producers.access import users
from producers.access.passwords import Passwords
from producers.cli.main import cli
from schemas.errors import Invalid, NotFound
from tests.support.front import Front


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


def run(front: Front, command: str) -> Any:
    done = CliRunner().invoke(cli, [*command.split(), "-o", "json"], obj=front.session)
    if done.exception:
        raise done.exception
    return json.loads(done.stdout)


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
