"""`snapline storage set` replaces nothing before it has opened what is there, and keeps what is not named."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from producers.actions import destinations as actions
from producers.actions.destinations import Change
from producers.cli.main import cli
from schemas.destination import DirectoryDestination, S3Destination
from schemas.errors import Code, Denied, Invalid, NotFound
from schemas.kubernetes import SECRETS
from tests.support.front import Front
from tests.support.sealed import PASSPHRASE
from workers.repository import open_repository


@pytest.fixture
def front(tmp_path: Path) -> Front:
    """Its store has a repository."""
    made = Front(tmp_path)
    open_repository(made.store, PASSPHRASE)
    return made


def _set(front: Front, *arguments: str, stdin: str) -> BaseException | None:
    return CliRunner().invoke(cli, ["storage", "set", *arguments], obj=front.session, input=stdin).exception


def _stored(front: Front) -> list[dict[str, str]]:
    return [secret["data"] for secret in front.cluster.list(SECRETS)]


NAS = ("directory", "--name", "nas", "--path", "/mnt/nas")


@pytest.mark.parametrize(("stdin", "code"), [("wrong\n", Code.WRONG_PASSPHRASE), ("", Code.NO_PASSPHRASE)])
def test_a_passphrase_that_does_not_open_what_is_there_is_not_stored(front: Front, stdin: str, code: Code) -> None:
    refused = _set(front, *NAS, stdin=stdin)
    assert isinstance(refused, Denied | Invalid)
    assert (refused.code, _stored(front)) == (code, [])


def test_it_replaces_no_good_one_either(front: Front) -> None:
    assert _set(front, *NAS, stdin=f"{PASSPHRASE}\n") is None
    before = _stored(front)
    assert isinstance(_set(front, *NAS, stdin="wrong\n"), Denied)
    assert _stored(front) == before
    assert _set(front, *NAS, "--no-check", stdin="wrong\n") is None
    assert _stored(front) != before


def test_what_is_not_named_stays(front: Front) -> None:
    place = ("--bucket", "b", "--endpoint", "http://h", "--prefix", "p", "--access-key-id", "key-1")
    assert _set(front, "s3", "--name", "nas", *place, stdin=f"secret\n{PASSPHRASE}\n") is None
    assert _set(front, "s3", "--name", "nas", "--access-key-id", "key-2", stdin="new secret\n") is None
    now = front.session.destination("nas")
    assert isinstance(now, S3Destination)
    assert (now.bucket, now.endpoint, now.prefix, now.access_key_id) == ("b", "http://h", "p", "key-2")
    assert (now.secret_access_key.get_secret_value(), now.passphrase.get_secret_value()) == ("new secret", PASSPHRASE)


def test_another_provider_begins_anew(front: Front) -> None:
    assert _set(front, *NAS, stdin=f"{PASSPHRASE}\n") is None
    with pytest.raises(Invalid, match="bucket"):
        actions.changed(front.session, Change("s3", "nas", {"region": "x"}))
    with pytest.raises(Invalid, match="path"):
        actions.changed(front.session, Change("directory", "new", {"passphrase": "p"}))
    assert isinstance(front.session.destination("nas"), DirectoryDestination)


def test_without_a_repository_it_says_who_makes_one(tmp_path: Path) -> None:
    front = Front(tmp_path)
    done = CliRunner().invoke(cli, ["storage", "set", *NAS], obj=front.session, input="new\n")
    assert (done.exit_code, "there is no repository yet" in done.stderr) == (0, True)


def test_what_is_not_there_cannot_be_removed(front: Front) -> None:
    for command, words in (
        ("app remove nope", "no application 'nope' is registered"),
        ("app remove ../x", "no application '../x' is registered"),
        ("schedule remove nope", "there is no schedule 'nope'"),
        ("storage remove nope", "no storage destination 'nope' is stored"),
        ("dead-letters drop license.gate --id nope", "there is no dead letter 'nope'"),
        ("dead-letters redrive license.gate --id nope", "there is no dead letter 'nope'"),
    ):
        gone = CliRunner().invoke(cli, command.split(), obj=front.session).exception
        assert isinstance(gone, NotFound), command
        assert words in str(gone)


def test_a_negative_timeout_is_refused(front: Front) -> None:
    done = CliRunner().invoke(cli, ["backup", "--wait", "--timeout", "-1"], obj=front.session)
    assert (done.exit_code, front.bus.published) == (2, [])
