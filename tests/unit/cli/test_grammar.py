"""One grammar: a verb, a noun, a name. Help is whole at any width, and other spellings work all the same."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from producers.cli.commands.app import app as apps
from producers.cli.main import Commands, cli
from tests.support.front import Front

NOUNS = {
    "get": [
        "backups",
        "restores",
        "apps",
        "schedules",
        "destinations",
        "notifications",
        "objectives",
        "event-tokens",
        "users",
        "access-tokens",
        "dead-letters",
    ],
    "describe": ["backup", "restore", "app", "schedule", "destination", "notification", "dead-letter"],
    "set": [
        "app",
        "schedule",
        "destination",
        "default-destination",
        "notification",
        "objective",
        "event-token",
        "user",
        "access-token",
    ],
    "delete": [
        "backup",
        "app",
        "schedule",
        "destination",
        "notification",
        "objective",
        "event-token",
        "user",
        "access-token",
        "dead-letters",
    ],
}


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """All commands, as they are typed."""
    yield name, command
    for word in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from _commands(f"{name} {word}".strip(), command.get_command(None, word))


ALL = list(_commands("", typer.main.get_command(cli)))
"""Those that are not hidden, all in all."""


@pytest.mark.parametrize("verb", NOUNS)
def test_a_verb_knows_its_nouns(verb: str) -> None:
    group = typer.main.get_command(cli).get_command(None, verb)  # type: ignore[attr-defined]
    assert group is not None
    shown = [name for name in group.list_commands(None) if not group.get_command(None, name).hidden]
    assert sorted(shown) == sorted(NOUNS[verb])


@pytest.mark.parametrize("width", ["40", "60", "80"])
@pytest.mark.parametrize(("name", "command"), ALL, ids=[name or "snapline" for name, _ in ALL])
def test_help_cuts_no_option_and_no_sentence(name: str, command: Any, width: str) -> None:
    done = CliRunner().invoke(cli, [*name.split(), "-h"], env={"COLUMNS": width, "TERMINAL_WIDTH": width})
    assert done.exit_code == 0
    options = [option for each in command.params for option in (*each.opts, *each.secondary_opts) if option[0] == "-"]
    assert [option for option in options if not re.search(rf"{re.escape(option)}\b", done.stdout)] == []
    _usage, _, sentences = done.stdout.partition("\n\n")
    assert "..." not in sentences
    assert not any(option.startswith("--no-no-") for option in options)


@pytest.mark.parametrize(
    "other",
    [
        "backup ls -o json",
        "restore ls -o json",
        "get backup -o json",
        "get app -o json",
        "storage list -o json",
        "schedule show -o json",
        "schedule ls -o json",
        "schedule get -o json",
        "dead-letters list -o json",
    ],
)
def test_other_spellings_do_the_same(front: Front, other: str) -> None:
    done = CliRunner().invoke(cli, other.split(), obj=front.session)
    assert (done.exit_code, done.stdout.strip()[:1]) == (0, "[")


def test_everything_listed_says_what_it_is_for() -> None:
    assert [name for name, entry in Commands.table.items() if not entry.help and not entry.hidden] == []
    for name, command in ALL[1:]:
        assert command.help, name
    assert apps.registered_commands


def test_a_group_of_one_command_is_a_group_all_the_same(front: Front) -> None:
    done = CliRunner().invoke(cli, ["events", "tail", "--from", "first", "--no-follow"], obj=front.session)
    assert (done.exit_code, done.stdout) == (0, "")


def test_h_is_help_everywhere(front: Front) -> None:
    for arguments in (["-h"], ["get", "-h"], ["get", "backups", "-h"], ["set", "destination", "s3", "-h"]):
        assert CliRunner().invoke(cli, arguments).stdout.startswith("Usage: ")
