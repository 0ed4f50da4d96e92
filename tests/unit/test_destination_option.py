"""Every command about jobs, files or a repository asks the destination that it is given."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from producers.cli.main import cli
from schemas import events as e
from schemas.errors import Code, NotFound
from tests.support.front import Front


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        "get backups",
        "get restores",
        "describe backup a",
        "describe restore a",
        "cancel a",
        "delete backup a",
        "restore --rollback a",
        "files ls a",
        "files ls a data",
        "files cat a data x",
        "files restore a data x --target t",
        "repository init",
        "repository check",
        "repository verify",
        "repository prune",
        "repository stats",
        "repository repair-index",
        "repository key list",
        "repository key add",
        "repository key remove x",
        "repository key rotate",
        "repository key recover",
    ],
)
def test_a_command_looks_where_it_is_told_to(front: Front, command: str) -> None:
    done = CliRunner().invoke(cli, [*command.split(), "--destination", "nowhere"], obj=front.session, input="new\n")
    assert isinstance(done.exception, NotFound)
    assert (done.exception.code, done.exception.subject) == (Code.NO_DESTINATION, "nowhere")


def test_a_request_names_its_destination_and_so_does_the_way_to_follow_it(front: Front) -> None:
    for command in ("backup", "restore --from-backup a"):
        done = CliRunner().invoke(cli, [*command.split(), "--destination", "nas", "-o", "json"], obj=front.session)
        assert (done.exit_code, json.loads(done.stdout)["status"]) == (0, "Requested")
        assert done.stderr.count("--destination nas`") == 2
    assert [event.data for event in front.bus.published] == [
        e.BackupRequested(destination="nas"),
        e.RestoreRequested(backup="a", destination="nas"),
    ]
