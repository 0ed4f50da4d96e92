"""What programs can rely on: the shapes of what is printed, of failures, and the exit codes."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from typer._click.exceptions import UsageError
from typer.testing import CliRunner

from producers.actions import applications, schedules
from producers.cli import failures, shapes
from producers.cli.exits import Exit
from producers.cli.main import cli
from schemas.errors import Code, Damaged, Denied, Invalid, NotFound, SnaplineError, TransientError
from schemas.messages import Message
from tests.support.front import Front, reject_backup, reject_restore
from tests.unit.cli.test_grammar import ALL
from tests.unit.test_actions import LICENSE

DOCS = Path(__file__).parents[3] / "docs"
STREAMS = {"events tail", "logs"}
"""They print an event a line."""


@pytest.fixture
def front(tmp_path: Path) -> Front:
    return Front(tmp_path)


def _check(name: str, printed: str) -> None:
    TypeAdapter(shapes.COMMANDS[name]).validate_json(printed)


def test_the_schema_is_the_one_that_would_be_written() -> None:
    assert (DOCS / "output.json").read_text() == shapes.document(), "run `snapline schema` and commit what it writes"


def test_every_command_that_prints_json_has_a_shape() -> None:
    printing = {
        name for name, command in ALL if not command.hidden and any("--output" in each.opts for each in command.params)
    }
    aliases = {"backup ls", "restore ls", *(name for name in printing if name.startswith("get ") and name[-1] != "s")}
    assert printing - STREAMS - aliases == shapes.COMMANDS.keys() - {"failure", "kept log"}


@pytest.mark.parametrize(
    "command",
    [
        "get apps",
        "get schedules",
        "get destinations",
        "get dead-letters",
        "get event-tokens",
        "set event-token ci",
        "set user mira --role support --app shop",
        "get users",
        "set access-token ci --role operator --permission take --days 30",
        "get access-tokens",
        "describe app shop",
        "describe schedule nightly",
        "schedule set nightly --paused",
        "schedule list",
        "schedule show nightly",
        "schedule next nightly",
        "schedule resume nightly",
        "schedule run-now nightly",
        "describe destination",
        "settings",
        "migrate --check",
        "check",
        "backup",
        "restore --from-backup full",
        "restore --from-backup full --dry-run",
        "describe backup full --objects",
        "get backups",
        "files ls full",
        "repository stats",
        "repository key list",
        "repository init",
        "delete backup full --yes",
        "wait full",
    ],
)
def test_what_is_printed_has_the_shape(held: Front, command: str) -> None:
    applications.register(held.session, "shop", license=LICENSE)
    schedules.put(held.session, "nightly", "@daily")
    done = CliRunner().invoke(cli, [*command.split(), "-o", "json"], obj=held.session)
    assert done.exit_code == 0, done.exception
    name = max((name for name in shapes.COMMANDS if command.startswith(name)), key=len)
    _check(name, done.stdout)


@pytest.mark.parametrize(
    "command",
    [
        "files ls second data",
        "files find first g*",
        "files diff first second",
        "repository check",
        "repository verify",
        "repository prune",
        "repository repair-index",
    ],
)
def test_so_have_files_and_what_is_found_of_a_repository(two: Front, command: str) -> None:
    done = CliRunner().invoke(cli, [*command.split(), "-o", "json"], obj=two.session)
    assert done.exit_code == 0, done.exception
    _check(" ".join(command.split()[:2]), done.stdout)


def test_so_have_jobs_that_are_not_green(front: Front) -> None:
    front.begin("a")
    no = Message(code="No", text="no")
    reject_backup(front, "mine", no)
    restored = reject_restore(front, "yours", no)
    for command in ("get backups", "get restores", "describe backup a", f"describe restore {restored}"):
        done = CliRunner().invoke(cli, [*command.split(), "-o", "json"], obj=front.session)
        _check(" ".join(command.split()[:2]), done.stdout)


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (Damaged("x"), Exit.FAILED, "Damaged"),
        (Invalid("x"), Exit.USAGE, "Invalid"),
        (UsageError("x"), Exit.USAGE, "Usage"),
        (NotFound("x", code=Code.NO_DESTINATION), Exit.USAGE, "NoDestination"),
        (NotFound("x", code=Code.NO_SUCH_BACKUP), Exit.NOT_FOUND, "NoSuchBackup"),
        (Denied("x", code=Code.WRONG_PASSPHRASE), Exit.DENIED, "WrongPassphrase"),
        (TransientError("x"), Exit.UNREACHABLE, "Transient"),
        (SnaplineError("x"), Exit.FAILED, "Permanent"),
    ],
)
def test_a_failure_is_a_line_for_people_and_an_object_for_programs(
    error: Exception, code: Exit, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failures.said(error, ["get", "backups", "-o", "json"]) == code
    printed = capsys.readouterr().err
    _check("failure", printed)
    said = json.loads(printed)
    assert (said["message_type"], said["code"], said["reason"], said["message"]) == ("exit_error", code, reason, "x")
    assert failures.said(error, ["get", "backups"]) == code
    assert capsys.readouterr().err.startswith("snapline: x")


@pytest.mark.parametrize("wanted", ["-o json", "-ojson", "--output json", "--output=json"])
def test_json_is_wanted_however_it_is_said(wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    failures.said(NotFound("x"), ["get", "backups", *wanted.split()])
    _check("failure", capsys.readouterr().err)


def test_exit_codes_are_documented() -> None:
    rows = {line.split("|")[1].strip() for line in (DOCS / "output.md").read_text().splitlines() if line[:2] == "| "}
    assert {str(code.value) for code in Exit} <= rows
    readme = (DOCS.parent / "README.md").read_text()
    assert [code.value for code in Exit if str(code.value) not in readme] == []
