"""`snapline broker definitions`: for an administrator, with users or without, and never a password in it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from producers.cli.main import cli
from schemas import broker_definitions
from schemas.errors import Invalid
from schemas.services import ANY_NODE, services


def _printed(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(cli, ["broker", "definitions", *arguments], input=typed)


def test_without_more_it_is_all_but_users() -> None:
    done = _printed("--node", "node-a")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == broker_definitions.definitions("/", ("node-a",), accounts=False)


def test_passwords_make_users_and_stay_out_of_it(tmp_path: Path) -> None:
    file = tmp_path / "passwords.yaml"
    file.write_text(json.dumps({name: f"hush-{name}" for name in [*services(), ANY_NODE]}))
    done = _printed("--passwords", str(file), "--any-node", "--vhost", "backup")
    made = json.loads(done.stdout)
    assert {user["name"] for user in made["users"]} == {*services(), ANY_NODE}
    assert {right["user"] for right in made["permissions"]} == {*services(), ANY_NODE}
    assert "hush-" not in done.stdout


def test_a_service_without_a_password_is_told_as_rabbitmq_would_refuse_its_rights() -> None:
    done = _printed("--passwords", "-", typed="notify: hush")
    assert isinstance(done.exception, Invalid)
    assert "license.gate" in str(done.exception)
    assert "notify" not in str(done.exception)
    assert _printed("--passwords", "-", "--accounts", typed="notify: hush").exit_code == 0


@pytest.mark.parametrize("said", ["- hush", "notify: [hush]", "notify: 7", "notify: ''", "{hush", "\x00hush"])
def test_what_is_no_password_is_refused_and_not_repeated(said: str) -> None:
    done = _printed("--passwords", "-", typed=said)
    assert isinstance(done.exception, Invalid)
    assert "hush" not in str(done.exception)
